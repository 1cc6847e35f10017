"""An Excel package opened: its sheets, and their rows as texts, one row in memory at a time.

openpyxl knows number formats and dates, but its own reader refuses files that Excel opens (a colour
or a name it does not like) and takes more than twice as long, so the XML is read here (ECMA-376
part 1, 18.2 to 18.8, transitional and strict).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundtone.documents.number_formats import shown
from groundtone.documents.regions import Row

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_WHOLE = re.compile(r"-?\d{1,15}")
_LAST_ROW = 1_048_576
_LAST_COLUMN = 16_384
_LONGEST_CELL = 32_767
_TRUE = ("1", "true")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name, whether people see it, and its part in the package."""

    name: str
    visible: bool
    part: str


class Workbook:
    """A workbook to be read.

    Args:
        data: the file; checked by `office.check_package` before.

    Attributes:
        sheets: its worksheets in order; sheets that hold only a chart are left out.
        damaged_formats: its number formats could not be read, so dates are shown as numbers.
        not_computed: how many formulas without a value were met so far.

    Raises:
        KeyError, ValueError, lxml.etree.XMLSyntaxError: damaged.
    """

    def __init__(self, data: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self.damaged_formats = False
        self.not_computed = 0
        main = next(
            (part for kind, part in self._related("") if kind == "officeDocument"),
            "xl/workbook.xml",
        )
        parts = {name: (kind, part) for name, kind, part in self._relations(main)}
        root = self._parsed(main)
        settings = root.find("{*}workbookPr")
        self._from_1904 = settings is not None and settings.get("date1904") in _TRUE
        self.sheets: list[Sheet] = []
        for sheet in root.iterfind("{*}sheets/{*}sheet"):
            name = sheet.get(_RELATION) or sheet.get(_STRICT_RELATION)
            kind, part = parts.get(name, ("", ""))
            if kind == "worksheet":
                visible = sheet.get("state", "visible") == "visible"
                self.sheets.append(Sheet(sheet.get("name") or part, visible, part))
        by_kind = dict(parts.values())
        self._strings = self._shared(by_kind.get("sharedStrings", ""))
        self._formats = self._number_formats(by_kind.get("styles", ""))
        self._dated: dict[str, tuple[bool, bool]] = {}
        self._columns: dict[str, int] = {}

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows with something in them, in order; each cell's text as Excel shows it."""
        last = 0
        for row in self._elements(sheet.part, "row"):
            stated = row.get("r") or ""
            number = int(stated) if stated.isdecimal() and len(stated) < 8 else last + 1
            number = max(number, last + 1)
            if number > _LAST_ROW:
                return
            cells: dict[int, str] = {}
            column = 0
            for cell in row:
                column = self._column(cell.get("r") or "", column)
                text = self._text(cell)
                if text and column <= _LAST_COLUMN:
                    cells[column] = text[:_LONGEST_CELL]
            last = number
            if cells:
                yield Row(number, cells)

    def _column(self, place: str, before: int) -> int:
        match = _PLACE.fullmatch(place)
        if match is None:
            return before + 1
        letters = match[1]
        if letters not in self._columns:
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - ord("A") + 1
            self._columns[letters] = number
        return self._columns[letters]

    def _text(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        value, formula = "", False
        for child in cell:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            if tag.endswith("}v"):
                value = child.text or ""
            elif tag.endswith("}is"):
                return shown(_string(child), None)
            elif tag.endswith("}f"):
                formula = True
        if not value:
            self.not_computed += formula
            return ""
        if kind == "s":
            place = int(value) if value.isdecimal() and len(value) < 10 else len(self._strings)
            return self._strings[place] if place < len(self._strings) else ""
        if kind == "b":
            return shown(value in _TRUE, None)
        if kind != "n":
            return shown(value, None)
        return self._amount(value, cell.get("s") or "0")

    def _amount(self, value: str, style: str) -> str:
        at = int(style) if style.isdecimal() and len(style) < 7 else 0
        code = self._formats[at] if at < len(self._formats) else "General"
        whole = _WHOLE.fullmatch(value) is not None
        if whole and code == "General":
            return value
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            return shown(value, None)
        dated, elapsed = self._is_dated(code)
        if not dated:
            return shown(number, code)
        from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

        epoch = CALENDAR_MAC_1904 if self._from_1904 else CALENDAR_WINDOWS_1900
        try:
            return shown(from_excel(number, epoch, timedelta=elapsed), code)
        except (ValueError, OverflowError):
            return shown(number, None)

    def _is_dated(self, code: str) -> tuple[bool, bool]:
        if code not in self._dated:
            from openpyxl.styles.numbers import is_date_format, is_timedelta_format

            self._dated[code] = is_date_format(code), is_timedelta_format(code)
        return self._dated[code]

    def _shared(self, part: str) -> list[str]:
        if part not in self._archive.NameToInfo:
            return []
        return [shown(_string(item), None) for item in self._elements(part, "si")]

    def _number_formats(self, part: str) -> list[str]:
        """The format code of each cell style."""
        if part not in self._archive.NameToInfo:
            return []
        from lxml import etree
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        try:
            root = self._parsed(part)
        except etree.XMLSyntaxError:
            self.damaged_formats = True
            return []
        codes = {str(number): code for number, code in BUILTIN_FORMATS.items()}
        for own in root.iterfind("{*}numFmts/{*}numFmt"):
            codes[own.get("numFmtId") or ""] = own.get("formatCode") or "General"
        return [
            codes.get(style.get("numFmtId") or "0", "General")
            for style in root.iterfind("{*}cellXfs/{*}xf")
        ]

    def _related(self, part: str) -> Iterator[tuple[str, str]]:
        for _, kind, target in self._relations(part):
            yield kind, target

    def _relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """(id, kind, part) of what a part refers to inside the package."""
        folder, name = posixpath.split(part)
        place = posixpath.join(folder, "_rels", f"{name}.rels")
        if place not in self._archive.NameToInfo:
            return
        for relation in self._parsed(place):
            target = relation.get("Target") or ""
            if relation.get("TargetMode") == "External" or not target:
                continue
            whole = target if target.startswith("/") else posixpath.join("/", folder, target)
            kind = (relation.get("Type") or "").rsplit("/", 1)[-1]
            yield relation.get("Id") or "", kind, posixpath.normpath(whole).lstrip("/")

    def _parsed(self, part: str) -> Any:
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        return etree.fromstring(self._archive.read(part), parser)

    def _elements(self, part: str, name: str) -> Iterator[Any]:
        """Elements of one name, each forgotten before the next is read."""
        from lxml import etree

        with self._archive.open(part) as stream:
            for _, element in etree.iterparse(
                stream, tag=f"{{*}}{name}", resolve_entities=False, no_network=True
            ):
                yield element
                element.clear()
                parent = element.getparent()
                while parent is not None and parent[0] is not element:
                    del parent[0]


def _string(item: Any) -> str:
    """The text of a string item, its runs joined; readings above (phonetic) left out."""
    pieces = []
    for text in item.iter("{*}t"):
        parent = text.getparent()
        if parent is item or not parent.tag.endswith("}rPh"):
            pieces.append(text.text or "")
    return "".join(pieces)
