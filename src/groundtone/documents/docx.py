"""Word documents (.docx): paragraphs, lists and tables in their order, headings by style.

python-docx opens the package and knows the styles; the text is taken from the XML itself, because
insertions not yet accepted, content controls and text boxes are content too.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.numbering import Numbering
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COPY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_LARGEST_UNPACKED = 1_000_000_000
_WRAPPERS = frozenset(
    f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo")
)
_DEEPEST_TABLE = 10


def read(path: Path, data: bytes) -> Document:
    """Read a Word document.

    Numbers that Word makes itself ("2.1") are part of headings and list items. Cells merged over
    several rows or columns are said once. Headers, footers, notes and comments are left out. The
    title is the paragraph in the style Title, else the file's property, else the first heading.

    Raises:
        UnreadableFile: it would unpack to more than 1 GB.
    """
    import docx

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _LARGEST_UNPACKED:
        raise UnreadableFile(path, f"too large: it unpacks to {unpacked / 1e6:.0f} MB")
    word = docx.Document(io.BytesIO(data))
    reader = _Reader(word)
    reader.walk(word.element.body, 0)
    reader.end_list()
    property_title = " ".join((word.core_properties.title or "").split())
    if property_title.lower() in ("word document", "untitled", "document"):
        property_title = ""
    title = reader.title or property_title or reader.composer.first_heading or path.stem
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return reader.composer.document(title, media_type)


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
        self._gathered: list[str] = []
        self._gathering: BlockKind = "list"

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

    def end_list(self) -> None:
        """Lines of a list or of code become one block when something else follows."""
        if self._gathered:
            self.composer.add(self._gathering, "\n".join(self._gathered))
            self._gathered = []

    def _paragraph(self, element: Any) -> None:
        text = _text(element)
        properties = element.find(f"{_W}pPr")
        chain = self._chain(properties)
        names = [_value(style, "name").lower() for style in chain]
        level = _heading_level(properties, chain, names)
        if not text.strip():
            return
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
        else:
            self.end_list()
            self.composer.add("paragraph", text)

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
        self.composer.add("table", rows_to_text(rows))

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


def _heading_level(properties: Any, chain: list[Any], names: list[str]) -> int:
    """1 to 6 for headings, 0 for other paragraphs."""
    for holder in [properties, *(style.find(f"{_W}pPr") for style in chain)]:
        value = _value(holder, "outlineLvl")
        if value.isdecimal():
            return min(int(value) + 1, 6) if int(value) < 9 else 0
    for name in names:
        if name.startswith("heading ") and name[8:].strip().isdecimal():
            return max(1, min(int(name[8:]), 6))
    return 0


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
        if tag == f"{_W}t":
            pieces.append(node.text or "")
        elif tag == f"{_W}tab":
            pieces.append("\t")
        elif tag in (f"{_W}br", f"{_W}cr"):
            pieces.append("\n")
        elif tag == f"{_W}noBreakHyphen":
            pieces.append("-")
        elif tag not in (f"{_W}pPr", f"{_W}rPr", f"{_W}txbxContent", f"{_W}del", _COPY):
            todo.extend(reversed(node))
    return "".join(pieces)


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
