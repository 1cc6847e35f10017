"""Rich Text Format (.rtf): paragraphs, lists and tables in their order, headings by style."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from groundtone.documents.composing import Composer
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.rtf_tokens import Event, State, events
from groundtone.documents.tablehead import header_rows

_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|заголовок) ?([1-9])\b", re.I)
_CONTENTS = re.compile(r"(?:toc|contents|table of figures)\b", re.I)
_CODE = re.compile(r"code|preformatted|macro|html preformatted", re.I)
_TYPED_BULLET = re.compile(r"[•◦▪●‣·]\s+")
_LABEL = re.compile(r"[\w(]")
_NEAR = 30  # twips by which edges of one column differ from row to row
_LONGEST_TITLE = 100
_TEXT_ENDS = (".", ",", ";", "?", "!", ":")
_NAMES = {"doccomm": "description"}


def read(path: Path, data: bytes) -> Document:
    """Read an RTF document.

    Headings are what a style or an outline level marks, else short lines in bold. The numbers of
    lists and headings are as the file has them. Footnotes follow their paragraph. Headers, footers,
    generated tables of contents, comments, hidden and deleted text, pictures and embedded objects
    are left out. The title is the file's property, else the paragraph in the style Title, else the
    first heading.
    """
    reader = _Reader()
    for event in events(data):
        reader.take(event)
    reader.end()
    composer = reader.composed()
    properties = {
        _NAMES.get(name, name): said
        for name, pieces in reader.properties.items()
        if (said := " ".join("".join(pieces).split()))
    }
    title = properties.get("title") or reader.title or composer.first_heading or path.stem
    return composer.document(title, "application/rtf", (), properties)


@dataclass(slots=True)
class _Row:
    """A table's row: for each of its cells where it ends, and whether it goes on with the one
    beside or above it."""

    edges: list[int] = field(default_factory=list)
    merged: list[bool] = field(default_factory=list)
    heads: bool = False
    next_merged: bool = False
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Made:
    """A block to come; `bold` and `level` decide whether a paragraph is a heading."""

    kind: BlockKind
    text: str
    level: int = 0
    bold: bool = False
    head: int = 0


class _Reader:
    def __init__(self) -> None:
        self.title = ""
        self.properties: dict[str, list[str]] = {}
        self._made: list[_Made] = []
        self._names: dict[int, str] = {}
        self._levels: dict[int, int] = {}
        self._text: list[str] = []
        self._label: list[str] = []
        self._note: list[str] = []
        self._notes: list[str] = []
        self._bold = True
        self._cell: list[str] = []
        self._row = _Row()
        self._rows: list[_Row] = []

    def take(self, event: Event) -> None:
        """The next word or text of the file."""
        within = event.state.within
        if within == "stylesheet":
            self._take_style(event)
        elif within == "footnote":
            self._note.append(event.text or (" " if event.word == "par" else ""))
        elif within in ("listtext", "pntext"):
            self._label.append(event.text)
        elif within and not event.word:
            self.properties.setdefault(within, []).append(event.text)
        elif not event.word:
            self._text.append(event.text)
            self._bold = self._bold and (event.state.bold or not event.text.strip())
        elif not within:
            self._take_word(event)

    def _take_style(self, event: Event) -> None:
        number = event.state.style
        if event.text:
            self._names[number] = self._names.get(number, "") + event.text
        elif event.word == "outlinelevel":
            self._levels[number] = event.number or 0

    def _take_word(self, event: Event) -> None:
        row, value = self._row, event.number or 0
        match event.word:
            case "par" | "sect":
                self._paragraph(event.state)
            case "page" | "column" | "nestcell" | "nestrow":
                self._text.append(" ")
            case "trowd":
                self._row = _Row(texts=row.texts)
            case "trhdr":
                row.heads = True
            case "clmrg" | "clvmrg":
                row.next_merged = True
            case "cellx":
                row.edges.append(value)
                row.merged.append(row.next_merged)
                row.next_merged = False
            case "cell":
                self._cell.append(self._taken())
                row.texts.append(" ".join(filter(None, self._cell)))
                self._cell = []
            case "row":
                self._end_row()

    def _taken(self) -> str:
        """The paragraph that was gathered, on one line but for its own line breaks."""
        label = " ".join("".join(self._label).split())
        text = "".join(self._text).strip(" \t\n")
        note = " ".join("".join(self._note).split())
        if note:
            self._notes.append(note)
        self._text, self._label, self._note = [], [], []
        return f"{label} {text}" if label and text else text

    def _paragraph(self, state: State) -> None:
        if state.in_table:
            self._cell.append(self._taken())
            self._bold = True
            return
        self._end_table()
        label = "".join(self._label).strip()
        bold, self._bold = self._bold, True
        text = self._taken()
        name = self._names.get(state.style, "").strip().rstrip(";")
        if not text or _CONTENTS.match(name):
            self._notes = []
            return
        level = self._level(state, name)
        if name.lower() == "title":
            self.title = self.title or " ".join(text.split())
            self._made.append(_Made("heading", text, 1))
        elif level:
            self._made.append(_Made("heading", text, level))
        elif label:
            # Symbols are bullets; what has letters or digits is a number.
            bare = text[len(" ".join(label.split())) :].strip()
            mark = " ".join(label.split()) if _LABEL.search(label) else "-"
            self._made.append(_Made("list", f"{'  ' * state.depth}{mark} {bare}"))
        elif _TYPED_BULLET.match(text):
            self._made.append(_Made("list", f"- {_TYPED_BULLET.sub('', text, count=1).strip()}"))
        elif _CODE.search(name):
            self._made.append(_Made("code", text))
        else:
            self._made.append(_Made("paragraph", text, bold=bold))
        self._end_notes()

    def _level(self, state: State, name: str) -> int:
        outline = state.outline if state.outline is not None else self._levels.get(state.style)
        if outline is not None:
            return min(outline + 1, 6) if 0 <= outline < 9 else 0
        found = _HEADING.match(name)
        return min(int(found[1]), 6) if found else 0

    def _end_row(self) -> None:
        if any(self._text):
            self._cell.append(self._taken())
        if any(self._cell):  # not closed
            self._row.texts.append(" ".join(filter(None, self._cell)))
        self._cell = []
        row = self._row
        self._rows.append(row)
        # Where a row says nothing of its cells they are as in the one before.
        self._row = _Row(row.edges, row.merged, row.heads)

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        if self._row.texts:
            rows.append(self._row)
        self._row = _Row()
        self._cell = []
        if not rows:
            return
        if len(rows) == 1 and len(rows[0].texts) == 1:  # a frame around text
            self._made.append(_Made("paragraph", rows[0].texts[0]))
        else:
            cells = _cells(rows)
            head = 0
            while head < len(rows) and rows[head].heads:
                head += 1
            if head in (0, len(rows)):
                head = header_rows([[cell.text for cell in line] for line in cells])
            self._made.append(_Made("table", rows_to_text(cells), head=head))
        self._end_notes()

    def _end_notes(self) -> None:
        self._made += [_Made("paragraph", note) for note in self._notes]
        self._notes = []

    def end(self) -> None:
        """The file is over."""
        if self._rows or self._row.texts:
            self._end_table()
        self._paragraph(State())
        self._end_table()

    def composed(self) -> Composer:
        """All of it; lines of a list or of code become one block."""
        composer = Composer()
        marked = any(made.kind == "heading" for made in self._made)
        gathered: list[str] = []
        for place, made in enumerate(self._made):
            following = self._made[place + 1] if place + 1 < len(self._made) else None
            if made.kind in ("list", "code"):
                gathered.append(made.text)
                if following is None or following.kind != made.kind:
                    composer.add(made.kind, "\n".join(gathered))
                    gathered = []
            elif made.kind == "table":
                composer.add("table", made.text, header_lines=made.head)
            elif made.kind == "heading" or (not marked and _looks_like_a_title(made, following)):
                composer.add("heading", made.text, level=made.level or 2)
            else:
                composer.add("paragraph", made.text)
        return composer


def _looks_like_a_title(made: _Made, following: _Made | None) -> bool:
    """A short line in bold that ends unlike a sentence, over something that is not bold."""
    return (
        made.bold
        and len(made.text) <= _LONGEST_TITLE
        and "\n" not in made.text
        and not made.text.endswith(_TEXT_ENDS)
        and following is not None
        and not following.bold
    )


def _cells(rows: list[_Row]) -> list[list[Cell]]:
    """Rows as cells that reach over as many columns as their edges say."""
    edges: list[int] = []
    for edge in sorted({edge for row in rows for edge in row.edges}):
        if not edges or edge - edges[-1] > _NEAR:
            edges.append(edge)
    table = []
    for row in rows:
        line, before = [], 0
        for place, text in enumerate(row.texts):
            if place < len(row.edges):
                at = bisect_left(edges, row.edges[place] - _NEAR) + 1
            else:
                at = before + 1
            goes_on = place < len(row.merged) and row.merged[place]
            line.append(Cell("" if goes_on else " ".join(text.split()), max(1, at - before)))
            before = max(at, before + 1)
        table.append(line)
    return table
