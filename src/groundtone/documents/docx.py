"""Word documents (.docx): paragraphs, lists and tables in their order, headings by style.

python-docx opens the package and knows the styles; the text is taken from the XML itself, because
insertions not yet accepted, content controls and text boxes are content too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.numbering import Numbering
from groundtone.documents.office import check_package
from groundtone.documents.tablehead import header_rows
from groundtone.documents.word_notes import Notes
from groundtone.documents.word_titles import apparent_level, heading_level

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COPY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_WRAPPERS = frozenset(
    f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo")
)
_NOT_CONTENT = frozenset(
    (*(f"{_W}{name}" for name in ("pPr", "rPr", "txbxContent", "del", "moveFrom")), _COPY)
)
_BULLETS = "•◦▪●‣"
_TYPED_BULLET = re.compile(rf"[{_BULLETS}]\s+")
_CONTENTS = re.compile(r"toc \d|toc heading|table of figures")
_DEEPEST_TABLE = 10
_NEAR = 10


def read(path: Path, data: bytes) -> Document:
    """Read a Word document.

    Numbers that Word makes itself ("2.1") are part of headings and list items. Cells merged over
    several rows or columns are said once. Footnotes and endnotes follow the paragraph, list or
    table that refers to them. Insertions not yet accepted are in, deletions out. Headers, footers,
    generated tables of contents, comments, hidden text and macros are left out, and what is only
    linked is never fetched. Where no style marks a heading, short lines in bold do. The title is
    the paragraph in the style Title, else the file's property, else the first heading.

    Raises:
        UnreadableFile: see `office.check_package`.
    """
    import docx

    properties = check_package(path, data)
    word = docx.Document(io.BytesIO(data))
    reader = _Reader(word)
    reader.walk(word.element.body, 0)
    reader.end_list()
    named = reader.title or properties.get("title") or reader.composer.first_heading
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    left_out = ("parts kept in other formats inside it (altChunk) were not read",)
    notes = left_out if reader.left_out else ()
    return reader.composer.document(named or path.stem, media_type, notes, properties)


class _Reader:
    def __init__(self, word: WordDocument) -> None:
        self.composer = Composer()
        self.title = ""
        self._styles = {style.get(f"{_W}styleId"): style for style in word.styles.element}
        self._chains: dict[str | None, list[Any]] = {}
        self._default = next(
            (
                style.get(f"{_W}styleId")
                for style in word.styles.element
                if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") == "1"
            ),
            None,
        )
        self._numbering = Numbering(_numbering_xml(word))
        self._notes = Notes(word.part, _text)
        self._has_styles = any(
            heading_level(properties, self._chain(properties))
            for paragraph in word.element.body.iterchildren(f"{_W}p")
            for properties in [paragraph.find(f"{_W}pPr")]
        )
        self._open_notes: list[str] = []
        self._gathered: list[str] = []
        self._gathering: BlockKind = "list"
        self.left_out = False

    def walk(self, parent: Any, depth: int) -> None:
        """Take in all paragraphs and tables under an element."""
        for element in parent:
            if element.tag == f"{_W}p":
                self._paragraph(element)
                for box in element.iter(f"{_W}txbxContent"):
                    if not _is_copy(box) and depth < _DEEPEST_TABLE:
                        self.walk(box, depth + 1)
            elif element.tag == f"{_W}tbl":
                self._table(element, depth)
            elif element.tag in _WRAPPERS:
                self.walk(element, depth)
            elif element.tag == f"{_W}altChunk":
                self.left_out = True

    def end_list(self) -> None:
        """Lines of a list or of code become one block when something else follows."""
        if self._gathered:
            self.composer.add(self._gathering, "\n".join(self._gathered))
            self._gathered = []
        for note in self._open_notes:
            self.composer.add("paragraph", note)
        self._open_notes = []

    def _paragraph(self, element: Any) -> None:
        text = _text(element)
        properties = element.find(f"{_W}pPr")
        chain = self._chain(properties)
        names = [_value(style, "name").lower() for style in chain]
        if not text.strip(_BULLETS + " \t\n"):
            return
        notes = self._notes.referred_to_in(element)
        level = heading_level(properties, chain)
        number = self._numbering.number(properties, chain)
        if names[:1] == ["title"]:
            self.end_list()
            self.title = self.title or " ".join(text.split())
            self.composer.add("heading", text, level=1)
        elif level:
            self.end_list()
            label = number.text if number is not None else ""
            self.composer.add("heading", f"{label} {text}".strip(), level=level)
        elif number is not None or any(name.startswith("list ") for name in names[:1]):
            indent = "  " * (number.level if number is not None else 0)
            mark = (number.text if number is not None else "") or "-"
            self._gather("list", f"{indent}{mark} {text.strip()}")
        elif any(word in name for name in names[:1] for word in ("code", "preformatted", "macro")):
            self._gather("code", text)
        elif _TYPED_BULLET.match(text):
            self._gather("list", f"- {_TYPED_BULLET.sub('', text).strip()}")
        elif not any(_CONTENTS.fullmatch(name) for name in names[:1]):
            self.end_list()
            apparent = 0 if self._has_styles else self._apparent_level(element, text, chain)
            self.composer.add("heading" if apparent else "paragraph", text, level=apparent)
        self._open_notes += notes
        if not self._gathered:
            self.end_list()

    def _apparent_level(self, element: Any, text: str, chain: list[Any]) -> int:
        """Of several titles in a row only the last is one; the others would head nothing."""
        level = apparent_level(element, text, chain)
        for following in islice(element.itersiblings(), _NEAR) if level else ():
            if following.tag != f"{_W}p":
                return level if following.tag != f"{_W}sectPr" else 0
            words = _text(following).strip()
            if words:
                below = self._chain(following.find(f"{_W}pPr"))
                return 0 if apparent_level(following, words, below) else level
        return 0

    def _gather(self, kind: BlockKind, line: str) -> None:
        if self._gathering != kind:
            self.end_list()
        self._gathering = kind
        self._gathered.append(line)

    def _table(self, table: Any, depth: int) -> None:
        self.end_list()
        rows = [list(_cells(row)) for row in table.iter(f"{_W}tr") if _owner(row) is table]
        if sum(len(row) for row in rows) == 1 and depth < _DEEPEST_TABLE:
            # A frame around ordinary text.
            for cell in table.iter(f"{_W}tc"):
                if _owner(_owner(cell, f"{_W}tr")) is table:
                    self.walk(cell, depth + 1)
            self.end_list()
            return
        head = _marked_header(table) or header_rows([[cell.text for cell in row] for row in rows])
        self.composer.add("table", rows_to_text(rows), header_lines=head)
        self._open_notes += self._notes.referred_to_in(table)
        self.end_list()

    def _chain(self, properties: Any) -> list[Any]:
        """A paragraph's style and those it is based on."""
        name = _value(properties, "pStyle") or self._default
        if name not in self._chains:
            chain: list[Any] = []
            at = name
            while at in self._styles and self._styles[at] not in chain:
                chain.append(self._styles[at])
                at = _value(chain[-1], "basedOn")
            self._chains[name] = chain
        return self._chains[name]


def _numbering_xml(word: WordDocument) -> Any:
    from docx.opc.constants import RELATIONSHIP_TYPE

    for relation in word.part.rels.values():
        if relation.reltype == RELATIONSHIP_TYPE.NUMBERING and not relation.is_external:
            return getattr(relation.target_part, "element", None)
    return None


def _marked_header(table: Any) -> int:
    """How many rows at the top Word repeats on each page; 0 where none is marked, or all are."""
    count = 0
    rows = table.findall(f"{_W}tr")
    for row in rows:
        mark = row.find(f"{_W}trPr/{_W}tblHeader")
        if mark is None or mark.get(f"{_W}val") in ("0", "false", "off"):
            break
        count += 1
    return count if count < len(rows) else 0


def _cells(row: Any) -> Iterator[Cell]:
    before = row.find(f"{_W}trPr/{_W}gridBefore")
    if before is not None:
        yield Cell("", _number(before))
    for cell in row.iter(f"{_W}tc"):
        if _owner(cell, f"{_W}tr") is not row:
            continue
        properties = cell.find(f"{_W}tcPr")
        wide, merged = 1, False
        if properties is not None:
            span = properties.find(f"{_W}gridSpan")
            wide = _number(span) if span is not None else 1
            down = properties.find(f"{_W}vMerge")
            merged = down is not None and down.get(f"{_W}val") != "restart"
        # A cell that continues the one above holds nothing of its own.
        parts = (_text(paragraph) for paragraph in cell.iter(f"{_W}p"))
        yield Cell("" if merged else " ".join(" ".join(parts).split()), wide)


def _text(paragraph: Any) -> str:
    """A paragraph's text without that of text boxes in it, which are paragraphs of their own."""
    pieces: list[str] = []
    todo = list(reversed(paragraph))
    while todo:
        node = todo.pop()
        tag = node.tag
        if tag in (f"{_W}t", f"{_M}t"):
            pieces.append(node.text or "")
        elif tag == f"{_W}tab":
            pieces.append("\t")
        elif tag in (f"{_W}br", f"{_W}cr"):
            pieces.append("\n")
        elif tag == f"{_W}noBreakHyphen":
            pieces.append("-")
        elif tag not in _NOT_CONTENT and not (tag == f"{_W}r" and _is_hidden(node)):
            todo.extend(reversed(node))
    return "".join(pieces)


def _is_hidden(run: Any) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and mark.get(f"{_W}val") not in ("0", "false", "off")


def _owner(element: Any, tag: str = f"{_W}tbl") -> Any:
    """The nearest element of a kind around this one."""
    return next(element.iterancestors(tag), None)


def _is_copy(element: Any) -> bool:
    return next(element.iterancestors(_COPY), None) is not None


def _value(element: Any, name: str) -> str:
    child = element.find(f"{_W}{name}") if element is not None else None
    return (child.get(f"{_W}val") or "") if child is not None else ""


def _number(element: Any) -> int:
    value = element.get(f"{_W}val") or "1"
    return int(value) if value.isdecimal() and len(value) < 5 else 1
