from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, entry

from groundtone.errors import GroundtoneError
from groundtone.index import Index, open_index

pytest.importorskip("qdrant_client", reason="the extra `qdrant` is not installed")


class TestLocal(IndexContract):
    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("qdrant", path, dimensions)


def test_another_process_is_told_that_the_folder_is_in_use(tmp_path: Path) -> None:
    index = open_index("qdrant", tmp_path, DIMENSIONS)
    index.add([entry(1)])
    program = (
        "import sys; from pathlib import Path; from groundtone.errors import Busy\n"
        "from groundtone.index import open_index\n"
        "try: open_index('qdrant', Path(sys.argv[1]), 16)\n"
        "except Busy as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=400
    )
    assert "open in another process" in said.stdout, said.stderr
    index.close()


def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(GroundtoneError, match=r"127\.0\.0\.1:9"):
        open_index("qdrant", tmp_path, DIMENSIONS, url="http://127.0.0.1:9")
