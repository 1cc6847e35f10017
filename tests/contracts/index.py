"""What every index store must do: inherit `IndexContract` and provide `open`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from groundtone.errors import EmbeddingMismatch
from groundtone.index import Entry, Hit, Index
from groundtone.index.filters import Filter

DIMENSIONS = 16


def unit(seed: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    """A random direction, always the same for the same seed."""
    vector = np.random.default_rng(seed).normal(size=dimensions).astype(np.float32)
    return vector / np.linalg.norm(vector)


def entry(number: int, text: str = "nothing special", version: str | None = None) -> Entry:
    """A window with the vector of its number."""
    return Entry(f"id-{number}", version or f"v{number}", number, 0, text, unit(number))


class IndexContract:
    """Inherit and override `open`: a fresh handle on the index in this folder."""

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        raise NotImplementedError

    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[Index]:
        index = self.open(tmp_path / "index")
        yield index
        index.close()

    def test_an_empty_index_finds_nothing(self, index: Index) -> None:
        assert index.count() == 0
        assert index.versions() == set()
        assert index.dense(unit(1), 5) == []
        assert index.lexical("anything", 5) == []
        index.optimise()
        index.delete({"v1"})
        index.add([])
        assert index.dense(unit(1), 5) == []
        assert index.lexical("anything", 5) == []

    def test_vectors_come_back_as_they_were_added(self, index: Index) -> None:
        index.add([entry(number, version=f"v{number % 2}") for number in range(700)])
        wanted = [f"id-{number}" for number in range(0, 700, 2)]
        found = index.vectors([*wanted, "unknown", "it's"])
        assert found.keys() == set(wanted)
        for number in (0, 350, 698):
            assert found[f"id-{number}"] == pytest.approx(unit(number), abs=1e-6)
        assert index.vectors([]) == {}
        assert (index.count(), index.count("v1"), index.count("unknown")) == (700, 350, 0)

    def test_adding_twice_is_adding_once(self, index: Index) -> None:
        index.add([entry(1, "first"), entry(2, "second")])
        index.add([entry(1, "changed"), entry(3, "third")])
        assert index.count() == 3
        assert index.lexical("first", 5) == []
        assert [hit.version for hit in index.lexical("changed", 5)] == ["v1"]
        index.add([entry(4, "early"), entry(4, "late")])
        assert index.count() == 4
        assert [hit.version for hit in index.lexical("late", 5)] == ["v4"]

    def test_delete_takes_all_windows_of_a_version_and_only_those(self, index: Index) -> None:
        index.add([entry(number, "word", version=f"v{number % 3}") for number in range(9)])
        index.delete({"v1", "unknown", "o'clock"})
        assert index.versions() == {"v0", "v2"}
        assert index.count() == 6
        assert {hit.version for hit in index.dense(unit(1), 9)} == {"v0", "v2"}
        index.optimise()
        assert {hit.version for hit in index.lexical("word", 9)} == {"v0", "v2"}

    def test_a_version_may_hold_any_characters(self, index: Index) -> None:
        index.add([entry(1, version="it's; DROP TABLE --"), entry(2)])
        index.delete({"it's; DROP TABLE --"})
        assert index.versions() == {"v2"}

    @pytest.mark.parametrize("optimised", [False, True])
    def test_dense_orders_by_cosine(self, index: Index, optimised: bool) -> None:
        vectors = np.stack([unit(number) for number in range(300)])
        for start in range(0, 300, 50):
            index.add([entry(number) for number in range(start, start + 50)])
        if optimised:
            index.optimise()
        question = unit(1000)
        cosines = vectors @ question
        expected = [int(number) for number in np.argsort(-cosines)[:20]]
        hits = index.dense(question, 20)
        assert [hit.chunk for hit in hits] == expected
        assert [hit.score for hit in hits] == pytest.approx(cosines[expected], abs=1e-5)
        assert len(index.dense(question, 1000)) == 300
        assert index.dense(question, 0) == []

    @pytest.mark.parametrize("optimised", [False, True])
    @pytest.mark.parametrize(
        ("text", "queries"),
        [
            (
                "The action s3:GetObject must be allowed.",
                ["s3:GetObject", "GetObject", "getobject"],
            ),
            ("CreateBucket makes one.", ["CreateBucket", "createbucket", "`CreateBucket`"]),
            ("ERR-1042: the disk has no room.", ["ERR-1042", "err-1042", "ERR 1042", "1042"]),
            (
                "Start it with --enable-admission-plugins.",
                ["--enable-admission-plugins", "enable-admission-plugins", "admission plugins"],
            ),
            ("Set metadata.name in the file.", ["metadata.name", "metadata", "`metadata.name`"]),
            ("The variable MAX_RETRY_COUNT is read.", ["MAX_RETRY_COUNT", "max_retry_count"]),
            ("Größe und Straße, naïve café", ["größe", "GRÖSSE", "Straße", "cafe", "naive"]),
            ("東京タワーは高い", ["東京", "タワー", "東京タワー"]),
            ("Пароль можно сбросить", ["пароль", "ПАРОЛЬ"]),
        ],
    )
    def test_lexical_finds(
        self, index: Index, text: str, queries: list[str], optimised: bool
    ) -> None:
        fillers = ["A page about errors and disks.", "The name of a file.", "Plugins and more."]
        index.add([entry(9, text), *(entry(n, filler) for n, filler in enumerate(fillers))])
        if optimised:
            index.optimise()
        for query in queries:
            hits = index.lexical(query, 5)
            assert hits and hits[0].version == "v9", query
            assert hits[0].score > 0

    def test_an_exact_identifier_beats_its_parts(self, index: Index) -> None:
        index.add(
            [
                entry(1, "The err field of step 1042, where err is 1042."),
                entry(2, "What to do about ERR-1042 in a long text about other things entirely."),
                # The parts are common words, as they are in real documents.
                *(entry(n, f"The err field of page {n} tells colours.") for n in range(3, 6)),
                *(entry(n, f"Number 1042 of page {n} tells colours.") for n in range(6, 9)),
            ]
        )
        index.optimise()
        assert index.lexical("ERR-1042", 2)[0].version == "v2"

    @pytest.mark.parametrize("optimised", [False, True])
    def test_hits_by_words_know_their_cosine(self, index: Index, optimised: bool) -> None:
        index.add([entry(number, "word") for number in range(20)])
        if optimised:
            index.optimise()
        question = unit(500)
        for hit in index.lexical("word", 20, near=question):
            if hit.cosine is not None:
                assert hit.cosine == pytest.approx(float(unit(hit.chunk) @ question), abs=1e-5)
        assert index.lexical("nowhere", 20, near=question) == []

    def test_word_forms_meet(self, index: Index) -> None:
        index.add([entry(1, "Resetting passwords"), entry(2, "Nothing here")])
        assert [hit.version for hit in index.lexical("reset a password", 5)] == ["v1"]

    @pytest.mark.parametrize(
        "query",
        [
            "",
            " \n",
            '"*( AND',
            "NOT a:b^2 ~",
            "\x00",
            "'; DROP TABLE windows --",
            "\ud800",
            "(" * 99,
        ],
    )
    def test_a_query_is_data_never_syntax(self, index: Index, query: str) -> None:
        index.add([entry(1, "plain text")])
        index.optimise()
        assert index.lexical(query, 5) == []

    def test_marks_around_words_do_no_harm(self, index: Index) -> None:
        index.add([entry(1, "plain text")])
        assert [hit.version for hit in index.lexical('"plain*" AND (text', 5)] == ["v1"]

    def test_a_query_of_twenty_thousand_words(self, index: Index) -> None:
        index.add([entry(1, "plain text")])
        question = "plain " + " ".join(f"word{number}" for number in range(20_000))
        assert [hit.version for hit in index.lexical(question, 5)] == ["v1"]
        assert index.lexical("a" * 100_000, 5) == []

    def test_it_is_there_when_opened_again(self, tmp_path: Path) -> None:
        first = self.open(tmp_path / "index")
        first.add([entry(1, "plain text"), entry(2)])
        first.close()
        second = self.open(tmp_path / "index")
        assert second.count() == 2
        assert [hit.version for hit in second.lexical("plain", 5)] == ["v1"]
        assert second.dense(unit(2), 1)[0].version == "v2"
        second.close()

    def test_another_handle_sees_changes_at_once(self, index: Index, tmp_path: Path) -> None:
        reader = self.open(tmp_path / "index")
        index.add([entry(1, "plain text")])
        assert [hit.version for hit in reader.lexical("plain", 5)] == ["v1"]
        index.delete({"v1"})
        index.add([entry(2, "plain text")])
        index.optimise()
        assert [hit.version for hit in reader.lexical("plain", 5)] == ["v2"]
        assert [hit.version for hit in reader.dense(unit(2), 5)] == ["v2"]
        reader.close()

    def test_wrong_vectors_are_refused(self, index: Index) -> None:
        short = Entry("x", "v", 0, 0, "", unit(1, 8))
        broken = Entry("x", "v", 0, 0, "", np.full(DIMENSIONS, np.nan, np.float32))
        for wrong in (short, broken):
            with pytest.raises(ValueError, match="vector"):
                index.add([entry(1), wrong])
        with pytest.raises(ValueError, match="vector"):
            index.dense(unit(1, 8), 5)
        assert index.count() == 0

    def test_another_embedding_is_named_when_opened(self, index: Index, tmp_path: Path) -> None:
        index.add([entry(1)])
        with pytest.raises(EmbeddingMismatch, match="sync --rebuild"):
            self.open(tmp_path / "index", 8)

    @pytest.mark.parametrize("optimised", [False, True])
    def test_a_filter_holds_in_both_searches(self, index: Index, optimised: bool) -> None:
        entries = [
            Entry(
                f"id-{n}", f"v{n}", n, 0, "plain text", unit(n),
                labels=(f"third={n % 3}", f"half={n % 2}", "it's=\"100%\"; --"), modified=n,
            )
            for n in range(60)
        ]  # fmt: skip
        index.add([*entries, entry(60, "plain text")])
        if optimised:
            index.optimise()
        filters = [
            Filter(),
            Filter((frozenset({"third=1"}),)),
            Filter((frozenset({"third=1", "third=2"}), frozenset({"half=0"}))),
            Filter((frozenset({'it\'s="100%"; --'}),), since=10, until=20),
            Filter(since=58),
            Filter(until=0),
            Filter((frozenset({"nobody has it"}),)),
            Filter((frozenset(),)),
        ]
        for where in filters:
            allowed = {e.version for e in entries if where.allows(e.labels, e.modified)}
            allowed |= {"v60"} if where.allows((), 0) else set()
            for hits in (index.dense(unit(99), 100, where), index.lexical("plain", 100, where)):
                assert {hit.version for hit in hits} == allowed, where
        narrow = Filter((frozenset({"third=0"}),))
        assert len(index.dense(unit(99), 3, narrow)) == 3, "filtered before, not after, ranking"
        assert len(index.lexical("plain", 3, narrow)) == 3

    def test_labels_follow_their_window(self, index: Index) -> None:
        old, new = Filter((frozenset({"group=a"}),)), Filter((frozenset({"group=b"}),))
        index.add([Entry("x", "v", 0, 0, "plain", unit(1), labels=("group=a",))])
        index.add([Entry("x", "v", 0, 0, "plain", unit(1), labels=("group=b",))])
        assert index.dense(unit(1), 5, old) == index.lexical("plain", 5, old) == []
        assert len(index.dense(unit(1), 5, new)) == len(index.lexical("plain", 5, new)) == 1

    def test_equal_scores_come_in_the_same_order(self, index: Index) -> None:
        same = unit(7)
        entries = [Entry(f"id-{n:02}", f"v{n:02}", n, 0, "same text", same) for n in range(20)]
        index.add(entries[::-1])
        assert [hit.chunk for hit in index.dense(same, 20)] == list(range(20))
        assert [hit.chunk for hit in index.lexical("same", 20)] == list(range(20))

    def test_readers_search_while_a_writer_works(self, index: Index, tmp_path: Path) -> None:
        index.add([entry(0, "plain text")])
        done = threading.Event()
        faults: list[BaseException] = []

        def search(look: Callable[[Index], list[Hit]]) -> None:
            try:
                reader = self.open(tmp_path / "index")
                while not done.is_set():
                    assert "v0" in {hit.version for hit in look(reader)}
                reader.close()
            except BaseException as fault:
                faults.append(fault)

        looks: list[Callable[[Index], list[Hit]]] = [
            lambda reader: reader.dense(unit(0), 5),
            lambda reader: reader.lexical("plain", 50),
        ]
        threads = [threading.Thread(target=search, args=(look,)) for look in looks]
        for thread in threads:
            thread.start()
        for number in range(1, 12):
            index.add([entry(number, "other text")])
            if number % 3 == 0:
                index.delete({f"v{number - 1}"})
                index.optimise()
        done.set()
        for thread in threads:
            thread.join()
        assert not faults, faults


class ManyContract(IndexContract):
    """For stores that take ten thousand windows in seconds: from there on they may use graphs."""

    def test_ten_thousand_windows(self, index: Index) -> None:
        count, questions = 10_000, 20
        random = np.random.default_rng(1)
        vectors = random.normal(size=(count, DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        entries = [
            Entry(
                f"id-{n:05}", f"v{n // 10}", n, 0, f"plain text about item{n}", vectors[n],
                labels=(f"tenth={n % 10}",), modified=n,
            )
            for n in range(count)
        ]  # fmt: skip
        for start in range(0, count, 2_000):
            index.add(entries[start : start + 2_000])
        index.add(entries[:2_000])  # once more: the same
        index.optimise()
        assert index.count() == count and len(index.versions()) == count // 10
        met = met_filtered = 0
        tenth = np.arange(count) % 10 == 3
        for question in random.normal(size=(questions, DIMENSIONS)).astype(np.float32):
            cosines = vectors @ question / np.linalg.norm(question)
            best = set(np.argsort(-cosines)[:10].tolist())
            met += len(best & {hit.chunk for hit in index.dense(question, 10)})
            best = set(np.argsort(-np.where(tenth, cosines, -2))[:10].tolist())
            hits = index.dense(question, 10, Filter((frozenset({"tenth=3"}),)))
            met_filtered += len(best & {hit.chunk for hit in hits})
        assert met >= 0.97 * 10 * questions
        assert met_filtered >= 0.97 * 10 * questions
        for number in (0, 4_321, 9_999):
            assert [hit.chunk for hit in index.lexical(f"item{number}", 1)] == [number]
        assert len(index.dense(vectors[0], count)) == count
        index.delete({"v0", "v999"})
        assert index.count() == count - 20
        assert index.lexical("item9999", 5) == []
        assert index.dense(vectors[0], 1)[0].chunk != 0
