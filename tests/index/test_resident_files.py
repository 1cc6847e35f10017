"""A table in memory is the same wherever it came from: read, mapped, updated, written in turn."""

from __future__ import annotations

import errno
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundtone.index import Entry, Hit, resident, resident_files, segment, window_id
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.lance import LanceIndex
from groundtone.index.lance_snapshot import LanceSnapshot

DIMENSIONS = 256  # more than the directions of the scan
ROWS = 1_200
WORDS = [f"w{number}" for number in range(80)]
Hits = list[list[Hit]]


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident, "MOST_ROWS", 500)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table on disk, which nobody has searched yet."""
    path = tmp_path_factory.mktemp("made") / "index"
    index = LanceIndex(path, DIMENSIONS)
    index.add([entry(number) for number in range(ROWS)])
    index.optimise()
    index.close()
    return path


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "index"))


def entry(number: int, edition: int = 0) -> Entry:
    random = np.random.default_rng([number, edition])
    vector = random.normal(size=DIMENSIONS).astype(np.float32)
    text = " ".join(random.choice(WORDS, size=20)) + f" only{number} edition{edition}"
    labels = (f"group={number % 3}",)
    id = window_id(f"v{number}", 0, 0)
    return Entry(id, f"v{number}", 0, 0, text, vector / np.linalg.norm(vector), labels, number)


def opened(path: Path, **keep: Any) -> LanceIndex:
    """It keeps the table in memory, by the time this returns."""
    index = LanceIndex(path, DIMENSIONS, keep={"first_searches": 0, "rows": (1, 10_000), **keep})
    loaded(index)
    return index


def loaded(index: LanceIndex) -> None:
    index._resident.held()
    index._resident.wait()
    assert index._resident.held() is not None


def answers(index: LanceIndex) -> Hits:
    found = []
    for seed in range(12):
        question = entry(10_000 + seed)
        where = Filter((frozenset({"group=1"}),), since=seed) if seed % 3 == 0 else EVERYTHING
        found.append(index.dense(question.vector, 20, where))
        found.append(index.lexical(question.text, 20, where, near=question.vector))
    return found


def kept(path: Path) -> list[str]:
    return sorted(p.name for p in (path / resident_files.FOLDER).iterdir() if p.name != "lock")


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows were read from the table since."""
    read: list[int] = []
    plain = LanceSnapshot.read

    def counted(self: LanceSnapshot, numbers: Any) -> Any:
        read.append(len(numbers))
        return plain(self, numbers)

    monkeypatch.setattr(LanceSnapshot, "read", counted)
    yield read


def test_from_files_every_answer_is_the_same(folder: Path, no_reading: list[int]) -> None:
    alone = opened(folder, files=None)
    wanted = answers(alone)
    assert not (folder / resident_files.FOLDER).exists()
    first = opened(folder)
    assert answers(first) == wanted
    [name] = kept(folder)
    no_reading.clear()
    second = opened(folder)
    assert answers(second) == wanted
    assert no_reading == [] and kept(folder) == [name]
    held = second._resident._held
    assert held is not None and len(held.segments) == 3
    assert not held.segments[0].steps.flags.writeable  # mapped
    for index in (alone, first, second):
        index.close()


def test_it_is_updated_alike_wherever_it_came_from(folder: Path, no_reading: list[int]) -> None:
    """One never saw files, one wrote them, one maps them; then the table changes, a little."""
    opened(folder).close()
    alone, mapped = opened(folder, files=None), opened(folder)
    files = kept(folder)
    writer = LanceIndex(folder, DIMENSIONS)
    writer.delete({"v3", "v700"})
    writer.add([entry(5, edition=1), entry(ROWS + 1)])
    for index in (alone, mapped):
        no_reading.clear()
        loaded(index)
        assert sum(no_reading) == 2
    assert answers(alone) == answers(mapped)
    assert "v3" not in {hit.version for hit in mapped.lexical("only3 w1", 1_000)}
    assert [hit.version for hit in mapped.lexical("edition1", 5)] == ["v5"]
    assert kept(folder) == files  # so little is not written anew
    no_reading.clear()
    late = opened(folder)  # what changed since it was written is read
    assert sum(no_reading) == 2
    assert answers(late) == answers(alone)
    for index in (alone, mapped, writer, late):
        index.close()


def test_files_are_replaced_when_much_has_changed(folder: Path, no_reading: list[int]) -> None:
    alone, mapped = opened(folder, files=None), opened(folder)
    [before] = kept(folder)
    writer = LanceIndex(folder, DIMENSIONS)
    writer.add([entry(number, edition=1) for number in range(0, ROWS, 10)])
    loaded(alone)
    loaded(mapped)
    [after] = kept(folder)
    assert after != before
    assert answers(mapped) == answers(alone)
    no_reading.clear()
    other = opened(folder)
    assert answers(other) == answers(alone) and no_reading == []
    writer.delete({f"v{number}" for number in range(1, ROWS, 10)})
    loaded(alone)
    loaded(other)
    assert answers(other) == answers(alone)
    for index in (alone, mapped, writer, other):
        index.close()


def test_of_two_at_once_one_reads_and_both_map(folder: Path, no_reading: list[int]) -> None:
    indexes = [
        LanceIndex(folder, DIMENSIONS, keep={"first_searches": 0, "rows": (1, 10_000)})
        for _ in range(3)
    ]
    threads = [threading.Thread(target=loaded, args=[index]) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # All rows once, after those that the directions of the scan are taken from.
    assert no_reading == [ROWS, 500, 500, 200]
    assert len(kept(folder)) == 1
    first, *others = map(answers, indexes)
    assert all(one == first for one in others)
    for index in indexes:
        index.close()


def test_where_nothing_can_be_written_it_stays_in_memory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = answers(opened(folder, files=None))
    (folder / resident_files.FOLDER).write_text("in the way")
    assert answers(opened(folder)) == wanted
    (folder / resident_files.FOLDER).unlink()

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    assert answers(opened(folder)) == wanted
    assert kept(folder) == []
    monkeypatch.undo()
    monkeypatch.setattr(resident, "MOST_ROWS", 500)

    plain, left = resident_files._write, 20  # of the 13 files of each segment

    def full(path: Path, array: np.ndarray) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(path, array)

    monkeypatch.setattr(resident_files, "_write", full)
    assert answers(opened(folder)) == wanted
    assert left < 0 and kept(folder) == []


def test_what_is_damaged_of_another_format_or_of_another_table_is_read_anew(
    folder: Path, made: Path, tmp_path: Path, no_reading: list[int]
) -> None:
    first = opened(folder)
    wanted = answers(first)
    [name] = kept(folder)
    place = folder / resident_files.FOLDER
    # Another table of the same number of versions.
    other = tmp_path / "other"
    index = LanceIndex(other, DIMENSIONS)
    index.add([entry(number, edition=7) for number in range(ROWS)])
    index.optimise()
    assert index._table.version == first._table.version
    shutil.copytree(place, other / resident_files.FOLDER)
    no_reading.clear()
    loaded(taken := opened(other))
    assert sum(no_reading) >= ROWS and answers(taken) != wanted
    assert kept(other) != [name]

    (place / name / "0" / "steps.npy").write_bytes(b"")
    no_reading.clear()
    assert answers(opened(folder)) == wanted
    assert sum(no_reading) >= ROWS and kept(folder) == [name]

    former = "0" + name[name.index("-") :]
    (place / name).rename(place / former)
    (place / "half.partial").mkdir()
    no_reading.clear()
    assert answers(opened(folder)) == wanted
    assert sum(no_reading) >= ROWS and kept(folder) == [name]


def test_a_table_that_is_not_kept_any_more_leaves_no_files(folder: Path) -> None:
    opened(folder).close()
    small = LanceIndex(folder, DIMENSIONS, keep={"first_searches": 0, "rows": (ROWS + 1, 10_000)})
    small._resident.held()
    small._resident.wait()
    assert kept(folder) == []
    small.close()


def test_many_callers_are_told_to_come(folder: Path, no_reading: list[int]) -> None:
    opened(folder).close()
    no_reading.clear()
    index = LanceIndex(folder, DIMENSIONS, keep={"rows": (1, 10_000)})
    index.warm()
    assert index._resident.held() is not None and no_reading == []
    index.close()


def test_kinds_come_back_as_they_were() -> None:
    kinds = segment.Kinds([(("a", "b"), 1), ((), 0)])
    again = segment.Kinds(kinds.all())
    assert again.passing(Filter((frozenset({"b"}),))).tolist() == [True, False]
