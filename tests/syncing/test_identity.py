"""Documents keep who they are, and nothing is embedded twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.syncing import hostile
from tests.syncing.place import Place

from groundtone import documents
from groundtone.settings import Settings
from groundtone.settings.documents import Attributes
from groundtone.syncing import Change, rebuilding, recipe
from groundtone.syncing.remembering import PLACES_UNKNOWN

GUIDE = "# Guide\n\nOpen the door with the blue key.\n\n## Windows\n\nThey stay shut.\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb")
    yield place
    place.close()


def counts(report: object) -> tuple[int, ...]:
    names = ("added", "updated", "moved", "deleted", "unchanged")
    return tuple(getattr(report, name) for name in names)


def versions(place: Place) -> dict[str, str]:
    return {info.path: info.version for info in place.catalog.documents()}


def labels(place: Place, version: str) -> set[str]:
    """Paths that a search can be limited to and still find a document."""
    from groundtone.index.filters import Filter

    index = place.indexes.current(place.embedder.dimensions)
    vector = place.embedder.embed(["anything"])[0]
    asked = ("old", "new", "new/guide.md", "old/guide.md")
    return {
        path
        for path in asked
        for hit in index.dense(vector, 50, Filter((frozenset({f"path={path}"}),)))
        if hit.version == version
    }


def test_a_moved_file_keeps_its_identity(place: Place) -> None:
    place.write("old/guide.md", GUIDE)
    place.write("old/other.md", "# Other\n\nText.")
    place.sync()
    before, embedded = versions(place)["old/guide.md"], place.embedder.embedded
    (place.docs / "old").rename(place.docs / "new")
    report = place.sync()
    assert counts(report) == (0, 0, 2, 0, 0)
    assert report.changes[0] == Change("moved", "new/guide.md", "old/guide.md")
    assert versions(place)["new/guide.md"] == before
    assert place.embedder.embedded == embedded
    assert labels(place, before) == {"new", "new/guide.md"}
    place.check()
    # What comes where it was is somebody else, though it says the same.
    place.write("old/guide.md", GUIDE)
    assert counts(place.sync()) == (1, 0, 0, 0, 2)
    assert versions(place)["new/guide.md"] == before != versions(place)["old/guide.md"]
    place.check()


def test_a_renamed_file_is_read_again_and_known_by_its_old_version(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.write("minutes.txt", "We met and spoke.\n")  # its title is its name
    place.sync()
    before, embedded = versions(place), place.embedder.embedded
    (place.docs / "guide.md").rename(place.docs / "manual.md")
    (place.docs / "minutes.txt").rename(place.docs / "march.txt")
    report = place.sync()
    assert counts(report) == (0, 0, 2, 0, 0)
    assert versions(place)["manual.md"] == before["guide.md"]
    assert place.embedder.embedded == embedded + 1, "only the window with the new title"
    now = place.catalog.document(before["minutes.txt"])
    assert now is not None and (now.path, now.title) == ("march.txt", "march")
    assert place.catalog.text(before["minutes.txt"], 0, 6) == "We met"
    place.check()


def test_a_file_moved_between_sources(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    place.write("guide.md", GUIDE)
    place.sync([place.docs, other])
    before = versions(place)["guide.md"]
    (place.docs / "guide.md").rename(other / "guide.md")
    assert counts(place.sync([])) == (0, 0, 1, 0, 0)
    [info] = place.catalog.documents()
    assert (info.version, info.source) == (before, 2)
    place.check()


def test_identical_files_are_embedded_once_and_cited_each(place: Place) -> None:
    for name in ("a.md", "b.md", "sub/c.md"):
        place.write(name, GUIDE)
    report = place.sync()
    assert counts(report) == (3, 0, 0, 0, 0)
    assert (report.windows, report.embedded, place.embedder.embedded) == (6, 2, 2)
    index = place.indexes.current(24)
    hits = index.dense(place.embedder.embed(["blue key door"])[0], 3)
    assert {hit.version for hit in hits} == set(versions(place).values())
    assert len({round(hit.score, 6) for hit in hits}) == 1
    place.check()


def test_a_changed_file_embeds_only_its_changed_chunks(place: Place) -> None:
    parts = [f"## Part {n}\n\nSentence {n} about thing {n * 7}.\n\n" for n in range(40)]
    place.write("long.md", "# Long\n\n" + "".join(parts))
    place.sync()
    parts[20] = "## Part 20\n\nQuite another sentence.\n\n"
    del parts[3]
    place.write("long.md", "# Long\n\n" + "".join(parts), age=50)
    report = place.sync()
    assert counts(report) == (0, 1, 0, 0, 0)
    assert (report.windows, report.embedded) == (39, 1)
    # And again, from what the second sync stored.
    place.write("long.md", "# Long\n\n" + "".join(parts[::-1]), age=40)
    assert place.sync().embedded == 0
    place.check()


def test_a_rebuild_embeds_again_but_each_text_once(place: Place) -> None:
    place.write("a.md", GUIDE)
    place.write("b.md", GUIDE)
    place.sync()
    before = versions(place)
    report = place.sync(rebuild=True)
    assert (report.windows, report.embedded) == (4, 2)
    assert versions(place) == before, "the same content in the same place has the same version"
    place.check()


def test_after_a_rebuild_only_new_text_is_embedded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("guide.md", GUIDE)
    place.write("twin.md", GUIDE)
    place.sync()
    # All get new versions: what was known of the texts was of those before.
    place.settings = Settings(attributes=(Attributes(path="*", team="support"),))
    place.sync(rebuild=True)
    place.settings = Settings(attributes=(Attributes(path="*", team="sales"),))
    assert (report := place.sync()).updated == 2 and report.embedded == 0
    place.sync(rebuild=True)
    place.write("guide.md", GUIDE.replace("shut", "open"), age=50)
    assert (report := place.sync()).windows == 2 and report.embedded == 1
    assert PLACES_UNKNOWN not in place.catalog.facts()
    # Killed before that is noted, it is noted by the next sync that changes anything.
    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "learn_places", lambda _: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            place.sync(rebuild=True)
    place.write("twin.md", GUIDE.replace("shut", "wide"), age=50)
    assert place.sync().embedded == 1
    place.check()


def test_other_sizes_of_chunks_are_noticed(place: Place) -> None:
    text = "".join(f"## Part {n}\n\n{'word ' * 200}{n}.\n\n" for n in range(3))
    place.write("long.md", f"# Long\n\n{text}")
    place.write("guide.md", GUIDE)
    place.sync()
    before, embedded = versions(place), place.embedder.embedded
    place.settings = Settings(chunking={"window_tokens": 64})
    report = place.sync()
    assert counts(report) == (0, 1, 0, 0, 1)
    again = "2 file(s) are read again after a change of [chunking]; only new text is embedded"
    assert report.notes == [again]
    assert versions(place)["guide.md"] == before["guide.md"]
    assert place.catalog.text(before["long.md"], 2, 6) == "Long", "old answers can still be shown"
    assert place.embedder.embedded > embedded
    assert counts(place.sync()) == (0, 0, 0, 0, 2)
    place.check()


def test_new_readers_read_again_and_embed_only_new_text(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    embedded = place.embedder.embedded
    monkeypatch.setattr(recipe, "READERS", recipe.READERS + 1)
    assert counts(place.sync()) == (0, 0, 0, 0, 1)
    monkeypatch.setattr(recipe, "LABELS", recipe.LABELS + 1)
    assert counts(place.sync()) == (0, 1, 0, 0, 0)
    assert place.embedder.embedded == embedded
    place.check()


def test_several_documents_in_a_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "read_all", hostile.read_all)
    mail = "parts\n: Dear all, see below.\na.txt: First enclosure.\nb.txt: Second.\n"
    place.write("mail.eml", f"{mail}bad.pdf!\n")
    report = place.sync()
    assert counts(report) == (1, 0, 0, 0, 0)
    assert report.failed == [("mail.eml!/bad.pdf", "it is broken")]
    assert set(place.contents()) == {"mail.eml", "mail.eml!/a.txt", "mail.eml!/b.txt"}
    before = versions(place)
    again = place.sync()
    assert (counts(again), again.failed) == ((0, 0, 0, 0, 1), report.failed)

    place.write("mail.eml", mail.replace("Second", "Other") + "c.txt: Third.\n", age=50)
    report = place.sync()
    assert (counts(report), report.failed, report.embedded) == ((0, 1, 0, 0, 0), [], 2)
    now = versions(place)
    assert now.keys() == {"mail.eml", *(f"mail.eml!/{name}.txt" for name in "abc")}
    assert {path for path in now if now[path] == before.get(path)} == {
        "mail.eml",
        "mail.eml!/a.txt",
    }
    place.check()

    # A part that fails keeps its last good version; one that is no more is no more.
    place.write("mail.eml", "parts\n: Dear all, see below.\na.txt!\n", age=40)
    report = place.sync()
    [(name, reason)] = report.failed
    assert name == "mail.eml!/a.txt" and reason.endswith("kept the last good version")
    assert versions(place) == {path: now[path] for path in ("mail.eml", "mail.eml!/a.txt")}

    (place.docs / "mail.eml").rename(place.docs / "letter.eml")
    place.sync()
    assert set(place.contents()) == {"letter.eml", "letter.eml!/a.txt"}
    (place.docs / "letter.eml").unlink()
    assert counts(place.sync()) == (0, 0, 0, 1, 0)
    assert place.contents() == {}
    place.check()


def test_a_dry_run_reads_nothing_and_touches_nothing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("same.md", "edited.md", "gone.md", "old/moved.md"):
        place.write(name, f"# {name}\n\n{GUIDE}")
    place.sync()
    place.write("edited.md", f"{GUIDE}More.\n", age=50)
    place.write("new.md", GUIDE)
    (place.docs / "gone.md").unlink()
    (place.docs / "old").rename(place.docs / "fresh")
    before = [_snapshot(place.root), versions(place), place.catalog.facts()]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("a file was opened"))
        report = place.sync(dry_run=True)
        beside = place.sync(tmp_path / "kb", dry_run=True)
    assert [_snapshot(place.root), versions(place), place.catalog.facts()] == before
    assert report.dry_run and counts(report) == (1, 1, 1, 1, 1)
    assert report.changes == [
        Change("updated", "edited.md"),
        Change("moved", "fresh/moved.md", "old/moved.md"),
        Change("deleted", "gone.md"),
        Change("added", "new.md"),
    ]
    assert counts(beside) == (1, 1, 1, 1, 1)
    assert counts(place.sync(rebuild=True, dry_run=True)) == (1, 2, 1, 1, 0)
    done = place.sync()
    assert (counts(done), done.changes) == (counts(report), report.changes)


def _snapshot(root: Path) -> dict[str, tuple[int, int]]:
    found = (path.stat() for path in sorted(root.rglob("*")) if "db" not in path.name)
    names = [str(path) for path in sorted(root.rglob("*")) if "db" not in path.name]
    return {
        name: (status.st_size, status.st_mtime_ns)
        for name, status in zip(names, found, strict=True)
        if "catalog" not in name
    }


def test_times_beyond_what_a_database_holds(place: Place) -> None:
    path = place.write("guide.md", GUIDE)
    os.utime(path, ns=(0, 2**63 + 10**9 if _takes(path, 2**63 + 10**9) else 2**62))
    assert place.sync().added == 1
    assert place.sync().unchanged == 1
    assert place.embedder.embedded == 2


def _takes(path: Path, mtime_ns: int) -> bool:
    try:
        os.utime(path, ns=(0, mtime_ns))
    except (OSError, OverflowError):
        return False
    return path.stat().st_mtime_ns == mtime_ns


def test_what_a_killed_sync_left_is_used_and_then_swept(place: Place) -> None:
    """As if killed after a part of a document's windows had been stored, and some that the
    reader does not find this time."""
    place.write("guide.md", GUIDE)
    place.sync()
    index = place.indexes.current(24)
    [document] = map(place.catalog.stored, versions(place).values())
    assert document is not None
    ids = [f"{document.version}:{chunk:06}:000000" for chunk in range(2)]
    vectors = index.vectors(ids)
    place.catalog.replace_documents([], {document.version})
    from groundtone.catalog.windows import digest
    from groundtone.index import Entry

    texts = [chunk.embedded(document.text, 0) for chunk in document.chunks]
    for version, chunk in ((document.version, 0), (document.version, 7), ("other", 1)):
        vector = vectors[ids[chunk % 2]]
        window = f"{version}:{chunk:06}:000000"
        index.add([Entry(window, version, chunk, 0, texts[chunk % 2], vector)])
        place.catalog.put_places([(digest(texts[chunk % 2]), (version, chunk, 0))])
    place.catalog.forget("synced")
    embedded = place.embedder.embedded
    assert counts(place.sync()) == (1, 0, 0, 0, 0)
    assert place.embedder.embedded == embedded
    assert versions(place) == {"guide.md": document.version}
    assert place.catalog.stored(document.version) == replace(document, file="guide.md")
    place.check()
    assert place.catalog.places([digest(text) for text in texts]).keys() == {
        digest(text) for text in texts
    }
