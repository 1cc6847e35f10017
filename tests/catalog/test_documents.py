from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.catalog import Catalog, FailedFile, StoredChunk, StoredDocument
from groundtone.catalog.rows import PART
from groundtone.catalog.windows import digest
from groundtone.errors import Busy, GroundtoneError

CHUNK = StoredChunk(
    0, 0, 4, ("Guide", "2.1 Keys"), "2.1", 3, (1.0, 2.0, 3.5, 4.0), "Guide\n", ((0, 2), (1, 4))
)


def document(
    version: str, path: str = "a.md", text: str = "text", source: int = 1
) -> StoredDocument:
    return StoredDocument(
        version, source, path, len(text), 17, "0" * 64, "Guide", "text/markdown", text, (CHUNK,)
    )


@pytest.fixture
def catalog(where: str | Path) -> Iterator[Catalog]:
    catalog = Catalog(where)
    catalog.add_source("docs")
    yield catalog
    catalog.close()


def test_documents_come_back_as_they_were(catalog: Catalog) -> None:
    assert catalog.replace_documents([document("v1")]) == set()
    [info] = catalog.documents()
    assert (info.version, info.path, info.title, info.chunk_count) == ("v1", "a.md", "Guide", 1)
    assert catalog.chunks("v1") == [CHUNK]
    assert catalog.text("v1") == "text"
    state = catalog.file_states(1)["a.md"]
    assert (state.versions, state.size, state.mtime_ns) == (("v1",), 4, 17)
    assert catalog.stored("v1") == replace(document("v1"), file="a.md")
    assert catalog.counts() == (1, 1)


def test_documents_are_found_by_their_names(catalog: Catalog) -> None:
    catalog.replace_documents(
        [
            replace(document("v1", "b.md"), title="Größe"),
            replace(document("v2", "a.md"), title="GRÖSSE"),
            document("v3", "c.md"),
        ]
    )
    assert [one.path for one in catalog.named(title="größe")] == ["a.md", "b.md"]
    assert [one.path for one in catalog.named(path="c.md")] == ["c.md"]
    assert [one.path for one in catalog.named()] == ["a.md", "b.md", "c.md"]
    assert catalog.named(title="Guide", path="a.md") == []
    assert catalog.named(path="C.md") == []


def test_a_new_version_takes_the_place_of_the_old(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1"), document("v2", "b.md")])
    assert catalog.replace_documents([document("v3")], {"v2"}) == {"v1", "v2"}
    assert catalog.versions() == {"v3"}
    assert catalog.chunks("v1") == [] and catalog.text("v2") == ""
    assert catalog.replace_documents([document("v3", text="again")]) == set()
    assert catalog.text("v3") == "again"


def test_a_replaced_version_is_found_while_its_text_lives_on(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1")])
    catalog.replace_documents([document("v2")])
    catalog.replace_documents([replace(document("v3", "moved.md"), before="v2")])
    for version in ("v1", "v2", "v3"):
        info = catalog.document(version)
        assert info is not None and (info.version, info.path) == ("v3", "moved.md")
        assert catalog.text(version, 1, 3) == "ex"
    catalog.replace_documents([document("v4", "moved.md", "other")])
    assert catalog.document("v1") is None and catalog.text("v2") == ""


def test_documents_that_stay_get_other_places(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1"), document("v2", "b.md")])
    moved = replace(document("v1", "new.zip!/b.md"), file="new.zip", mtime_ns=18, recipe="r")
    assert catalog.replace_documents([], kept=[moved]) == set()
    assert catalog.stored("v1") == moved
    assert catalog.versions_of(1, "new.zip") == {"new.zip!/b.md": "v1"}
    in_the_way = replace(document("v1", "b.md"), file="b.md")
    assert catalog.replace_documents([], kept=[in_the_way]) == {"v2"}
    assert catalog.versions() == {"v1"}


def test_failures_are_remembered_until_they_are_none(catalog: Catalog) -> None:
    failed = FailedFile(1, "a.zip", 9, 17, "00", "r", (("a", "broken"), ("b", "worse")))
    catalog.replace_documents([], failed=[failed])
    assert catalog.failed_files(1) == {"a.zip": failed}
    catalog.touch([(1, "a.zip", "00", 99, "2026-01-01T00:00:00Z"), (1, "a.zip", "11", 98, "")])
    assert catalog.failed_files(1)["a.zip"].mtime_ns == 99
    catalog.put_failures([replace(failed, reasons=())])
    assert catalog.failed_files(1) == {}


def test_texts_are_known_in_two_places_at_most(catalog: Catalog) -> None:
    text = digest("a text")
    catalog.replace_documents([document(f"v{number}", f"{number}.md") for number in range(3)])
    places = [(f"v{number}", 0, 0) for number in range(3)]
    catalog.put_places([(text, place) for place in (*places, places[0])])
    assert catalog.places([text, digest("another")]) == {text: places[:2]}
    catalog.replace_documents([], {"v0"})
    assert catalog.places([text]) == {text: [places[1]]}
    catalog.put_places([(digest("left over"), ("gone", 0, 0))])
    catalog.sweep_places()
    assert catalog.places([text, digest("left over")]) == {text: [places[1]]}


def test_a_failing_replacement_changes_nothing(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1")])
    broken = replace(document("v3", "c.md"), text="\ud800")
    with pytest.raises(UnicodeEncodeError):
        catalog.replace_documents([document("v2"), broken], remember={"index": "2"})
    assert catalog.versions() == {"v1"}
    assert catalog.fact("index") is None


def test_everything_can_be_replaced_at_once(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1"), document("v2", "b.md")])
    gone = catalog.replace_documents(
        iter([document("v3")]), everything=True, remember={"index": "2"}
    )
    assert gone == {"v1", "v2"}
    assert catalog.versions() == {"v3"}
    assert catalog.fact("index") == "2"


def test_sources_take_their_documents_with_them(catalog: Catalog) -> None:
    other = catalog.add_source("other")
    assert catalog.add_source("other") == other
    catalog.replace_documents([document("v1"), document("v2", source=other.id)])
    assert catalog.remove_source(other.id) == {"v2"}
    assert catalog.versions() == {"v1"}
    assert [source.path for source in catalog.sources()] == ["docs"]


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_slice_of_any_text(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    catalog = Catalog(tmp_path_factory.mktemp("catalog") / "c.sqlite")
    catalog.add_source("docs")
    unit = data.draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
    text = (unit * (2 * PART // len(unit) + 1))[: data.draw(st.integers(0, 2 * PART + 5))]
    catalog.replace_documents([document("v1", text=text)])
    borders = st.one_of(st.integers(0, len(text)), st.sampled_from([PART - 1, PART, PART + 1]))
    for _ in range(5):
        start, end = sorted((data.draw(borders), data.draw(borders)))
        assert catalog.text("v1", start, end) == text[start:end]
    assert catalog.text("v1") == text
    catalog.close()


def test_found_chunks_are_live_ones_with_their_text(catalog: Catalog) -> None:
    catalog.replace_documents([document("v1"), document("v2", "b.md", "other text")])
    with catalog.find({"v1", "v2", "gone"}) as found:
        assert found.live.keys() == {"v1", "v2"}
        assert found.chunk(("v2", 0)).document.path == "b.md"
        assert found.chunk(("v2", 0)).chunk == CHUNK
        catalog.replace_documents([], {"v2"})
        assert found.text("v2", 0, 5) == "other", "a lookup sees one moment"
    with catalog.find({"v2"}) as found:
        assert found.live == {}


def test_who_mentions_a_word_is_told_by_text_and_path(catalog: Catalog) -> None:
    catalog.replace_documents(
        [
            document("v1", "a.md", "Of the KELP company."),
            document("v2", "kelp/b.md", "other text"),
            document("v3", "c.md", "100%_sure"),
            document("v4", "d.md", "100 sure"),
        ]
    )
    with catalog.find({"v1", "v2", "v3", "v4"}) as found:
        assert found.mentioning("kelp") == {"v1", "v2"}
        assert found.mentioning("%_") == {"v3"}, "no wildcard of SQL"
        assert found.mentioning("nowhere") == set()
    with catalog.find({"v1"}) as found:
        assert found.mentioning("kelp") == {"v1"}, "only among what was asked for"


def test_readers_and_writers_at_once(catalog: Catalog, where: str | Path) -> None:
    catalog.replace_documents([document("v0")])
    done = threading.Event()
    faults: list[object] = []

    def read() -> None:
        other = Catalog(where)
        while not done.is_set():
            if len(other.versions()) != 1 or other.counts() != (1, 1):
                faults.append("a half-made change was seen")
        other.close()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        catalog.replace_documents([document(f"v{number}")])
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_locked_catalog_is_named(where: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundtone.catalog.connecting.BUSY_MS", 50)
    holder, waiting = Catalog(where), Catalog(where)
    with holder.write(), pytest.raises(Busy, match="Wait"):
        waiting.remember("a", "b")
    waiting.remember("a", "b")
    holder.close()
    waiting.close()


def test_what_is_no_catalog_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(GroundtoneError, match="groundtone sync"):
        Catalog(tmp_path / "catalog.sqlite")


def test_a_catalog_of_another_schema_is_left_alone(catalog: Catalog, where: str | Path) -> None:
    catalog.remember("schema", "99")
    with pytest.raises(GroundtoneError, match="99"):
        Catalog(where)
