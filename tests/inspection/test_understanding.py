from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder

from groundtone.errors import UnreadableFile
from groundtone.inspection import Inspection, SeenDocument, inspect_file
from groundtone.settings import Chunking

GUIDE = """---
title: Crane guide
---

# Crane guide

Cranes lift loads.

## 1 Limits

| crane | tons |
| --- | --- |
{rows}

## 2 Empty

### 2.1 Care

Grease the hook <b>daily</b>.
"""


def guide(folder: Path, rows: int = 3) -> Path:
    path = folder / "guide.md"
    lines = "\n".join(f"| crane number {n} | lifts {n + 4} tons |" for n in range(rows))
    path.write_text(GUIDE.format(rows=lines), "utf-8")
    return path


def inspected(path: Path, **sizes: int) -> Inspection:
    return inspect_file(path, SmallEmbedder(), Chunking(**sizes), max_bytes=10_000_000)


@pytest.fixture
def seen(tmp_path: Path) -> SeenDocument:
    (one,) = inspected(guide(tmp_path)).documents
    return one


def test_the_outline_is_the_headings_tree(seen: SeenDocument) -> None:
    assert [(h.level, h.title) for h in seen.outline] == [
        (1, "Crane guide"), (2, "1 Limits"), (2, "2 Empty"), (3, "2.1 Care"),
    ]  # fmt: skip
    for heading in seen.outline:
        assert seen.document.text.startswith("#", heading.start)


def test_tables_are_counted_without_their_header(seen: SeenDocument) -> None:
    (table,) = seen.tables
    assert table.headings[-1] == "1 Limits"
    assert "crane" in seen.document.text[table.start : table.end]
    assert table.rows + len(table.header.splitlines()) == 5


def test_sizes_are_those_of_the_embedder(tmp_path: Path) -> None:
    (seen,) = inspected(
        guide(tmp_path, rows=60), min_tokens=32, max_tokens=64, window_tokens=48
    ).documents
    encode = SmallEmbedder().encode
    assert len(seen.chunks) > 5
    for one in seen.chunks:
        text = seen.document.text[one.chunk.start : one.chunk.end]
        assert one.tokens == len(encode(text))
        assert one.windows == tuple(len(encode(window.text)) for window in one.chunk.windows)
        assert max(one.windows) <= 46


def test_as_json_it_holds_every_boundary(seen: SeenDocument) -> None:
    told = seen.to_json()
    for chunk in told["chunks"]:
        assert chunk["text"] == seen.document.text[chunk["start"] : chunk["end"]]
        assert all(
            chunk["start"] <= w["start"] < w["end"] <= chunk["end"] for w in chunk["windows"]
        )
    assert told["characters"] == len(seen.document.text)
    assert told["pages"] is None


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    with pytest.raises(UnreadableFile, match=r"broken\.pdf"):
        inspected(tmp_path / "broken.pdf")
