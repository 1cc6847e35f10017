"""OpenDocument texts, sheets and slides (.odt, .ods, .odp), as LibreOffice writes them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element

from groundtone.documents import plain_xml
from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.limits import Budget, Limits, TooMuch, read_within
from groundtone.documents.plain_xml import local_name
from groundtone.errors import UnreadableFile

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError)
_LARGEST = 300_000_000
_MEDIA = "application/vnd.oasis.opendocument."
# Not what the author wrote for readers: comments, earlier versions, lists of contents, forms.
_LEFT_OUT = frozenset(
    (
        *("annotation", "annotation-end", "tracked-changes", "table-of-content", "forms"),
        *("alphabetical-index", "sequence-decls", "variable-decls", "settings", "shapes"),
    )
)
_MOST_REPEATED = 100
_SPACE = re.compile(r"\s+")  # in the file it means one space; more have an element of their own
_PROPERTIES = {
    "initial-creator": "author",
    "creator": "author",
    "subject": "subject",
    "description": "description",
    "keyword": "keywords",
    "language": "language",
    "creation-date": "created",
    "date": "modified",
}


def read(path: Path, data: bytes) -> Document:
    """Read an OpenDocument file.

    In texts, headings, paragraphs, lists and tables in their order, footnotes after the paragraph
    that refers to them. In sheets, each sheet under its name, with its number as page. In slides,
    each slide under its title, with its number as page, and its notes. Comments, deleted text
    that is still recorded and lists of contents are left out; nothing linked is fetched. The title
    is the file's property, else the first heading.

    Raises:
        UnreadableFile: encrypted, damaged, or a bomb.
    """
    parts = _parts(path, data)
    body = _child(plain_xml.parse(parts["content.xml"]), "body")
    metadata, title = _described(parts.get("meta.xml"))
    reader = _Reader()
    kind = "text"
    for content in body if body is not None else ():
        kind = local_name(content)
        if kind == "spreadsheet":
            reader.sheets(content)
        elif kind == "presentation":
            reader.slides(content)
        else:
            reader.blocks(content)
    composer = reader.composer
    return composer.document(
        title or composer.first_heading or path.stem, f"{_MEDIA}{kind}", (), metadata
    )


def _parts(path: Path, data: bytes) -> dict[str, bytes]:
    """The XML parts that matter."""
    budget = Budget(Limits(member_bytes=_LARGEST))
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in ("META-INF/manifest.xml", "meta.xml", "content.xml"):
            try:
                entry = archive.getinfo(name)
                with archive.open(entry) as file:
                    packed = entry.compress_size
                    found[name] = read_within(cast(BinaryIO, file), name, packed, budget)
            except KeyError:
                continue
            except UnreadableFile as error:
                raise UnreadableFile(path, error.reason) from None
            except TooMuch as error:
                raise UnreadableFile(path, str(error)) from None
            except _BROKEN as error:
                raise ValueError(f"{name} is damaged: {error}") from None
            if name.startswith("META-INF") and b":encryption-data" in found[name]:
                raise UnreadableFile(path, "encrypted with a password; save it without one")
    if "content.xml" not in found:
        raise ValueError("it has no content.xml")
    return found


class _Reader:
    def __init__(self) -> None:
        self.composer = Composer()
        self._page: int | None = None
        self._notes: list[str] = []

    def blocks(self, parent: Element) -> None:
        """Whatever stands under an element, block by block."""
        for element in parent:
            kind = local_name(element)
            if kind in _LEFT_OUT:
                continue
            if kind == "h":
                level = element.get(_attribute(element, "outline-level"), "1")
                self._add_text(element, int(level) if level.isdigit() else 1)
            elif kind == "p":
                self._add_text(element)
            elif kind == "list":
                self.composer.add("list", "\n".join(self._items(element, 0)), page=self._page)
                self._add_notes()
            elif kind == "table":
                self._add_table(element)
            else:
                self.blocks(element)

    def sheets(self, parent: Element) -> None:
        """Each sheet: a heading and a table."""
        self._page = 0
        for sheet in parent:
            if local_name(sheet) == "table":
                self._page += 1
                name = sheet.get(_attribute(sheet, "name")) or f"Sheet {self._page}"
                self.composer.add("heading", name, level=1, page=self._page)
                self._add_table(sheet)

    def slides(self, parent: Element) -> None:
        """Each slide: its title as heading, then the rest; notes last."""
        self._page = 0
        for slide in parent:
            if local_name(slide) != "page":
                continue
            self._page += 1
            frames = [each for each in slide if local_name(each) != "notes"]
            titles = [each for each in frames if each.get(_attribute(each, "class")) == "title"]
            title = " ".join("".join(each.itertext()) for each in titles)
            title = " ".join(title.split())
            self.composer.add("heading", title or f"Slide {self._page}", level=1, page=self._page)
            for frame in frames:
                if frame not in titles:
                    self.blocks(frame)
            for notes in slide:
                if local_name(notes) == "notes":
                    self.blocks(notes)

    def _add_text(self, element: Element, level: int | None = None) -> None:
        frames: list[Element] = []
        text = self._text(element, frames)
        if level:
            self.composer.add("heading", " ".join(text.split()), level=level, page=self._page)
        else:
            self.composer.add("paragraph", text, page=self._page)
        self._add_notes()
        for frame in frames:  # text boxes hang on the paragraph that they stand beside
            self.blocks(frame)

    def _add_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            self.composer.add("paragraph", note, page=self._page)

    def _line(self, element: Element) -> str:
        return " ".join(self._text(element, []).split())

    def _text(self, element: Element, frames: list[Element]) -> str:
        """The words of a paragraph; text boxes in it go to `frames`, footnotes to the notes."""
        pieces = [_SPACE.sub(" ", element.text or "")]
        for child in element:
            kind = local_name(child)
            if kind == "s":
                count = child.get(_attribute(child, "c"), "1")
                pieces.append(" " * (min(int(count), 200) if count.isdigit() else 1))
            elif kind == "tab":
                pieces.append("\t")
            elif kind == "line-break":
                pieces.append("\n")
            elif kind == "note":
                self._notes.append(" ".join(self._line(part) for part in child))
            elif kind == "text-box":
                frames.append(child)
            elif kind not in _LEFT_OUT:
                pieces.append(self._text(child, frames))
                if kind in ("p", "h"):
                    pieces.append("\n")
            pieces.append(_SPACE.sub(" ", child.tail or ""))
        return "".join(pieces)

    def _items(self, element: Element, depth: int) -> Iterator[str]:
        for item in element:
            mark = "- "
            for child in item:
                if local_name(child) == "list":
                    yield from self._items(child, depth + 1)
                    continue
                for line in self._text(child, []).strip().split("\n"):
                    yield "  " * depth + mark + line
                    mark = "  "

    def _add_table(self, table: Element) -> None:
        rows: list[list[Cell]] = []
        heads = 0
        for row, in_head in _rows(table, False):
            cells = [cell for element in row for cell in self._cells(element)]
            heads += in_head and heads == len(rows) and any(cell.text for cell in cells)
            filled = any(cell.text for cell in cells)
            rows.extend([cells] * (_repeated(row, "number-rows-repeated") if filled else 1))
        text = rows_to_text(rows)
        shown = heads if heads <= text.count("\n") else 0
        self.composer.add("table", text, page=self._page, header_lines=shown)
        self._add_notes()

    def _cells(self, element: Element) -> list[Cell]:
        if local_name(element) not in ("table-cell", "covered-table-cell"):
            return []
        if local_name(element) == "covered-table-cell":
            return []  # under a cell that reaches here
        text = self._line(element)
        again = _repeated(element, "number-columns-repeated")
        wide = _repeated(element, "number-columns-spanned")
        high = _repeated(element, "number-rows-spanned")
        return [Cell(text, wide, high)] * again


def _rows(parent: Element, in_head: bool) -> Iterator[tuple[Element, bool]]:
    for element in parent:
        kind = local_name(element)
        if kind == "table-row":
            yield element, in_head
        elif kind in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(element, in_head or kind == "table-header-rows")


def _repeated(element: Element, name: str) -> int:
    value = element.get(_attribute(element, name), "1")
    return max(1, min(int(value), _MOST_REPEATED)) if value.isdigit() and len(value) < 9 else 1


def _attribute(element: Element, name: str) -> str:
    """The attribute's full name: several namespaces have a "name" or "class"."""
    return next((key for key in element.keys() if key.rpartition("}")[2] == name), name)  # noqa: SIM118


def _child(parent: Element, name: str) -> Element | None:
    return next((child for child in parent if local_name(child) == name), None)


def _described(meta: bytes | None) -> tuple[dict[str, str], str]:
    metadata: dict[str, str] = {}
    title = ""
    try:
        root = plain_xml.parse(meta) if meta else None
    except ValueError:
        root = None
    for element in root.iter() if root is not None else ():
        value = " ".join((element.text or "").split())[:1_000]
        name = local_name(element)
        if name == "title":
            title = title or value
        elif value and name in _PROPERTIES:
            metadata.setdefault(_PROPERTIES[name], value)
    return metadata, title
