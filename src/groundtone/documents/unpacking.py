"""Everything one file holds: the file itself, and what is inside it, inside that, and so on."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from groundtone.documents.decoding import NotText
from groundtone.documents.document import Document, Part, Reading
from groundtone.documents.families import FAMILIES
from groundtone.documents.limits import Budget, Limits, Member, TooMuch
from groundtone.documents.office_variants import as_plain
from groundtone.documents.recognising import UnsupportedKind, recognise
from groundtone.errors import UnreadableFile

_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_LONGEST_NAME = 240
_NAMED_REASONS = 5
_SILENT = dict.fromkeys(
    ("docx", "pptx", "opendocument", "html"), "; pictures in it, if any, are not read"
)


Watch = Callable[[str, bytes], None]
"""Told the name inside the file and the content of each document that was read."""


def read_parts(path: Path, data: bytes, limits: Limits, watch: Watch | None = None) -> Reading:
    """Read a file's documents, down to the innermost.

    Raises:
        UnreadableFile: there is none.
    """
    return _parts(path, data, _family(path, data), limits, watch)


def read_one(path: Path, data: bytes, limits: Limits) -> Document:
    """Read the one document that a file is, or the only one in an archive.

    Raises:
        UnreadableFile: whatever is wrong with it.
    """
    family = _family(path, data)
    if hasattr(_module(path, family), "read"):
        return _own(path, data, family)
    parts = _parts(path, data, family, limits).parts
    if len(parts) > 1:
        raise UnreadableFile(path, f"holds {len(parts)} documents, not one")
    return parts[0].document


def _parts(
    path: Path, data: bytes, family: str, limits: Limits, watch: Watch | None = None
) -> Reading:
    unpacker = _Unpacker(limits, watch)
    try:
        unpacker.take(path, "", data, family, {}, 0)
    except TooMuch as error:
        unpacker.failed.append(("", f"the rest of it is not read: {error}"))
    if not unpacker.parts:
        raise UnreadableFile(path, _why_nothing(unpacker))
    return Reading(
        tuple(unpacker.parts), tuple(unpacker.failed), tuple(sorted(unpacker.skipped.items()))
    )


def _family(path: Path, data: bytes) -> str:
    try:
        return recognise(path.name, data)
    except UnreadableFile as error:
        raise UnreadableFile(path, error.reason) from None


def _own(path: Path, data: bytes, family: str) -> Document:
    """What one reader makes of a file, without what is inside it.

    Raises:
        UnreadableFile: whatever is wrong with it.
    """
    module = _module(path, family)
    with _AsReasons(path, FAMILIES[family].label):
        document: Document = module.read(path, as_plain(data, family))
    return _finished(path, document, family)


def _finished(path: Path, document: Document, family: str) -> Document:
    if not document.text.strip():
        raise UnreadableFile(path, f"holds no text{_SILENT.get(family, '')}")
    title = " ".join(document.title.encode("utf-8", "replace").decode("utf-8").split())
    if title != document.title:  # it may come from a file name, which is any bytes
        document = replace(document, title=title or "untitled")
    if not document.blocks:
        # A page of front matter alone is normal in documentation trees, and no fault.
        return replace(document, notes=(*document.notes, "nothing to index: no text in its body"))
    return document


class _AsReasons:
    """Whatever a parser raises becomes a reason; a sync must go on."""

    def __init__(self, path: Path, label: str) -> None:
        self._path, self._label = path, label

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (UnreadableFile, TooMuch)):
            return
        if not isinstance(error, Exception):
            return
        raise UnreadableFile(self._path, self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        if isinstance(error, NotText):
            return str(error)
        if isinstance(error, ImportError):
            return f"reading {self._label} needs a package that is not installed: {error}"
        if isinstance(error, MemoryError):
            return "needs more memory than this machine has left"
        if isinstance(error, RecursionError):
            return f"damaged {self._label}: nested too deeply"
        detail = " ".join(str(error).split())[:200] or "no detail given"
        return f"damaged or not {self._label}: {type(error).__name__}: {detail}"


class _Unpacker:
    def __init__(self, limits: Limits, watch: Watch | None = None) -> None:
        self._watch = watch
        self.parts: list[Part] = []
        self.failed: list[tuple[str, str]] = []
        self.skipped: Counter[str] = Counter()
        self._budget = Budget(limits)
        self._given: dict[str, int] = {}  # name -> how often

    def take(
        self,
        path: Path,
        name: str,
        data: bytes,
        family: str,
        metadata: Mapping[str, Any],
        depth: int,
    ) -> None:
        """Read one thing by its family's reader, and then what is inside it.

        A reader has `read` (one document), `open_parts` (a container), or `read` and
        `read_with_parts` (a document that brings others).
        """
        module = _module(path, family)
        members: Iterable[Member] = ()
        try:
            if hasattr(module, "read_with_parts"):
                with _AsReasons(path, FAMILIES[family].label):
                    document, members = module.read_with_parts(path, data)
                self._add(name, _finished(path, document, family), metadata, data)
            elif hasattr(module, "read"):
                self._add(name, _own(path, data, family), metadata, data)
            else:
                members = module.open_parts(path, data, self._budget)
        except UnreadableFile as error:
            self._fail(name, error)
        try:
            with _AsReasons(path, FAMILIES[family].label):
                for member in members:
                    if depth >= self._budget.limits.depth:
                        deepest = f"nested deeper than {depth} levels; not opened"
                        raise UnreadableFile(name, deepest)
                    self._take_member(name, member, depth + 1)
        except UnreadableFile as error:
            self._fail(name, error)

    def _add(self, name: str, document: Document, metadata: Mapping[str, Any], data: bytes) -> None:
        if metadata:
            document = replace(document, metadata={**document.metadata, **metadata})
        self.parts.append(Part(name, document))
        if self._watch is not None:
            self._watch(name, data)

    def _take_member(self, within: str, member: Member, depth: int) -> None:
        self._budget.take_member()
        shown = harmless(member.name)
        steps = shown.split("/")
        last = steps[-1]
        if not shown or any(step.startswith((".", "~$")) or step == "__MACOSX" for step in steps):
            return  # hidden files and lock files, as in folders
        name = self._unique(f"{within}/{shown}" if within else shown)
        content = member.content
        if isinstance(content, UnreadableFile):
            self._fail(name, content)
            return
        try:
            if not content:
                raise UnreadableFile(name, "the file is empty")
            family = member.family or recognise(last, content, member.media_type, any_text=False)
            self.take(Path(last), name, content, family, member.metadata, depth)
        except UnreadableFile as error:
            self._fail(name, error)

    def _fail(self, name: str, error: UnreadableFile) -> None:
        if isinstance(error, UnsupportedKind) and name:
            self.skipped[Path(name).suffix.lower()] += 1
        else:
            self.failed.append((name, error.reason))

    def _unique(self, name: str) -> str:
        """The name, with a number where it was given before."""
        place = len(name) - len(PurePosixPath(name).suffix)
        unique = name
        while unique in self._given:
            self._given[name] += 1
            unique = f"{name[:place]} ({self._given[name]}){name[place:]}"
        self._given[unique] = 1
        return unique


def harmless(name: str) -> str:
    """A member's name as a relative path that leads nowhere else and prints on one line."""
    name = _UNWANTED.sub("_", name).replace("\\", "/")
    steps = [step.strip() for step in _DRIVE.sub("", name).split("/")]
    name = "/".join(step for step in steps if step not in ("", ".", ".."))
    if len(name) > _LONGEST_NAME:
        name = name[:100] + "…" + name[-(_LONGEST_NAME - 101) :]
    return name


def _module(path: Path, family: str) -> Any:
    with _AsReasons(path, FAMILIES[family].label):
        return importlib.import_module(f"groundtone.documents.{family}")


def _why_nothing(unpacker: _Unpacker) -> str:
    """One sentence for a file of which nothing could be read."""
    failed = sorted(unpacker.failed, key=lambda pair: bool(pair[0]))  # the file's own first
    if len(failed) == 1 and not failed[0][0]:
        return failed[0][1]
    if not failed:
        if not unpacker.skipped:
            return "holds no files"
        kinds = ", ".join(sorted(suffix or "no ending" for suffix in unpacker.skipped))
        return f"holds no file of a kind that is read (only {kinds})"
    shown = "; ".join(
        f"{name}: {reason}" if name else reason for name, reason in failed[:_NAMED_REASONS]
    )
    more = len(failed) - _NAMED_REASONS
    return f"nothing in it can be read: {shown}" + (f"; and {more} more" if more > 0 else "")
