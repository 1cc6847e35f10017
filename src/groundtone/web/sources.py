"""The place that a citation names, made ready to be shown: a page with boxes, or marked text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.document import Box
from groundtone.errors import UnreadableFile
from groundtone.web.visitor import Sight

if TYPE_CHECKING:
    from groundtone.catalog import DocumentInfo
    from groundtone.workspace import Workspace

PDF = "application/pdf"
AROUND = 6000  # characters of text shown before and after what is cited
_HEADING = re.compile(r"^(#{1,6})\s+")
_NUMBERED = re.compile(r"^\d+(?:\.\d+)*\.?\s+\S.{0,80}$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_RULE = re.compile(r"^[\s|:+-]{3,}$")
_SEPARATORS = {"text/csv": ",", "text/tab-separated-values": "\t"}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Cited:
    """What a citation points at.

    Attributes:
        start, end: of the quote, in characters of the document's text.
        page: from 1, or None.
        box: of its passage on that page, in points, or None.
        quote: the words.
    """

    version: str
    start: int
    end: int
    page: int | None = None
    box: Box | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; `marked` where it is the cited sentence."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document.

    Attributes:
        kind: ``heading``, ``item``, ``row``, ``code``, ``text`` or ``gap``.
        cells: one, or for a row of a table one for each column.
        level: of a heading, from 1.
    """

    kind: str
    cells: tuple[tuple[Piece, ...], ...]
    level: int = 0

    @property
    def marked(self) -> bool:
        """Whether something of the cited sentence is in it."""
        return any(piece.marked for cell in self.cells for piece in cell)


@dataclass(frozen=True, slots=True)
class Place:
    """One box on a page's picture, in hundredths of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Source:
    """What the panel beside an answer shows.

    Attributes:
        picture: address of the page's picture, or "" where there is only text.
        shape: the page's width by its height.
        passage: the box of the passage on it.
        words: boxes of the cited words on it.
        lines: the text around what is cited.
        cut_before, cut_after: whether the document goes on there.
    """

    document: DocumentInfo
    page: int | None
    picture: str
    shape: float
    passage: tuple[Place, ...]
    words: tuple[Place, ...]
    lines: tuple[Line, ...]
    cut_before: bool
    cut_after: bool


def read(workspace: Workspace, sight: Sight, cited: Cited) -> Source | None:
    """What is cited, looked up; None where there is no such document that the visitor may see."""
    document = sight.document(cited.version)
    if document is None:
        return None
    low = max(0, cited.start - AROUND)
    text = workspace.catalog.text(cited.version, low, cited.end + AROUND)
    first = text.find("\n") + 1 if low else 0  # no half line at the beginning
    first = min(first, cited.start - low)
    start, end = cited.start - low - first, cited.end - low - first
    separator = _SEPARATORS.get(document.media_type)
    lines = tuple(
        _lines(text[first:], start, end)
        if separator is None
        else _rows(text[first:], separator, start, end)
    )
    picture, shape = "", 1.0
    passage: tuple[Place, ...] = ()
    words: tuple[Place, ...] = ()
    file = pdf_file(workspace, sight, document)
    if file is not None and cited.page is not None:
        try:
            boxes = _boxes(file, cited)
        except UnreadableFile:
            boxes = None
        if boxes is not None:
            passage, words, shape = boxes
            picture = f"/source/{document.version}/page/{cited.page}"
    return Source(
        document,
        cited.page,
        picture,
        shape,
        passage,
        words,
        lines,
        cut_before=low > 0,
        cut_after=cited.end + AROUND < document.characters,
    )


def pdf_file(workspace: Workspace, sight: Sight, document: DocumentInfo) -> Path | None:
    """The PDF that a document was read from, if it still is what was read."""
    return file_of(workspace, sight, document) if document.media_type == PDF else None


def file_of(workspace: Workspace, sight: Sight, document: DocumentInfo) -> Path | None:
    """The file that a document is the whole of, if it still is what was read."""
    from groundtone.syncing.sources import named

    if document.file and document.file != document.path:
        return None
    root = named(workspace.folder.resolve(), sight.source(document).path)
    if isinstance(root, str):
        return None
    path = root if root.is_file() else root / document.path
    try:
        return path if path.stat().st_size == document.size else None
    except OSError:
        return None


def _boxes(path: Path, cited: Cited) -> tuple[tuple[Place, ...], tuple[Place, ...], float]:
    """Where the passage and the cited words stand on the page, and its width by its height."""
    from groundtone.documents.pdf_opening import display, opened

    assert cited.page is not None
    with opened(path) as pdf:
        if cited.page > len(pdf):
            raise UnreadableFile(path, f"has no page {cited.page}")
        page = pdf[cited.page - 1]
        turn, wide, high = display(page)

        def placed(box: Box) -> Place:
            left, top, right, bottom = box
            return Place(
                round(100 * left / wide, 2),
                round(100 * top / high, 2),
                round(100 * (right - left) / wide, 2),
                round(100 * (bottom - top) / high, 2),
            )

        text = page.get_textpage()
        found = _spelled(text.get_text_range(), cited.quote)
        words: list[Place] = []
        if found is not None:
            start, count = found
            for index in range(text.count_rects(start, count)):
                left, bottom, right, top = text.get_rect(index)
                words.append(placed(turn(left, top, right, bottom)))
        passage = (placed(cited.box),) if cited.box else ()
        text.close()
        page.close()
    return passage, tuple(words), wide / high


def _spelled(text: str, quote: str) -> tuple[int, int] | None:
    """Where the words of a quote follow one another in a page's text: (index, count)."""
    wanted = _WORD.findall(quote)
    if not wanted:
        return None
    pattern = r"\W+".join(re.escape(word) for word in wanted[:80])
    found = re.search(pattern, text)
    return (found.start(), found.end() - found.start()) if found else None


def _lines(text: str, start: int, end: int) -> Iterator[Line]:
    at, fenced = 0, False
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        begin = at
        at += len(raw) + 1
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        if not line.strip():
            yield Line("gap", ())
            continue
        if fenced:
            yield Line("code", (_pieces(line, begin, start, end),))
            continue
        if heading := _HEADING.match(line):
            rest = line[heading.end() :]
            yield Line(
                "heading",
                (_pieces(rest, begin + heading.end(), start, end),),
                level=len(heading[1]),
            )
            continue
        if "|" in line and line.count("|") > (0 if " | " in line else 1):
            if not _RULE.match(line):
                yield Line("row", tuple(_cells(line, begin, start, end)))
            continue
        if item := _ITEM.match(line):
            rest = line[item.end() :]
            ordered = item[0].strip()
            kind = "item" if ordered in "-*+•" else "text"
            shift = item.end() if kind == "item" else 0
            yield Line(kind, (_pieces(rest if shift else line, begin + shift, start, end),))
            continue
        kind = "heading" if _NUMBERED.match(line) and not line.endswith((".", ":")) else "text"
        level = 2 + line.split()[0].rstrip(".").count(".") if kind == "heading" else 0
        yield Line(kind, (_pieces(line, begin, start, end),), level=level)


def _rows(text: str, separator: str, start: int, end: int) -> Iterator[Line]:
    """Every line of a file of separated values as a row; a quoted value may hold separators."""
    at = 0
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        if line.strip():
            cells, begin = [], 0
            for part in _split(line, separator):
                cells.append(_pieces(part, at + begin, start, end))
                begin += len(part) + 1
            yield Line("row", tuple(cells))
        at += len(raw) + 1


def _split(line: str, separator: str) -> list[str]:
    parts, quoted, begin = [], False, 0
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            parts.append(line[begin:at])
            begin = at + 1
    return [*parts, line[begin:]]


def _cells(line: str, begin: int, start: int, end: int) -> Iterator[tuple[Piece, ...]]:
    at = begin
    parts = line.split("|")
    for number, part in enumerate(parts):
        edge = number in (0, len(parts) - 1) and not part.strip()
        if not edge:
            inner = part.strip()
            yield _pieces(inner, at + part.index(inner) if inner else at, start, end)
        at += len(part) + 1


def _pieces(text: str, at: int, start: int, end: int) -> tuple[Piece, ...]:
    """The text cut where what is cited (from `start` to `end`) begins and ends."""
    low = min(max(start - at, 0), len(text))
    high = min(max(end - at, 0), len(text))
    cut = ((text[:low], False), (text[low:high], True), (text[high:], False))
    return tuple(Piece(_plain(part), marked) for part, marked in cut if part)


def _plain(text: str) -> str:
    """Markdown's marks for bold and code taken away; what they mark stays."""
    return re.sub(r"\*\*(?=\S)|(?<=\S)\*\*|`", "", text)


def tables(lines: Sequence[Line]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """Lines one by one, but rows that follow one another together: (kind, lines)."""
    rows: list[Line] = []
    for line in lines:
        if line.kind == "row":
            rows.append(line)
            continue
        if rows:
            yield "table", tuple(rows)
            rows = []
        yield line.kind, (line,)
    if rows:
        yield "table", tuple(rows)
