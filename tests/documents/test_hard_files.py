"""Real files of many makers, good and broken: each yields text or a specific reason, soon."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from contracts.reader import check_reading
from groundtone.documents import read_all
from groundtone.errors import UnreadableFile

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "hard_files"
LIMIT_SECONDS = 60
# What may be refused: by ending, or by name where others of that ending are read.
REFUSED = {
    ".jpg": "a JPEG image",
    ".jpeg": "a JPEG image",
    ".png": "a PNG image",
    ".heic": "a HEIC image",
    ".tiff": "a TIFF image",
    ".bmp": "a BMP image",
    ".wav": "a WAV sound file",
    ".xls": "save it as .xlsx",
    "duplicate-paragraphs.doc": "save it as .docx",
    "fake-doc-emphasized-text.doc": "save it as .docx",
    "fake.doc": "save it as .docx",
    "simple.doc": "save it as .docx",
    "fake-power-point.ppt": "save it as .pptx",
    "empty.txt": "the file is empty",
    "empty.eml": "holds no text",
    "empty.xlsx": "holds no text",
    "picture.pptx": "holds no text",
    "test-image-jpg-mime.pptx": "holds no text",
    "fake-text-all-whitespace.txt": "holds no text",
    "password.pdf": "encrypted with a password",
    "password_protected.xlsx": "encrypted with a password",
}
# Scans: OCR would read them, where it is installed.
SCANNED = ("loremipsum-flat.pdf", "single_table.pdf", "table-multi-row-column-cells.pdf")


def listed() -> list[Path]:
    with (FOLDER / "manifest.tsv").open(newline="", encoding="utf-8") as file:
        return [FOLDER / row["path"] for row in csv.DictReader(file, delimiter="\t")]


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs the collection of hard files at {FOLDER}")
def test_each_is_read_or_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_OCR", "off")
    files = listed()
    assert len(files) == 246
    refused: dict[str, str] = {}
    for path in files:
        begun = time.process_time()
        try:
            reading = read_all(path)
        except UnreadableFile as error:
            refused[path.name] = error.reason
        else:
            check_reading(reading)
            assert reading.parts[0].document.text.strip(), path
        assert time.process_time() - begun < LIMIT_SECONDS, path
    for name, reason in refused.items():
        if name in SCANNED:
            assert "no text layer" in reason
        else:
            expected = REFUSED.get(name) or REFUSED.get(Path(name).suffix)
            assert expected is not None and expected in reason, (name, reason)
