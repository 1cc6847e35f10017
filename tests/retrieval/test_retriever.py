from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.small_embedder import SmallEmbedder
from tests.syncing.place import Place

from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch, WrongUse
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.retrieval import Passage, Retriever
from groundtone.settings import Retrieval

KEYS = """# Keys

Intro.

## 2.1 Blue key

The blue key opens the garden door.

## 2.2 Red key

The red key opens the cellar.
"""
PLANTS = "# Plants\n\nWater the plants on Monday. The error is ERR-1042.\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb")
    place.write("keys.md", KEYS)
    place.write("sub/plants.md", PLANTS)
    place.sync()
    yield place
    place.close()


def retriever(place: Place, **settings: Any) -> Retriever:
    return Retriever(place.catalog, place.indexes, place.embedder, Retrieval(**settings))


def test_a_passage_knows_where_it_stands(place: Place) -> None:
    passage = retriever(place).search("Which door does the blue key open?", 1)[0]
    assert passage.rank == 1
    assert passage.document == "keys.md"
    assert passage.title == "Keys"
    assert passage.section == "2.1"
    assert passage.headings[-1] == "2.1 Blue key"
    assert passage.page is None and passage.box is None
    assert KEYS[passage.start : passage.end] == passage.text
    assert "garden door" in KEYS[slice(*passage.window)]
    assert passage.dense is not None and passage.lexical is not None
    assert 0 <= passage.score <= 1


def test_words_that_were_looked_up_for_a_vector_that_failed_hold_nobody_up(place: Place) -> None:
    class Failing(SmallEmbedder):
        broken = True

        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if self.broken:
                raise OSError("no vectors today")
            return super().embed(texts)

    embedder = Failing()
    searching = Retriever(place.catalog, place.indexes, embedder, Retrieval())
    for _ in range(8):  # more than there are threads for the words
        with pytest.raises(OSError, match="today"):
            searching.search("Which door does the blue key open?", 1)
    embedder.broken = False
    [found] = searching.search("Which door does the blue key open?", 1)
    assert found.section == "2.1" and found.origin is not None and found.origin.lexical_rank == 1


def test_a_passage_over_two_pages_names_the_one_where_it_matches(place: Place) -> None:
    first = "The green key opens the attic. " * 12
    second = "The brass bell rings at noon. " * 60
    place.write("manual.txt", f"{first}\n\f\n{second}\n")
    place.sync()
    found = retriever(place).search("When does the brass bell ring?", 1)[0]
    assert found.pages == {1, 2}
    assert found.page == 2
    at = found.start + found.text.index("green")
    assert found.place(at, at + 5) == (1, None)
    assert [p.document for p in retriever(place).where(document="manual.txt", page="2")] == [
        "manual.txt"
    ]
    assert not retriever(place).where(document="manual.txt", page="3")


def test_ranks_and_scores_descend_and_k_bounds(place: Place) -> None:
    passages = retriever(place).search("the key opens", 10)
    assert [passage.rank for passage in passages] == list(range(1, len(passages) + 1))
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)
    assert len(retriever(place).search("key", 2)) == 2
    assert len(retriever(place, k=3).search("key")) == 3
    assert retriever(place).search("key", 0) == []


def test_an_identifier_is_found_by_its_words(place: Place) -> None:
    assert retriever(place).search("ERR-1042", 1)[0].document == "sub/plants.md"


@pytest.mark.parametrize("rule", ["learned", "weighted", "ranks"])
def test_the_same_question_gives_the_same_passages(place: Place, rule: str) -> None:
    for number in range(6):
        place.write(f"same/{number}.md", "# Same\n\nThe same text.\n")
    place.sync()
    first = retriever(place, fusion=rule).search("the same text", 6)
    assert [p.document for p in first] == [f"same/{number}.md" for number in range(6)]
    assert retriever(place, fusion=rule).search("the same text", 6) == first


@pytest.mark.parametrize("rule", ["learned", "weighted", "ranks", "vectors", "words"])
@pytest.mark.parametrize(
    "question",
    ["", "  \n", "\x00", '"*( AND', "?", "\ud800", "東京", "the of and it", "🔑", "NOT a:b^2 ~((("],
)
def test_odd_questions_are_no_errors(place: Place, question: str, rule: str) -> None:
    passages = retriever(place, fusion=rule).search(question, 3)
    assert all(0 <= passage.score <= 1 for passage in passages)


def test_a_question_of_stop_words_finds_texts_that_hold_them(place: Place) -> None:
    found = retriever(place, fusion="words").search("the", 5)
    assert found and all("the" in passage.text.casefold() for passage in found)


def test_ten_thousand_passages_are_as_many_as_there_are(place: Place) -> None:
    found = retriever(place).search("key", 10_000)
    assert len(found) == len({(p.version, p.chunk) for p in found}) >= 3


def test_many_questions_are_embedded_at_once_and_answered_alike(place: Place) -> None:
    questions = ["blue key", "", "red key", "plants", "  "] * 30
    searching = retriever(place)
    calls: list[int] = []
    embed = place.embedder.embed
    place.embedder.embed = lambda texts: (calls.append(len(texts)), embed(texts))[1]
    found = list(searching.search_many(questions, 2))
    assert len(found) == len(questions) and sum(calls) == 90 and len(calls) <= 3
    assert found[:5] == [searching.search(question, 2) for question in questions[:5]]


def test_searches_at_once_find_what_each_finds_alone(place: Place) -> None:
    for number in range(30):
        place.write(
            f"more/{number}.md", f"# Key {number}\n\nThe key {number} opens door {number}.\n"
        )
    place.sync()
    searching = retriever(place)
    narrow = [Filter((frozenset({f"path=more/{number}.md"}),)) for number in range(30)]
    questions = [f"which door does key {number} open" for number in range(30)]
    limits = [EVERYTHING if number % 3 else narrow[number] for number in range(30)]
    asked = list(zip(questions, limits, range(1, 31), strict=True))

    def search(one: tuple[str, Filter, int]) -> list[Passage]:
        question, limit, k = one
        return searching.limited(limit).search(question, k)

    alone = list(map(search, asked))
    sizes: list[int] = []
    embed = place.embedder.embed
    place.embedder.embed = lambda texts: (sizes.append(len(texts)), embed(texts))[1]
    with ThreadPoolExecutor(30) as pool:
        for _ in range(5):
            assert list(pool.map(search, asked)) == alone
    assert sum(sizes) == 5 * 30
    for found, limit in zip(alone, limits, strict=True):
        assert limit is EVERYTHING or len({passage.document for passage in found}) == 1


def test_each_score_tells_where_it_comes_from(place: Place) -> None:
    for rule in ("learned", "weighted", "ranks"):
        for passage in retriever(place, fusion=rule).search("Which door does the blue key open?"):
            origin = passage.origin
            assert origin is not None
            assert sum(origin.parts.values()) == pytest.approx(origin.fused)
            assert passage.score == pytest.approx(min(1, origin.fused))
            assert (origin.lexical_rank is None) == (passage.lexical is None)
            assert passage.dense is not None
    assert retriever(place).where(document="keys.md")[0].origin is None


class Longest:
    """A re-ranker for which the longest text is the best."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        return [min(1.0, len(text) / 1000) for text in texts]


def test_a_reranker_orders_what_it_reads_and_leaves_the_rest_behind(place: Place) -> None:
    plain = retriever(place).search("key", 5)
    settings = Retrieval(reranker="folder", rerank=2)
    opened: list[str] = []
    searching = Retriever(
        place.catalog,
        place.indexes,
        place.embedder,
        settings,
        lambda folder: (opened.append(folder), Longest())[1],
    )
    found = searching.search("key", 5)
    assert searching.search("key", 5) == found and opened == ["folder"]
    assert {p.chunk for p in found[:2]} == {p.chunk for p in plain[:2]}
    assert len(found[0].text) >= len(found[1].text)
    assert found[0].origin is not None and found[0].origin.reranked is not None
    assert [p.text for p in found[2:]] == [p.text for p in plain[2:]]
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    with pytest.raises(WrongUse):
        Retriever(place.catalog, place.indexes, place.embedder, settings).search("key")


def test_searches_go_on_while_the_collection_is_rebuilt(place: Place) -> None:
    faults: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        searching = retriever(place)
        try:
            while not done.is_set():
                assert searching.search("blue key", 2)[0].document == "keys.md"
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    other = Place(place.root)
    for _ in range(3):
        other.sync(rebuild=True)
    done.set()
    for thread in threads:
        thread.join()
    other.close()
    assert not faults


def test_nothing_asked_or_nothing_known_finds_nothing(place: Place, tmp_path: Path) -> None:
    assert retriever(place).search("   ") == []
    empty = Place(tmp_path / "empty")
    assert retriever(empty).search("key") == []
    empty.close()


def test_a_question_of_a_megabyte_is_cut(place: Place) -> None:
    question = "Which door does the blue key open? " + "and so on " * 100_000
    assert retriever(place, fusion="words").search(question, 1)[0].section == "2.1"


def test_changes_by_another_process_are_seen_at_once(place: Place) -> None:
    searching = retriever(place)
    assert searching.search("blue key", 1)[0].document == "keys.md"
    other = Place(place.root)
    other.write("keys.md", "# Keys\n\nOnly the green key is left.\n", age=5)
    other.sync()
    found = searching.search("blue key", 5)
    assert all("garden" not in passage.text for passage in found)
    assert "green" in searching.search("green key", 1)[0].text
    other.sync(rebuild=True)
    assert "green" in searching.search("green key", 1)[0].text
    other.close()


def test_what_the_catalog_does_not_know_is_never_shown(place: Place) -> None:
    index = place.indexes.current(place.embedder.dimensions)
    gone = next(d.version for d in place.catalog.documents() if d.path == "keys.md")
    place.catalog.replace_documents([], {gone})
    assert gone in index.versions()
    assert {p.document for p in retriever(place).search("blue key", 5)} == {"sub/plants.md"}


def test_another_embedding_model_is_named(place: Place) -> None:
    other = Retriever(place.catalog, place.indexes, SmallEmbedder(32, "other"), Retrieval())
    with pytest.raises(EmbeddingMismatch, match="sync --rebuild"):
        other.search("key")


def test_with_the_real_embedder(tmp_path: Path, minilm: Embedder) -> None:
    place = Place(tmp_path / "real", embedder=minilm)  # type: ignore[arg-type]
    place.write("keys.md", KEYS)
    place.write("plants.md", PLANTS)
    assert place.sync().windows > 2
    place.check()
    found = retriever(place).search("How often do flowers need irrigation?", 1)[0]
    assert found.document == "plants.md"
    assert found.dense is not None and found.dense > 0.2
    retriever(place).search("\ud800 " * 10_000 + "x" * 10_000, 1)
    place.close()


def test_chunks_are_found_by_the_name_of_their_place(place: Place) -> None:
    [passage] = retriever(place).where(title="keys", section="2.1")
    assert "garden" in passage.text and passage.document == "keys.md"
    assert len(retriever(place).where(document="keys.md")) == 3
    assert retriever(place).where(title="Nothing") == []
