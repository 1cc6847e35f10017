from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.index import DIMENSIONS, IndexContract, ManyContract, entry, unit

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Entry, Hit, Index, open_index, window_id
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.held import _best
from groundtone.index.lance import LanceIndex


class TestLance(ManyContract):
    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("lancedb", path, dimensions)


class TestLanceWithGraph(IndexContract):
    """Everything again with the graph that large indexes have."""

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return LanceIndex(path, dimensions, graph_rows=100)


class InMemory(LanceIndex):
    """Reads into memory what another handle has written before it searches."""

    def __init__(self, path: Path, dimensions: int) -> None:
        super().__init__(path, dimensions, keep={"first_searches": 0, "rows": (1, 100_000)})

    def dense(self, *given: Any) -> list[Hit]:
        self._resident.held()
        self._resident.wait()
        return super().dense(*given)

    def lexical(self, *given: Any, near: np.ndarray | None = None) -> list[Hit]:
        self._resident.held()
        self._resident.wait()
        return super().lexical(*given, near=near)


class TestLanceInMemory(ManyContract):
    """Everything again from memory, as a process searches that searches often."""

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return InMemory(path, dimensions)


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
            assert [hit._replace(score=0, cosine=0) for hit in hits] == [
                hit._replace(score=0, cosine=0) for hit in wanted
            ]
            for hit, other in zip(hits, wanted, strict=True):
                assert (hit.score, hit.cosine) == pytest.approx(
                    (other.score, other.cosine), abs=2e-5
                )

    same()
    kept._resident.wait()
    assert kept._resident.held() is not None
    same()
    plain.delete({"v3"})
    plain.add([entry(70, "plain text 7 7")])
    same()  # another has written: from disk, or what is new has been read
    kept._resident.wait()
    assert kept._resident.held() is not None
    same()
    kept.add([entry(70, "plain other text"), entry(8, "changed text 7")])
    same()
    kept._resident.wait()
    same()
    plain._compact()
    kept._resident.held()
    kept._resident.wait()
    assert kept._resident.held() is not None
    same()
    plain.close()
    kept.close()


def test_one_scan_for_several_questions_finds_what_each_finds_alone(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(3_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = LanceIndex(tmp_path, 384, keep={"first_searches": 0, "rows": (1, 10_000)})
    kept.add(
        [
            Entry(window_id(f"v{n}", 0, 0), f"v{n}", 0, 0, f"word {n}", vector, (f"group={n % 3}",))
            for n, vector in enumerate(vectors[:2_900])
        ]
    )
    groups = [EVERYTHING, Filter((frozenset({"group=1"}),)), Filter((frozenset(),))]
    asked = [(vector, 1 + at % 40, groups[at % 3]) for at, vector in enumerate(vectors[2_900:])]
    from_disk = kept.dense_each(asked[:4])
    kept._resident.wait()
    assert kept._resident.held() is not None
    alone = [kept.dense(*one) for one in asked]
    for several in (2, 3, 8):
        found = [kept.dense_each(asked[at : at + several]) for at in range(0, 96, several)]
        assert [hits for some in found for hits in some] == alone[:96]
    for (_, k, where), hits in zip(asked, alone, strict=True):
        assert len(hits) == (0 if where is groups[2] else k)
        if where is groups[1]:
            assert all(int(hit.version[1:]) % 3 == 1 for hit in hits)
    assert [[h.version for h in hits] for hits in from_disk] == [
        [h.version for h in hits] for hits in alone[:4]
    ]
    assert kept.dense_each([]) == [] and kept.dense_each([(vectors[0], 0, EVERYTHING)]) == [[]]
    kept.close()


@given(
    scores=st.lists(st.sampled_from([-math.inf, 0.0, 0.5, 1.0, 2.0, 3.0]), max_size=40),
    times=st.integers(1, 60),
    k=st.integers(0, 30),
    above=st.sampled_from([-math.inf, 0.0, 1.0]),
)
def test_the_best_of_many_scores_are_those_of_all_in_order(
    scores: list[float], times: int, k: int, above: float
) -> None:
    many = np.array([*scores, *[0.0] * 70] * times, np.float32)
    wanted = sorted(range(len(many)), key=lambda place: (-many[place], place))[:k]
    wanted = sorted(place for place in wanted if many[place] > above)
    assert _best(many, k, above).tolist() == wanted


def test_many_small_changes_are_held_in_few_segments(tmp_path: Path) -> None:
    kept = InMemory(tmp_path, DIMENSIONS)
    for number in range(20):
        kept.add([entry(number, "word")])
        kept.delete({f"v{number - 10}"})
        assert len(kept.lexical("word", 50)) == min(number + 1, 10)
    held = kept._resident.held()
    assert held is not None and len(held.segments) <= 8
    kept.close()


def test_a_filter_made_before_a_document_came_lets_it_through_after(tmp_path: Path) -> None:
    kept = InMemory(tmp_path, DIMENSIONS)
    where = Filter((frozenset({"group=a"}),))
    kept.add([replace(entry(1, "word"), labels=("group=b",))])
    assert kept.lexical("word", 5, where) == []
    kept.add([replace(entry(2, "word"), labels=("group=a", "x"))])
    assert [hit.version for hit in kept.lexical("word", 5, where)] == ["v2"]
    kept.delete({"v2"})
    kept.add([replace(entry(2, "word"), labels=("group=b",))])
    assert kept.lexical("word", 5, where) == kept.dense(unit(2), 5, where) == []
    kept.close()
