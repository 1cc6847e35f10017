"""Pictures of PDF pages with boxes drawn on them: a citation as a reader sees it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents.document import Box
from groundtone.documents.pdf_opening import opened
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_MOST_PIXELS = 40_000_000
# Frames take these colours in turn, so that neighbours can be told apart.
_COLOURS = (
    (214, 39, 40),
    (31, 119, 180),
    (44, 160, 44),
    (255, 127, 14),
    (148, 103, 189),
    (23, 190, 207),
)


def page_count(path: Path, data: bytes | None = None) -> int:
    """Number of pages; ``data`` as for `page_png`.

    Raises:
        UnreadableFile: as `page_png`.
    """
    with opened(path, data) as pdf:
        return len(pdf)


def page_size(path: Path, page: int, data: bytes | None = None) -> tuple[float, float]:
    """Width and height of page `page` (from 1) as shown, in PDF points; ``data`` as for `page_png`.

    Raises:
        UnreadableFile: as `page_png`.
    """
    with opened(path, data) as pdf, closing(_page(pdf, path, page)) as shown:
        return (shown.get_width(), shown.get_height())


def page_png(
    path: Path,
    page: int,
    boxes: Sequence[Box] = (),
    scale: float = 1.5,
    data: bytes | None = None,
) -> bytes:
    """A picture of one page, with frames.

    Args:
        path: a PDF.
        page: its page, from 1.
        boxes: (left, top, right, bottom) in points from the shown page's top left corner, as in
            `Block.box`; each gets a frame and a light filling.
        scale: pixels a point; made smaller for pages that would exceed 40 million pixels.
        data: the PDF, where `path` is only the name of one inside another file.

    Returns:
        a PNG file.

    Raises:
        UnreadableFile: the PDF cannot be opened, has no such page, or the page cannot be loaded.
    """
    with opened(path, data) as pdf, closing(_page(pdf, path, page)) as shown:
        pixels, scale = rendered(shown, scale)
    for number, box in enumerate(boxes):
        _frame(pixels, [value * scale for value in box], _COLOURS[number % len(_COLOURS)])
    return png(pixels)


def rendered(page: PdfPage, scale: float) -> tuple[Any, float]:
    """A page as (an array of shape (height, width, 3) of red, green and blue from 0 to 255, the
    scale it was drawn in, in pixels a point). The caller holds the PDF open."""
    import numpy

    wide, high = page.get_width(), page.get_height()
    scale = min(scale, (_MOST_PIXELS / max(wide * high, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=True)
    with closing(bitmap):
        return numpy.array(bitmap.to_numpy()[:, :, :3]), scale


def png(pixels: Any) -> bytes:
    """An array as `rendered` makes, as a PNG file (W3C PNG: 8 bits, truecolour, no filter)."""
    import numpy

    high, wide, _ = pixels.shape
    rows = numpy.zeros((high, 1 + 3 * wide), dtype=numpy.uint8)
    rows[:, 1:] = pixels.reshape(high, 3 * wide)
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _page(pdf: PdfDocument, path: Path, number: int) -> PdfPage:
    import pypdfium2

    if not 1 <= number <= len(pdf):
        raise UnreadableFile(path, f"has no page {number}: its pages are 1 to {len(pdf)}")
    try:
        return pdf[number - 1]
    except pypdfium2.PdfiumError as error:
        raise UnreadableFile(
            path, f"damaged PDF: page {number} cannot be loaded: {error}"
        ) from None


def _frame(pixels: Any, box: Sequence[float], colour: tuple[int, int, int]) -> None:
    """Draw one box, given in pixels, with its frame around it, as far as it lies on the page."""
    high, wide, _ = pixels.shape
    thick = 2
    left, right = (
        min(max(round(value), 0), wide - 1) for value in (box[0] - thick, box[2] + thick)
    )
    top, bottom = (
        min(max(round(value), 0), high - 1) for value in (box[1] - thick, box[3] + thick)
    )
    inside = pixels[top : bottom + 1, left : right + 1]
    inside[:] = (inside.astype("uint16") * 7 + list(colour)) // 8
    inside[:thick], inside[-thick:] = colour, colour
    inside[:, :thick], inside[:, -thick:] = colour, colour
