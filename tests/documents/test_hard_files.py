"""Real files of many makers, good and broken: none may crash the reader or hang it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reader import check_document
from groundtone.documents import SUPPORTED, read
from groundtone.errors import UnreadableFile

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "hard_files" / "files"
REFUSED = {
    "empty.txt": "empty",
    "fake-text-all-whitespace.txt": "no text",
    "password.pdf": "encrypted",
    "loremipsum-flat.pdf": "no text layer",
    "single_table.pdf": "no text layer",
    "table-multi-row-column-cells.pdf": "no text layer",
}


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs the collection of hard files at {FOLDER}")
def test_each_is_read_or_named_with_its_reason() -> None:
    refused = {}
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        try:
            check_document(read(path))
        except UnreadableFile as error:
            if path.suffix.lower() in SUPPORTED:
                refused[path.name] = error.reason
            else:
                assert "not supported" in error.reason
    assert refused.keys() == REFUSED.keys()
    assert all(REFUSED[name] in reason for name, reason in refused.items())
