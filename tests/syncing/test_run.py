from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder
from tests.syncing import hostile
from tests.syncing.place import Place

from groundtone import documents
from groundtone.errors import Busy, EmbeddingMismatch, GroundtoneError, WrongUse
from groundtone.index.filters import Filter
from groundtone.settings import Settings
from groundtone.syncing import forget
from groundtone.syncing.guarding import alone

GUIDE = "# Guide\n\nOpen the door with the blue key.\n\n## Windows\n\nThey stay shut.\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb")
    yield place
    place.close()


def counts(report: object) -> tuple[int, ...]:
    return tuple(getattr(report, name) for name in ("added", "updated", "deleted", "unchanged"))


def test_a_folder_is_followed(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.write("sub/notes.txt", "Water the plants on Monday.")
    report = place.sync()
    assert counts(report) == (2, 0, 0, 0)
    assert report.windows == 3 and report.chunks == 3 and report.failed == []
    assert place.contents() == {
        "guide.md": GUIDE,
        "sub/notes.txt": "Water the plants on Monday.",
    }
    place.check()

    place.write("guide.md", GUIDE.replace("blue", "red"), age=50)
    place.write("new.md", "# New\n\nSomething else.", age=50)
    (place.docs / "sub/notes.txt").unlink()
    assert counts(place.sync()) == (1, 1, 1, 0)
    assert "red key" in place.contents()["guide.md"]
    assert set(place.contents()) == {"guide.md", "new.md"}
    place.check()


def test_nothing_is_opened_when_nothing_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        place.write(f"{number}.md", GUIDE)
    place.sync()
    place.close()
    again = Place(place.root)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("a file was opened"))
    monkeypatch.setattr(again.indexes, "current", lambda _: pytest.fail("the index was opened"))
    monkeypatch.setattr(again, "embedder", lambda: pytest.fail("the model was opened"))
    assert counts(again.sync()) == (0, 0, 0, 5)


def test_an_index_that_was_removed_is_built_again(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.close()
    shutil.rmtree(place.state / "index")
    again = Place(place.root)
    assert counts(again.sync()) == (0, 1, 0, 0)
    again.check()
    again.close()


def test_the_same_bytes_with_a_new_time_are_unchanged(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.write("guide.md", GUIDE, age=10)
    assert counts(place.sync()) == (0, 0, 0, 1)
    assert place.embedder.embedded == 2


def test_a_change_within_the_clock_is_not_missed(place: Place) -> None:
    # Its time lies ahead, so that it stays fresh however slow this machine is.
    path = place.write("guide.md", GUIDE, age=-600)
    place.sync()
    status = path.stat()
    path.write_text(GUIDE.replace("blue", "pink"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert counts(place.sync()) == (0, 1, 0, 0)
    assert "pink" in place.contents()["guide.md"]


def test_bad_files_are_named_and_the_rest_goes_on(place: Place) -> None:
    place.write("good.md", GUIDE)
    place.write("empty.md", "")
    place.write("binary.txt", bytes(range(256)) * 20)
    place.write("cut.pdf", b"%PDF-1.7\nnothing more")
    place.write("picture.png", b"\x89PNG")
    (place.docs / "lost.md").symlink_to(place.docs / "nowhere.md")
    report = place.sync()
    assert report.added == 1
    assert [name for name, _ in report.failed] == ["binary.txt", "cut.pdf", "empty.md", "lost.md"]
    assert all(reason for _, reason in report.failed)
    assert any(".png 1" in note for note in report.notes)
    place.check()


def test_odd_names_pipes_and_loops(place: Place) -> None:
    odd = "a\nnew line, a \ttab & ünïcode \U0001f511.md"
    place.write(odd, GUIDE)
    place.write("!/part!/name.md", GUIDE)
    (place.docs / os.fsdecode(b"bad \xff\xfe.md")).write_text(GUIDE)
    os.mkfifo(place.docs / "pipe.md")
    (place.docs / "null.md").symlink_to("/dev/null")
    (place.docs / "sub").mkdir()
    (place.docs / "sub/loop").symlink_to(place.docs)
    (place.docs / "self.md").symlink_to(place.docs / "self.md")
    report = place.sync()
    assert report.added == 2
    assert set(place.contents()) == {odd, "!/part!/name.md"}
    reasons = dict(report.failed)
    assert reasons.keys() == {"bad \ufffd\ufffd.md", "pipe.md", "null.md", "self.md"}
    assert reasons["pipe.md"] == reasons["null.md"] == "not a regular file"
    assert counts(place.sync()) == (0, 0, 0, 2)
    place.check()


def test_a_folder_stands_where_a_container_has_a_part(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "read_all", hostile.read_all)
    place.write("mail.eml", "parts\n: Letter.\na.txt: Inside.\n")
    place.write("mail.eml!/a.txt", "A file of its own.\n")
    for _ in range(2):
        place.sync()
        assert set(place.contents()) == {"mail.eml", "mail.eml!/a.txt"}
        place.check()


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb", settings=Settings(sync={"max_bytes": 1000}))
    place.write("large.md", "word " * 1000)
    report = place.sync()
    assert [name for name, _ in report.failed] == ["large.md"]


def test_a_file_that_became_unreadable_keeps_its_last_good_version(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.write("guide.md", "", age=50)
    report = place.sync()
    assert counts(report) == (0, 0, 0, 0)
    [(name, reason)] = report.failed
    assert name == "guide.md" and "kept the last good version" in reason
    assert place.contents() == {"guide.md": GUIDE}
    place.check()


def test_a_file_that_changes_while_it_is_read_fails_and_is_taken_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.write("guide.md", f"grow\n\n{GUIDE}")
    with monkeypatch.context() as patch:
        patch.setattr(documents, "read_all", hostile.read_all)
        report = place.sync()
    assert report.added == 0 and "while it is read" in report.failed[0][1]
    os.utime(path, (1e9, 1e9))
    assert counts(place.sync()) == (1, 0, 0, 0)


def test_a_folder_that_cannot_be_looked_at_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("sub/guide.md", GUIDE)
    place.write("other.md", GUIDE)
    place.sync()
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = place.sync()
    assert report.deleted == 0 and report.failed[0][0] == "sub"
    assert set(place.contents()) == {"sub/guide.md", "other.md"}


def test_a_source_that_vanished_keeps_its_documents(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.docs.rename(place.root / "elsewhere")
    report = place.sync([])
    assert report.deleted == 0 and "gone" in report.failed[0][1]
    assert set(place.contents()) == {"guide.md"}
    with pytest.raises(WrongUse, match="There is no"):
        place.sync()


def test_several_sources_and_single_files(place: Place, tmp_path: Path) -> None:
    place.write("guide.md", GUIDE)
    single = tmp_path / "single.md"
    single.write_text("# Single\n\nAlone.")
    assert counts(place.sync([place.docs, single])) == (2, 0, 0, 0)
    assert counts(place.sync([])) == (0, 0, 0, 2)
    single.write_text("# Single\n\nNo longer alone.")
    assert counts(place.sync([])) == (0, 1, 0, 1)
    removed = forget(
        single,
        state=place.state,
        catalog=place.catalog,
        indexes=place.indexes,
        dimensions=lambda: 24,
    )
    assert removed == 1 and set(place.contents()) == {"guide.md"}
    place.check()


def test_a_folder_inside_a_known_source_is_not_indexed_twice(place: Place) -> None:
    place.write("sub/guide.md", GUIDE)
    place.sync(place.docs / "sub")
    embedded = place.embedder.embedded
    report = place.sync()
    assert place.embedder.embedded == embedded, "what is known is not embedded again"
    assert counts(report) == (0, 0, 0, 1)
    assert set(place.contents()) == {"sub/guide.md"}
    assert any("now part of" in note for note in report.notes)
    place.sync(place.docs / "sub")
    assert set(place.contents()) == {"sub/guide.md"}
    place.check()


def test_a_moved_workspace_still_knows_its_files(place: Place, tmp_path: Path) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.close()
    place.root.rename(tmp_path / "moved")
    moved = Place(tmp_path / "moved")
    assert counts(moved.sync([])) == (0, 0, 0, 1)
    moved.close()


def test_without_any_source_it_says_what_to_do(place: Place) -> None:
    with pytest.raises(WrongUse, match="groundtone sync FOLDER"):
        place.sync([])


def test_two_syncs_at_once(place: Place) -> None:
    place.write("guide.md", GUIDE)
    with alone(place.state, place.catalog), pytest.raises(Busy, match="Wait"):
        place.sync()
    assert place.sync().added == 1


def test_a_full_disk_is_named_and_nothing_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("guide.md", GUIDE)
    place.sync()
    place.write("new.md", GUIDE)
    index = place.indexes.current(24)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index, "add", full)
        with pytest.raises(GroundtoneError, match="disk is full"):
            place.sync()
    assert set(place.contents()) == {"guide.md"}
    assert counts(place.sync()) == (1, 0, 0, 1)
    place.check()


def test_windows_that_the_index_lost_are_made_again(place: Place) -> None:
    place.write("guide.md", GUIDE)
    place.write("other.md", "# Other\n\nText.")
    place.sync()
    lost = next(d.version for d in place.catalog.documents() if d.path == "guide.md")
    place.indexes.current(24).delete({lost})
    place.write("new.md", "# New\n\nSomething to do.")
    assert counts(place.sync()) == (1, 1, 0, 1)
    place.check()


def test_another_embedding_model_asks_for_a_rebuild(place: Place, tmp_path: Path) -> None:
    place.write("guide.md", GUIDE)
    broken = place.write("broken.md", "# Broken\n\nStill good here.")
    place.sync()
    place.close()
    broken.write_bytes(b"")
    other = Place(place.root, embedder=SmallEmbedder(32, "other"))
    with pytest.raises(EmbeddingMismatch, match="sync --rebuild"):
        other.sync()
    report = other.sync(rebuild=True)
    assert other.catalog.fact("embedding") == "other@32"
    assert set(other.contents()) == {"guide.md", "broken.md"}
    assert "kept the last good version" in report.failed[0][1]
    other.check()
    assert counts(other.sync()) == (0, 0, 0, 1)
    assert len(list((place.state / "index").iterdir())) == 1
    other.close()


def test_an_empty_workspace_may_change_its_model(place: Place) -> None:
    path = place.write("guide.md", GUIDE)
    place.sync()
    path.unlink()
    place.sync()
    place.close()
    path.write_text(GUIDE)
    other = Place(place.root, embedder=SmallEmbedder(32, "other"))
    assert other.sync().added == 1
    other.check()
    other.close()


def test_a_rebuild_follows_deletions_and_can_mend_an_index(place: Place) -> None:
    place.write("guide.md", GUIDE)
    gone = place.write("gone.md", GUIDE)
    place.sync()
    gone.unlink()
    place.close()
    for file in (place.state / "index").rglob("*.manifest"):
        file.write_bytes(b"broken")
    with pytest.raises(GroundtoneError, match="--rebuild"):
        place.sync()
    report = place.sync(rebuild=True)
    assert report.deleted == 1 and set(place.contents()) == {"guide.md"}
    place.check()


def test_a_long_document_is_embedded_in_parts(place: Place) -> None:
    text = "\n\n".join(
        f"## Part {number}\n\nSentence {number} about thing {number * 7}." for number in range(700)
    )
    place.write("long.md", f"# Long\n\n{text}\n")
    seen: list[tuple[int, int, int]] = []
    report = place.sync(progress=lambda step: seen.append((step.done, step.total, step.windows)))
    assert report.windows == 700
    assert seen[0] == (0, 1, 0) and seen[-1] == (1, 1, 700)
    steps = [windows for _, _, windows in seen]
    assert max(b - a for a, b in itertools.pairwise(steps)) == 64
    assert all(done == 0 for done, _, windows in seen if windows < 700)
    place.check()


def test_thousands_of_files_are_quick(place: Place) -> None:
    for number in range(2000):
        place.write(f"{number % 10}/{number}.txt", f"File number {number % 700}.")
    report = place.sync()
    assert (report.added, place.embedder.embedded) == (2000, 2000), "their titles differ"
    started = time.process_time()
    assert place.sync().unchanged == 2000
    assert place.sync(dry_run=True).unchanged == 2000
    assert time.process_time() - started < 10
    for folder in range(10):
        (place.docs / str(folder)).rename(place.docs / f"new {folder}")
    report = place.sync()
    assert (report.moved, report.embedded) == (2000, 0)
    place.check()


def test_a_source_that_is_taken_in_gets_other_labels(place: Place) -> None:
    place.write("sub/guide.md", GUIDE)
    place.sync(place.docs / "sub")
    place.sync()
    index = place.indexes.current(24)
    vector = place.embedder.embed(["key"])[0]
    for path, found in (("sub/guide.md", 2), ("sub", 2), ("guide.md", 0)):
        assert len(index.dense(vector, 9, Filter((frozenset({f"path={path}"}),)))) == found
