"""What must hold for any PDF, whatever stands where on its pages."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from contracts.reader import check_document
from groundtone.documents import read
from groundtone.documents.pdf_pages import page_size
from groundtone.errors import UnreadableFile

WORDS = st.sampled_from(
    ["crane", "rope", "hook", "4,120", "$", "—", "(12)", "%", "•", "1.", "2031", "inspec-", "ted"]
)
STRINGS = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
DRAWN = st.tuples(
    STRINGS,
    st.floats(-50, 650),
    st.floats(-50, 900),
    st.sampled_from(["Helvetica", "Helvetica-Bold", "Courier"]),
    st.sampled_from([6.0, 9.0, 10.0, 18.0, 60.0]),
    st.sampled_from([0, 0, 0, 0, 90, 180, 45]),
)
ROWS = st.tuples(
    st.lists(st.lists(STRINGS, min_size=1, max_size=5), min_size=1, max_size=12),
    st.floats(30, 200),
    st.floats(400, 780),
)
PAGES = st.lists(
    st.tuples(
        st.sampled_from([0, 90, 180, 270]),
        st.lists(DRAWN, max_size=12),
        st.lists(ROWS, max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pages=PAGES)
def test_spans_cut_their_text_and_boxes_lie_on_the_page(tmp_path: Path, pages: list) -> None:
    path = tmp_path / "any.pdf"
    canvas = Canvas(str(path), pagesize=(595, 842))
    for rotation, drawn, tables in pages:
        canvas.setPageRotation(rotation)
        for text, x, y, font, size, angle in drawn:
            canvas.saveState()
            canvas.translate(x, y)
            canvas.rotate(angle)
            canvas.setFont(font, size)
            canvas.drawString(0, 0, text)
            canvas.restoreState()
        canvas.setFont("Helvetica", 9)
        for rows, x, y in tables:
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    canvas.drawString(x + 95 * column, y - 13 * number, cell)
        canvas.showPage()
    canvas.save()
    try:
        document = read(path)
    except UnreadableFile as error:
        assert "empty" in error.reason
        return
    check_document(document)
    for block in document.blocks:
        assert block.page is not None and block.box is not None
        wide, high = page_size(path, block.page)
        left, top, right, bottom = block.box
        assert 0 <= left <= right <= wide + 0.1
        assert 0 <= top <= bottom <= high + 0.1
