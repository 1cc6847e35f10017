from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder
from tests.syncing.place import Place

from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch
from groundtone.retrieval import Retriever
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


def retriever(place: Place, **settings: float) -> Retriever:
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


def test_ranks_and_scores_descend_and_k_bounds(place: Place) -> None:
    passages = retriever(place).search("the key opens", 10)
    assert [passage.rank for passage in passages] == list(range(1, len(passages) + 1))
    assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)
    assert len(retriever(place).search("key", 2)) == 2
    assert len(retriever(place, k=3).search("key")) == 3
    assert retriever(place).search("key", 0) == []


def test_an_identifier_is_found_by_its_words(place: Place) -> None:
    assert retriever(place).search("ERR-1042", 1)[0].document == "sub/plants.md"


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_same_question_gives_the_same_passages(place: Place, weight: float) -> None:
    for number in range(6):
        place.write(f"same/{number}.md", "# Same\n\nThe same text.\n")
    place.sync()
    first = retriever(place, dense_weight=weight).search("the same text", 6)
    assert [p.document for p in first] == [f"same/{number}.md" for number in range(6)]
    assert retriever(place, dense_weight=weight).search("the same text", 6) == first


@pytest.mark.parametrize("question", ["", "  \n", "\x00", '"*( AND', "?", "\ud800", "東京"])
def test_odd_questions_are_no_errors(place: Place, question: str) -> None:
    retriever(place).search(question, 3)


def test_nothing_asked_or_nothing_known_finds_nothing(place: Place, tmp_path: Path) -> None:
    assert retriever(place).search("   ") == []
    empty = Place(tmp_path / "empty")
    assert retriever(empty).search("key") == []
    empty.close()


def test_a_question_of_a_megabyte_is_cut(place: Place) -> None:
    question = "Which door does the blue key open? " + "and so on " * 100_000
    assert retriever(place, dense_weight=0.1).search(question, 1)[0].section == "2.1"


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
