from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, ManyContract, entry, unit

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Entry, Index, open_index
from groundtone.index.filters import Filter
from groundtone.index.lance import LanceIndex


class TestLance(ManyContract):
    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("lancedb", path, dimensions)


class TestLanceWithGraph(IndexContract):
    """Everything again with the graph that large indexes have."""

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return LanceIndex(path, dimensions, graph_rows=100)


def test_an_unknown_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="lancedb"):
        open_index("stone", tmp_path, 4)


def test_the_graph_finds_what_a_scan_finds(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(2000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = LanceIndex(tmp_path / "index", 32, graph_rows=1000)
    index.add([Entry(f"{n}", f"v{n}", n, 0, "", vector) for n, vector in enumerate(vectors)])
    index.optimise()
    found = 0
    for question in random.normal(size=(20, 32)).astype(np.float32):
        best = set(np.argsort(-(vectors @ question))[:20].tolist())
        found += len(best & {hit.chunk for hit in index.dense(question, 20)})
    assert found >= 0.98 * 20 * 20


def test_many_small_changes_leave_few_files(tmp_path: Path) -> None:
    index = LanceIndex(tmp_path / "index", DIMENSIONS)
    for number in range(30):
        index.add([entry(number, "word")])
    index.optimise()
    index.add([entry(99, "word")])
    index.optimise()
    table = index._table
    assert table.stats()["fragment_stats"]["num_fragments"] <= 3
    # So few need no index: they are found all the same.
    assert all(found.num_unindexed_rows <= 1 for found in table.list_indices())
    assert len(index.lexical("word", 50)) == 31
    before = table.version
    index.optimise()
    assert table.version == before


def test_a_damaged_index_says_how_to_mend_it(tmp_path: Path) -> None:
    index = LanceIndex(tmp_path / "index", DIMENSIONS)
    index.add([entry(1)])
    index.close()
    for manifest in (tmp_path / "index").rglob("*.manifest"):
        manifest.write_bytes(b"broken")
    with pytest.raises(GroundtoneError, match="sync --rebuild"):
        LanceIndex(tmp_path / "index", DIMENSIONS)


def test_an_index_made_before_labels_is_opened_and_goes_on(tmp_path: Path) -> None:
    import lancedb
    import pyarrow as pa

    old = [("id", pa.string()), ("version", pa.string()), ("chunk", pa.int32())]
    old += [("window", pa.int32()), ("text", pa.string())]
    old += [("vector", pa.list_(pa.float32(), DIMENSIONS))]
    table = lancedb.connect(tmp_path).create_table("windows", schema=pa.schema(old))
    vector = entry(1).vector
    table.add([{"id": "a", "version": "v", "chunk": 0, "window": 0, "text": "x", "vector": vector}])
    index = LanceIndex(tmp_path, DIMENSIONS)
    index.add([entry(2)])
    assert len(index.dense(vector, 5)) == 2
    assert [h.version for h in index.dense(vector, 5, Filter(since=0))] == ["v2"]
    index.close()


def test_rows_kept_in_memory_change_no_answer(tmp_path: Path) -> None:
    keep = {"first_searches": 0, "rows": (1, 1_000)}
    plain, kept = LanceIndex(tmp_path, DIMENSIONS), LanceIndex(tmp_path, DIMENSIONS, keep=keep)
    plain.add([entry(number, f"plain text {number}") for number in range(50)])
    plain.add([Entry("abc:000002:000001", "abc", 2, 1, "plain text", unit(60))])

    def same() -> None:
        question = unit(7)
        for hits, wanted in (
            (kept.dense(question, 100), plain.dense(question, 100)),
            (kept.lexical("plain 7", 100, near=question),
             plain.lexical("plain 7", 100, near=question)),
            (kept.dense(question, 5), plain.dense(question, 5)),
        ):  # fmt: skip
            assert [replace(hit, score=0, cosine=0) for hit in hits] == [
                replace(hit, score=0, cosine=0) for hit in wanted
            ]
            for hit, other in zip(hits, wanted, strict=True):
                assert (hit.score, hit.cosine) == pytest.approx(
                    (other.score, other.cosine), abs=2e-5
                )

    same()
    kept._rows.wait()
    assert kept._rows.find([0]) is not None
    same()
    plain.delete({"v3"})
    plain.add([entry(70, "plain text 7 7")])
    same()  # a row that is not kept: the slow way
    kept._rows.wait()
    same()
    kept.add([entry(70, "plain other text"), entry(8, "changed text 7")])
    same()
    plain.close()
    kept.close()
