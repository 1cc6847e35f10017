"""Excel workbooks (.xlsx, .xlsm): each sheet a section, each table on it a block.

A cell is one text as Excel shows it; a row is one line, cells between `` | ``. Which rows and
columns a block came from is in ``Document.metadata["ranges"]``: pairs of a table's ``Block.start``
and its cells, such as ``[120, "B3:F10,B12:F20"]``, where each line of the block is the next row of
those ranges.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.number_formats import shown
from groundtone.documents.office import check_package
from groundtone.documents.regions import Region, Row, regions

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

_LAST_ROW = 1_048_576
_MOST_CELLS = 1_500_000
_MOST_RANGES = 2_000
_LONGEST_CELL = 32_767
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A formula's cell without a value: never computed, as files written by programs are.
_NOT_COMPUTED = re.compile(rb"(?:</f>|<f[^<>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_NAMES = re.compile(rb"<(?:\w+:)?definedNames\b.*?</(?:\w+:)?definedNames>", re.DOTALL)
_PIECE = 1_000_000
_OVERLAP = 200


def read(path: Path, data: bytes) -> Document:
    """Read a workbook, formulas by their last computed values.

    Each sheet is a heading with its name and a page with its number, hidden sheets too (a note
    says which). Tables with an empty row or column between them are blocks of their own. A merged
    cell is said once, in its first place. Comments, charts, pictures and macros are left out;
    links to other files are never followed.

    Raises:
        UnreadableFile: see `office.check_package`.
    """
    properties = check_package(path, data)
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what openpyxl does not support is not wanted here
        try:
            book = _open(data)
        except Exception:  # openpyxl is stricter than Excel about styles, names and themes
            book = _open(_bare(data))
            notes.append("its number formats are damaged; dates and amounts are shown plainly")
        try:
            return _document(path, data, book, properties, notes)
        finally:
            book.close()


def _open(data: bytes) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)


def _bare(data: bytes) -> bytes:
    """The same package without what only decorates it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if not name.startswith(("docProps/", "xl/theme/")) and name != "xl/styles.xml":
                content = source.read(name)
                if name == "xl/workbook.xml" and len(content) < _PIECE:
                    content = _NAMES.sub(b"", content)
                target.writestr(name, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _document(
    path: Path, data: bytes, book: Workbook, properties: dict[str, str], notes: list[str]
) -> Document:
    composer = Composer()
    ranges: list[list[Any]] = []
    left = _MOST_CELLS
    for number, sheet in enumerate(book.worksheets, 1):
        if sheet.sheet_state != "visible":
            notes.append(f"sheet {sheet.title!r} is hidden")
        rows = _Rows(sheet, left)
        begun = False
        for region in regions(rows):
            if not begun:
                composer.add("heading", sheet.title, level=1, page=number)
                begun = True
            start = _add(composer, region, number)
            if start is not None and region.is_table and len(ranges) < _MOST_RANGES:
                ranges.append([start, _cell_ranges(region)])
        left -= rows.cells
        if rows.stopped_at:
            notes.append(
                f"sheet {sheet.title!r} was read up to row {rows.stopped_at}: "
                f"more than {_MOST_CELLS:,} cells"
            )
    if missing := _not_computed(data):
        notes.append(
            f"{missing} formula(s) have no computed value in the file; open and save it in Excel"
        )
    metadata: dict[str, Any] = {**properties, "ranges": ranges} if ranges else dict(properties)
    title = properties.get("title") or path.stem
    return composer.document(title, _MEDIA_TYPE, tuple(notes), metadata)


def _add(composer: Composer, region: Region, page: int) -> int | None:
    """Append a region's text; where its block starts."""
    lines = []
    for cells in region.lines():
        while cells and not cells[-1]:
            cells.pop()
        lines.append(" | ".join(cells))
    if region.is_table:
        return composer.add("table", "\n".join(lines), page=page, header_lines=region.header())
    if len(region.columns) == 1 and len(region.rows) > 1:
        return composer.add("list", "\n".join(lines), page=page)
    return composer.add("paragraph", "\n".join(lines), page=page)


def _cell_ranges(region: Region) -> str:
    from openpyxl.utils import get_column_letter

    first, last = get_column_letter(region.columns[0]), get_column_letter(region.columns[-1])
    runs: list[list[int]] = []
    for row in region.rows:
        if runs and row.number == runs[-1][1] + 1:
            runs[-1][1] = row.number
        else:
            runs.append([row.number, row.number])
    return ",".join(f"{first}{top}:{last}{bottom}" for top, bottom in runs)


class _Rows:
    """The rows of a sheet with something in them.

    Args:
        sheet: a read-only worksheet.
        limit: most cells taken in; then `stopped_at` tells the row.
    """

    def __init__(self, sheet: Any, limit: int) -> None:
        self._sheet = sheet
        self._limit = limit
        self.cells = 0
        self.stopped_at = 0

    def __iter__(self) -> Iterator[Row]:
        # The size that a file states is often wrong, and would be filled up with empty cells.
        self._sheet.reset_dimensions()
        for number, row in enumerate(self._sheet.iter_rows(), 1):
            if number > _LAST_ROW or self.cells > self._limit:
                self.stopped_at = number - 1
                return
            texts = _texts(row)
            if texts:
                self.cells += len(texts)
                yield Row(number, texts)


def _texts(row: Sequence[Any]) -> dict[int, str]:
    texts = {}
    for column, cell in enumerate(row, 1):
        value = cell.value
        if value is not None:
            text = shown(value, None if isinstance(value, str) else cell.number_format)
            if text:
                texts[column] = text[:_LONGEST_CELL]
    return texts


def _not_computed(data: bytes) -> int:
    """How many formulas have no value."""
    count = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if not (name.startswith("xl/worksheets/") and name.endswith(".xml")):
                continue
            with archive.open(name) as part:
                rest = b""
                while piece := part.read(_PIECE):
                    piece = rest + piece
                    end = 0
                    for match in _NOT_COMPUTED.finditer(piece):
                        count += 1
                        end = match.end()
                    rest = piece[max(end, len(piece) - _OVERLAP) :]
    return count
