"""What commands print: results for people or JSON on stdout, progress and notes on stderr."""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Bar = Callable[[int, int, str], None]
"""Called with how much is done, of how much, and a few words about it."""

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but for tab and line feed
C1 = re.compile(r"[\x7f-\x9f]")  # those that JSON leaves as they are
QUIET_S = 10.0  # between two progress lines where nobody can see a bar


class Interrupted(GroundtoneError):
    """Ctrl-C, with what is kept."""

    exit_code = 130


class Output:
    """The two channels of one command.

    Without ``--json`` results go to stdout as text; with it stdout holds JSON and nothing else.
    Progress, notes and errors go to stderr in both cases.

    Args:
        as_json: whether ``--json`` was given.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def show(self, *what: RenderableType) -> None:
        """Print a result for people; nothing with ``--json``."""
        if self.as_json:
            return
        shown, wraps = console(), not sys.stdout.isatty()
        for each in what:  # lines in a file or pipe stay whole
            shown.print(each, soft_wrap=wraps and isinstance(each, str))

    def note(self, text: str) -> None:
        """Say something beside the result, on stderr."""
        console(stderr=True).print(text, soft_wrap=True)

    def document(self, value: object) -> None:
        """Print the one JSON document of ``--json``."""
        if self.as_json:
            print(dump(value, indent=1), flush=True)

    def line(self, value: object) -> None:
        """Print one JSON object of a stream."""
        if self.as_json:
            print(dump(value), flush=True)

    @contextmanager
    def bar(self, title: str, *, left: bool = True) -> Iterator[Bar]:
        """A progress bar on a terminal, a line every ten seconds elsewhere.

        Args:
            left: whether the bar estimates the time left; False where the words do.
        """
        if sys.stderr.isatty():
            with _terminal_bar(title, left) as update:
                yield update
            return
        told = time.monotonic()

        def tell(done: int, total: int, words: str = "") -> None:
            nonlocal told
            if time.monotonic() - told >= QUIET_S and not self.as_json:
                told = time.monotonic()
                self.note(f"{title} {done}/{total}" + (f" · {words}" if words else ""))

        yield tell

    @contextmanager
    def keeping(self, what: str | Callable[[], str]) -> Iterator[None]:
        """Turn Ctrl-C inside into exit code 130 and a sentence that says what is kept.

        Args:
            what: the sentence, or what makes it when the work has stopped.
        """
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.", what if isinstance(what, str) else what()) from None


def console(*, stderr: bool = False) -> Console:
    """A console for text: labels in brackets are no markup here, and nothing is an order to it."""
    from groundtone.cli.terminal import TextConsole

    wide = None if (sys.stderr if stderr else sys.stdout).isatty() else 100
    return TextConsole(stderr=stderr, markup=False, highlight=False, emoji=False, width=wide)


def visible(text: str) -> str:
    r"""Text with a sign in place of each character that a terminal would obey (C0, DEL, C1).

    A document or a model may hold them, and could clear the screen or name the window with them.

    >>> visible("\x1b[2Jcleared\n\tand \x9b2J again")
    '�[2Jcleared\n\tand �2J again'
    """
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


@contextmanager
def _terminal_bar(title: str, left: bool) -> Iterator[Bar]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    ]
    if left:
        columns += [TextColumn("left", markup=False), TimeRemainingColumn()]
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None, words="")

        def update(done: int, total: int, words: str = "") -> None:
            progress.update(task, completed=done, total=total, words=words)

        yield update


def dump(value: object, *, indent: int | None = None) -> str:
    """JSON text of plain values, dataclasses and paths; a number that is none becomes null."""
    ascii_only = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") != "utf8"
    text = json.dumps(_plain(value), ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair
        text = json.dumps(_plain(value), indent=indent, allow_nan=False)
    return C1.sub(lambda control: f"\\u{ord(control[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Any:
    """An empty rich table; the columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(0.42), duration(75), duration(3700)
    ('0.4 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Bytes for people.

    >>> size(144_811_072)
    '145 MB'
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            shown = count / scale
            return f"{shown:.1f} {unit}" if shown < 10 else f"{shown:.0f} {unit}"
    return f"{count} bytes"
