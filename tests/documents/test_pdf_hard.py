"""PDFs of many makers: nearly every word that pdfium finds on a page is in the document."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest

from groundtone.documents import read
from groundtone.errors import UnreadableFile

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "hard_files" / "files"
_WORD = re.compile(r"\w+")
_JOINED = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl"}
# What is left out there are running headers and footers, on every page and long; in the table of
# numbers pdfium runs numbers of neighbouring cells together.
FEWER = {
    "all-number-table.pdf": 0.3,
    "failure-after-repair.pdf": 0.97,
    "fr_olap.pdf": 0.98,
    "invalid-pdf-structure-pdfminer-one-page.pdf": 0.98,
    "pdf2image-memory-error-test-400p.pdf": 0.8,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs the collection of files at {FOLDER}"),
]


def words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.translate(_JOINED).lower()))


def on_pages(path: Path) -> dict[int, Counter[str]]:
    """Words within each page's edges, as pdfium gives them."""
    found = {}
    with closing(pypdfium2.PdfDocument(path)) as pdf:
        for index in range(len(pdf)):
            with closing(pdf[index]) as page, closing(page.get_textpage()) as textpage:
                text = re.sub("[\ufffe\x02\xad]\r?\n?", "", textpage.get_text_bounded())
                found[index + 1] = words(text)
    return found


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.pdf")), ids=lambda path: path.stem if path else ""
)
def test_words_are_kept(path: Path) -> None:
    try:
        document = read(path)
    except UnreadableFile as error:
        assert re.search("encrypted with a password|no text layer", error.reason)
        return
    mine: dict[int, list[str]] = {}
    for block in document.blocks:
        mine.setdefault(block.page or 0, []).append(document.text[block.start : block.end])
    kept = total = 0
    for page, there in on_pages(path).items():
        kept += sum((there & words("\n".join(mine.get(page, [])))).values())
        total += sum(there.values())
    assert kept >= FEWER.get(path.name, 0.99) * total
