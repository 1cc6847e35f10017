"""Opening PDFs, and the one lock they are read under.

pdfium keeps global state and is not safe for threads, so whoever calls it holds the lock. Nothing
in a file is ever run or followed: no JavaScript, no actions, no links, no external references
(the forms module that would run scripts is never started).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.document import Box
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_ONE_AT_A_TIME = threading.Lock()

# FPDF_GetLastError of pdfium's public/fpdfview.h.
_DAMAGED, _PASSWORD, _SECURITY = 3, 4, 5

# A page's own entry, or a packed stream that may hold one.
_ANY_PAGE = re.compile(rb"/Type\s*/(?:Page\b|ObjStm)")


@contextmanager
def opened(path: Path, data: bytes | None = None) -> Iterator[PdfDocument]:
    """A PDF, open and locked for this thread.

    Args:
        path: the file; named in errors, and read from when `data` is None.
        data: the file's content.

    Raises:
        UnreadableFile: a password is needed, the encryption is unknown, the file is damaged
            beyond repair, or it has no pages.
    """
    import pypdfium2

    with _ONE_AT_A_TIME:
        try:
            pdf = pypdfium2.PdfDocument(path if data is None else data)
        except pypdfium2.PdfiumError as error:
            raise UnreadableFile(path, _reason(error, data)) from None
        with closing(pdf):
            if len(pdf) == 0:
                raise UnreadableFile(path, "damaged PDF: it has no pages")
            yield pdf


def _reason(error: Exception, data: bytes | None) -> str:
    code = getattr(error, "err_code", None)
    if code == _PASSWORD or "password" in str(error):
        return "encrypted with a password; save it without one"
    if code == _SECURITY:
        return "encrypted in a way that is not supported; save it without encryption"
    if code == _DAMAGED:
        if data is not None and not _ANY_PAGE.search(data):
            return "damaged PDF: it has no pages"
        return "damaged PDF: its structure cannot be read; open and save it again in a PDF viewer"
    return f"damaged PDF: {error}"


Turning = Callable[[float, float, float, float], Box]


def display(page: PdfPage) -> tuple[Turning, float, float]:
    """How a page is shown.

    Returns:
        a function from (left, top, right, bottom) in the page's own coordinates, where up is
        positive, to a box in points from the shown page's top left corner; and the shown page's
        width and height.
    """
    x0, y0, x1, y1 = page.get_bbox()
    wide, high = x1 - x0, y1 - y0
    rotation = page.get_rotation()

    def as_is(left: float, top: float, right: float, bottom: float) -> Box:
        return (left - x0, y1 - top, right - x0, y1 - bottom)

    def by_90(left: float, top: float, right: float, bottom: float) -> Box:
        return (bottom - y0, left - x0, top - y0, right - x0)

    def by_180(left: float, top: float, right: float, bottom: float) -> Box:
        return (x1 - right, bottom - y0, x1 - left, top - y0)

    def by_270(left: float, top: float, right: float, bottom: float) -> Box:
        return (y1 - top, x1 - right, y1 - bottom, x1 - left)

    if rotation == 90:
        return by_90, high, wide
    if rotation == 270:
        return by_270, high, wide
    return (by_180 if rotation == 180 else as_is), wide, high
