"""Excel workbooks (.xlsx, .xlsm): each sheet a section, each table on it a block.

A cell is one text as Excel shows it; a row is one line, cells between `` | ``. Which rows and
columns a block came from is in ``Document.metadata["ranges"]``: pairs of a table's ``Block.start``
and its cells, such as ``[120, "B3:F10,B12:F20"]``, where each line of the block is the next row of
those ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.office import check_package
from groundtone.documents.regions import Region, Row, regions
from groundtone.documents.workbook import Workbook

_MOST_CELLS = 3_000_000
_MOST_RANGES = 2_000
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
    book = Workbook(data)
    composer = Composer()
    notes: list[str] = []
    ranges: list[list[Any]] = []
    left = _MOST_CELLS
    for number, sheet in enumerate(book.sheets, 1):
        if not sheet.visible:
            notes.append(f"sheet {sheet.name!r} is hidden")
        rows = _Limited(book.rows(sheet), left)
        begun = False
        for region in regions(rows):
            if not begun:
                composer.add("heading", sheet.name, level=1, page=number)
                begun = True
            start = _add(composer, region, number)
            if start is not None and region.is_table and len(ranges) < _MOST_RANGES:
                ranges.append([start, _cell_ranges(region)])
        left -= rows.cells
        if rows.stopped_at:
            notes.append(
                f"sheet {sheet.name!r} was read up to row {rows.stopped_at}: "
                f"more than {_MOST_CELLS:,} cells"
            )
    if book.not_computed:
        notes.append(
            f"{book.not_computed} formula(s) have no computed value in the file; "
            "open and save it in Excel"
        )
    if book.damaged_formats:
        notes.append("its number formats are damaged; dates and amounts are shown plainly")
    metadata: dict[str, Any] = {**properties, "ranges": ranges} if ranges else dict(properties)
    title = properties.get("title") or path.stem
    return composer.document(title, _MEDIA_TYPE, tuple(notes), metadata)


def _add(composer: Composer, region: Region, page: int) -> int | None:
    """Append a region's text; where its block starts."""
    lines = [" | ".join(cells) for cells in region.lines()]
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


class _Limited:
    """Rows up to a number of cells.

    Args:
        rows: a sheet's.
        limit: most cells taken in; beyond, `stopped_at` tells the row.
    """

    def __init__(self, rows: Iterable[Row], limit: int) -> None:
        self._rows = rows
        self._limit = limit
        self.cells = 0
        self.stopped_at = 0

    def __iter__(self) -> Iterator[Row]:
        last = 0
        for row in self._rows:
            if self.cells > self._limit:
                self.stopped_at = last
                return
            self.cells += len(row.cells)
            last = row.number
            yield row
