"""JSON and JSON Lines: one line a value with the path that leads to it, one block a record.

The file itself is poor to read and to search: escapes hide the words, quotes and brackets fill the
embedder's window, and a cut in the middle loses the keys around it. So the canonical text is made:
``address.city: Oslo``. The path is JSON's own, which opens the place in any tool.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from groundtone.documents.composing import Composer
from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.slicing import Slices, paragraph_spans

# Parsed values take about ten times the file's size in memory.
_LARGEST_PARSED = 64_000_000
# A text of paths may be this many times as long as the file: keys that are repeated for each value
# under them can make any file explode.
_LONGEST_TEXT = 5
_ALLOWANCE = 100_000
_LONGEST_PATH = 200
_LONGEST_ITEM = 60
_PLAIN_KEY = re.compile(r"[^\W\d][\w$-]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TITLES = ("title", "name")


class _TooLong(Exception):
    """The text of paths would be out of proportion to the file."""


def read(path: Path, data: bytes) -> Document:
    """Read JSON, JSON Lines, or several JSON values in a row.

    Each line of the canonical text is ``path: value``; strings stand unescaped. Each element of
    an array at the top, each line of JSON Lines and each member of an object is a block of kind
    "list"; elements begin with their own path (``records[3]``, ``[0]``; in JSON Lines ``line 7``),
    and the paths under it are relative to it. Empty containers and null are left out. The title
    is the top object's "title" or "name", else the file's stem.

    What is no JSON (a note says where it fails), or larger than 64 MB, or would become more than
    five times as long, is kept as it stands, in blocks between blank lines.
    """
    text, decoding_notes = decode(data)
    notes = list(decoding_notes)
    lined = path.suffix.lower() in (".jsonl", ".ndjson")
    media_type = "application/x-ndjson" if lined else "application/json"
    composer = _Records(_ALLOWANCE + _LONGEST_TEXT * len(text))
    try:
        if lined:
            composer.lines(text, notes)
        elif len(text) > _LARGEST_PARSED:
            notes.append("too large to take apart; kept as it stands")
            return _unchanged(path, text, media_type, notes)
        else:
            try:
                composer.value(_parsed(text))
            except json.JSONDecodeError as error:
                if not _is_lined(text):
                    notes.append(
                        f"not valid JSON (line {error.lineno}, column {error.colno}: "
                        f"{error.msg}); kept as it stands"
                    )
                    return _unchanged(path, text, media_type, notes)
                composer.lines(text, notes)
    except _TooLong:
        notes.append("its long keys are repeated too often to write them out; kept as it stands")
        return _unchanged(path, text, media_type, notes)
    except RecursionError:
        notes.append("nested too deeply to take apart; kept as it stands")
        return _unchanged(path, text, media_type, notes)
    title = composer.title or path.stem
    return composer.document(title, media_type, tuple(notes))


def _parsed(text: str) -> Any:
    # Numbers stay as they are written: 1.10 is not 1.1, and no digit is lost.
    return json.loads(text, parse_float=str, parse_int=str)


def _unchanged(path: Path, text: str, media_type: str, notes: list[str]) -> Document:
    slices = Slices(text)
    for start, end in paragraph_spans(text):
        slices.add("code", start, end)
    return slices.document(path.stem, media_type, notes)


def _is_lined(text: str) -> bool:
    """Is the first line that is not blank a whole value, as in JSON Lines?"""
    first = text.lstrip("\ufeff \t\r\n").split("\n", 1)[0]
    if first[:1] not in ("{", "["):
        return False
    try:
        _parsed(first)
    except (ValueError, RecursionError):
        return False
    return True


class _Records(Composer):
    """Composes values; refuses to grow out of proportion."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._left = limit
        self.title = ""

    def lines(self, text: str, notes: list[str]) -> None:
        """Take in JSON Lines; a line that is no JSON is kept as it stands."""
        bad: list[int] = []
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                value = _parsed(line)
            except (ValueError, RecursionError):
                bad.append(number)
                self._block([line.strip()], f"line {number}")
                continue
            self._block(self._flat(value), f"line {number}")
        if bad:
            shown = ", ".join(map(str, bad[:5])) + (", …" if len(bad) > 5 else "")
            notes.append(f"{len(bad)} line(s) are no JSON and were kept as they stand: {shown}")

    def value(self, value: Any) -> None:
        """Take in a whole file's value."""
        if isinstance(value, list):
            self._elements("", value)
        elif isinstance(value, dict):
            self.title = next(
                (
                    " ".join(value[key].split())[:200]
                    for key in _TITLES
                    if isinstance(value.get(key), str)
                ),
                "",
            )
            simple: list[str] = []
            for key, member in value.items():
                name = _step("", key)
                if isinstance(member, list) and any(isinstance(item, dict) for item in member):
                    self._block(simple)
                    simple = []
                    self._elements(name, member)
                elif isinstance(member, dict) and len(member) > 1:
                    self._block(simple)
                    simple = []
                    self._block(self._flat(member, name))
                else:
                    simple.extend(self._flat(member, name))
            self._block(simple)
        else:
            self._block(self._flat(value))

    def _elements(self, name: str, elements: list[Any]) -> None:
        if not any(isinstance(element, (dict, list)) for element in elements):
            self._block(self._flat(elements, name))
            return
        for number, element in enumerate(elements):
            self._block(self._flat(element), f"{name}[{number}]")

    def _block(self, lines: Iterable[str], label: str = "") -> None:
        text = _LONE_SURROGATE.sub("\ufffd", "\n".join(lines))
        if text.strip():
            self.add("list", f"{label}\n{text}" if label else text)

    def _flat(self, value: Any, name: str = "") -> Iterator[str]:
        """The lines of a value, in its order; paths too long lose their beginning."""
        todo: list[Iterator[tuple[str, Any]]] = [iter([(name, value)])]
        while todo:
            at, value = next(todo[-1], (None, None))
            if at is None:
                todo.pop()
                continue
            if isinstance(value, dict):
                todo.append(_members(at, value))
                continue
            if isinstance(value, list):
                if not all(map(_is_short, value)):
                    todo.append(_numbered(at, value))
                    continue
                shown = ", ".join(_shown(item) for item in value if item is not None)
            else:
                shown = "" if value is None else _shown(value)
            if shown:
                line = f"{at}: {shown}" if at else shown
                self._left -= len(line) + 1
                if self._left < 0:
                    raise _TooLong
                yield line


def _members(at: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, member in value.items():
        yield _step(at, key), member


def _numbered(at: str, value: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(value):
        yield _bounded(f"{at}[{number}]"), item


def _step(at: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key[:_LONGEST_PATH]):
        return _bounded(f"{at}.{key}" if at else key)
    return _bounded(f"{at}[{json.dumps(key, ensure_ascii=False)}]")


def _bounded(path: str) -> str:
    return path if len(path) <= _LONGEST_PATH else "…" + path[-_LONGEST_PATH:]


def _is_short(item: Any) -> bool:
    if isinstance(item, str):
        return len(item) <= _LONGEST_ITEM and "\n" not in item
    return not isinstance(item, (dict, list))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
