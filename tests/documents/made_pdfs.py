"""PDFs that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reportlab.lib import pagesizes
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate

from groundtone.documents import Document

STYLES = getSampleStyleSheet()
NARROW = ParagraphStyle("narrow", parent=STYLES["BodyText"], fontSize=8, leading=10)


def build(path: Path, flow: list[object], **options: object) -> Path:
    """Lay `flow` out on A4 pages."""
    SimpleDocTemplate(str(path), pagesize=pagesizes.A4, invariant=1, **options).build(flow)
    return path


def draw(path: Path, *pages: Callable[[Canvas], None], **options: object) -> Path:
    """One A4 page for each function that draws one."""
    canvas = Canvas(str(path), pagesize=pagesizes.A4, invariant=1, **options)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def write_lines(
    canvas: Canvas, lines: Sequence[str], x: float = 72, y: float = 700, size: float = 10
) -> None:
    """Lines one below the other, in points from the lower left corner."""
    canvas.setFont("Helvetica", size)
    for number, line in enumerate(lines):
        canvas.drawString(x, y - 1.2 * size * number, line)


def cuts(document: Document) -> list[tuple[str, str]]:
    """(kind, text) of each block."""
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]
