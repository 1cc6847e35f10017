"""The lines drawn on a PDF page: where a ruled table's rows and columns end."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundtone.documents.pdf_opening import display

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_THIN = 2.5  # points; a filled box as thin as this is a line
_SHORTEST = 8.0
# Maps and drawings have more; no table does.
_MOST_OBJECTS = 6000
_MOST_SEGMENTS = 4000


@dataclass(slots=True)
class Rules:
    """Places in points from the top left corner of the page as shown.

    Attributes:
        across: (y, left, right) of each horizontal line.
        down: (x, top, bottom) of each vertical line.
    """

    across: list[tuple[float, float, float]] = field(default_factory=list)
    down: list[tuple[float, float, float]] = field(default_factory=list)

    def add(self, x1: float, y1: float, x2: float, y2: float) -> None:
        left, right = (x1, x2) if x1 < x2 else (x2, x1)
        top, bottom = (y1, y2) if y1 < y2 else (y2, y1)
        if bottom - top <= _THIN and right - left >= _SHORTEST:
            self.across.append(((top + bottom) / 2, left, right))
        elif right - left <= _THIN and bottom - top >= _SHORTEST:
            self.down.append(((left + right) / 2, top, bottom))


def rules(page: PdfPage) -> Rules:
    """Horizontal and vertical lines, edges of outlined boxes included."""
    import pypdfium2.raw as pdfium

    found = Rules()
    to_display, _, _ = display(page)
    count = pdfium.FPDFPage_CountObjects(page)
    if count > _MOST_OBJECTS:
        return found
    matrix = pdfium.FS_MATRIX()
    x, y = ctypes.c_float(), ctypes.c_float()
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for index in range(count):
        shape = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(shape) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        parts = pdfium.FPDFPath_CountSegments(shape)
        if not 1 < parts <= _MOST_SEGMENTS or not pdfium.FPDFPageObj_GetMatrix(shape, matrix):
            continue
        points: list[tuple[float, float, int, bool]] = []
        for number in range(parts):
            part = pdfium.FPDFPath_GetPathSegment(shape, number)
            pdfium.FPDFPathSegment_GetPoint(part, x, y)
            right = matrix.a * x.value + matrix.c * y.value + matrix.e
            up = matrix.b * x.value + matrix.d * y.value + matrix.f
            left, top, _, _ = to_display(right, up, right, up)
            kind = pdfium.FPDFPathSegment_GetType(part)
            points.append((left, top, kind, bool(pdfium.FPDFPathSegment_GetClose(part))))
        pdfium.FPDFPath_GetDrawMode(shape, fill, stroke)
        _trace(points, found, pdfium, bool(stroke.value))
    return found


def _trace(
    points: list[tuple[float, float, int, bool]], found: Rules, pdfium: Any, stroked: bool
) -> None:
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    top, bottom = min(p[1] for p in points), max(p[1] for p in points)
    if min(right - left, bottom - top) <= _THIN:
        found.add(left, top, right, bottom)
        return
    if not stroked:  # a background, often wider than the cells on it
        return
    start = points[0]
    before = points[0]
    for point in points:
        if point[2] == pdfium.FPDF_SEGMENT_MOVETO:
            start = point
        elif point[2] == pdfium.FPDF_SEGMENT_LINETO:
            found.add(before[0], before[1], point[0], point[1])
        before = point
        if point[3]:
            found.add(point[0], point[1], start[0], start[1])
            before = start
