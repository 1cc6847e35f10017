from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from documents.made_pdfs import draw, write_lines
from groundtone.documents import pdf_pages, read
from groundtone.documents.pdf_pages import page_count, page_png, page_size
from groundtone.errors import UnreadableFile


def page(canvas: Canvas) -> None:
    write_lines(canvas, ["The blue crane lifts four tons."])


def shown(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_size_and_count(tmp_path: Path) -> None:
    path = draw(tmp_path / "two.pdf", page, page)
    assert page_count(path) == 2
    assert page_size(path, 2) == pytest.approx((595.3, 841.9), abs=0.1)
    assert shown(page_png(path, 1, scale=2)).shape == (1684, 1191, 3)


def test_a_box_is_drawn_around_the_words_and_nowhere_else(tmp_path: Path) -> None:
    path = draw(tmp_path / "one.pdf", page)
    (block,) = read(path).blocks
    assert block.box is not None
    plain, framed = shown(page_png(path, 1)), shown(page_png(path, 1, [block.box]))
    changed = np.argwhere(np.abs(plain - framed).sum(axis=2) > 0)
    top, left = changed.min(axis=0) / 1.5
    bottom, right = changed.max(axis=0) / 1.5
    assert (left, top, right, bottom) == pytest.approx(block.box, abs=3)
    dark = np.argwhere(plain.sum(axis=2) < 300)
    assert (changed.min(axis=0) <= dark.min(axis=0)).all()
    assert (changed.max(axis=0) >= dark.max(axis=0)).all()


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_boxes_fit_turned_pages(tmp_path: Path, rotation: int) -> None:
    def turned(canvas: Canvas) -> None:
        canvas.setPageRotation(rotation)
        write_lines(canvas, ["The blue crane lifts four tons."], y=500)

    path = draw(tmp_path / "turned.pdf", turned)
    (block,) = read(path).blocks
    assert block.box is not None
    dark = np.argwhere(shown(page_png(path, 1, scale=1)).sum(axis=2) < 300)
    left, top, right, bottom = block.box
    assert top - 1 <= dark[:, 0].min() and dark[:, 0].max() <= bottom + 1
    assert left - 1 <= dark[:, 1].min() and dark[:, 1].max() <= right + 1


def test_huge_pages_are_drawn_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pages, "_MOST_PIXELS", 250_000)
    path = draw(tmp_path / "large.pdf", page)
    (block,) = read(path).blocks
    assert block.box is not None
    plain, framed = shown(page_png(path, 1, scale=9)), shown(page_png(path, 1, [block.box], 9))
    assert 240_000 < plain.shape[0] * plain.shape[1] < 260_000
    scale = plain.shape[1] / page_size(path, 1)[0]
    left = np.argwhere(np.abs(plain - framed).sum(axis=2) > 0)[:, 1].min()
    assert left == pytest.approx(block.box[0] * scale, abs=4)


def test_a_box_beyond_the_page_is_cut(tmp_path: Path) -> None:
    path = draw(tmp_path / "one.pdf", page)
    shown(page_png(path, 1, [(-50.0, -50.0, 9000.0, 9000.0)]))


def test_missing_pages_and_broken_files_are_named(tmp_path: Path) -> None:
    path = draw(tmp_path / "one.pdf", page)
    with pytest.raises(UnreadableFile, match="no page 2: its pages are 1 to 1"):
        page_png(path, 2)
    path.write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(UnreadableFile, match="damaged PDF"):
        page_png(path, 1)
