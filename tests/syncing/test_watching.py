"""Changes are told soon, whatever way; what changes nothing is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import watchfiles

from groundtone.syncing.watching import Watch


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / ".groundtone").mkdir()
    return tmp_path / "docs"


def watch(*sources: Path | str, recheck: float = 900) -> Watch:
    """A watch whose first look is over."""
    first = next(source for source in sources if isinstance(source, Path))
    made = Watch(sources, first.parent / ".groundtone", recheck)
    made.wait()
    return made


def due_after(
    made: Watch, act: Callable[[], object], patience: float = 60
) -> tuple[list[Path | str], float]:
    """What is due after something happens, and how long that took; [] if nothing is."""
    actor = threading.Timer(0.05, act)
    actor.start()
    began = time.perf_counter()
    found = made.wait(patience)
    actor.join()
    return found, time.perf_counter() - began - 0.05


@pytest.fixture(params=[True, False], ids=["told", "polled"])
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the system tells changes; else it says that its limit is reached."""
    if not request.param:

        def refuse(*_: object, **__: object) -> object:
            raise OSError("OS file watch limit reached.")

        monkeypatch.setattr(watchfiles, "watch", refuse)
    return bool(request.param)


def test_changes_are_due_within_two_seconds(docs: Path, told: bool) -> None:
    (docs / "a.md").write_text("text")
    made = watch(docs)
    assert made.told is told

    def new_folder() -> None:
        (docs / "x/y").mkdir(parents=True)
        (docs / "x/y/d.md").write_text("text")

    acts = [
        lambda: (docs / "sub/b.md").write_text("text"),
        (docs / "sub/b.md").unlink,
        lambda: (docs / "a.md").rename(docs / "sub/c.md"),
        new_folder,
    ]
    for act in acts if told else acts[:2]:
        due, took = due_after(made, act)
        assert due == [docs] and took < 30


def test_many_changes_are_told_together(docs: Path) -> None:
    made = watch(docs)

    def act() -> None:
        for number in range(50):
            (docs / f"{number}.md").write_text("text")
            time.sleep(0.005)

    due, took = due_after(made, act)
    assert due == [docs] and took < 30
    later = 0
    while made.wait(0.6):
        later += 1
    assert later < 5  # where the writer was held up meanwhile


def test_what_changes_nothing_is_not_told(tmp_path: Path) -> None:
    state = tmp_path / ".groundtone"
    state.mkdir()
    (tmp_path / ".git").mkdir()
    made = Watch([tmp_path], state, 900)  # the workspace itself is the source
    made.wait()

    def act() -> None:
        (state / "catalog.db").write_text("x")
        (tmp_path / ".git/index").write_text("x")
        (tmp_path / ".a.md.swp").write_text("x")

    assert due_after(made, act, patience=0.8)[0] == []


def test_an_ignore_file_matters(docs: Path) -> None:
    made = watch(docs)
    assert due_after(made, lambda: (docs / ".gitignore").write_text("*.md"))[0] == [docs]


def test_a_single_file_that_an_editor_replaces(docs: Path) -> None:
    single = docs / "a.md"
    single.write_text("text")
    made = watch(single)

    def replace() -> None:
        (docs / "a.md.new").write_text("other text")
        (docs / "a.md.new").replace(single)

    for act in (replace, single.unlink, lambda: single.write_text("again")):
        due, took = due_after(made, act)
        assert due == [single] and took < 30


def test_a_folder_that_goes_and_comes_back(docs: Path) -> None:
    made = watch(docs)
    away = docs.with_name("away")
    assert due_after(made, lambda: docs.rename(away))[0] == [docs]
    assert due_after(made, lambda: away.rename(docs))[0] == [docs]
    while made.wait(0.6):
        pass  # until it is quiet again
    due, took = due_after(made, lambda: (docs / "b.md").write_text("text"))
    assert due == [docs] and took < 30


def test_a_folder_that_becomes_another_one(docs: Path) -> None:
    other = docs.with_name("other")
    other.mkdir()
    made = watch(docs)

    def swap() -> None:
        docs.rename(docs.with_name("away"))
        other.rename(docs)

    assert due_after(made, swap)[0] == [docs]
    while made.wait(0.6):
        pass
    assert due_after(made, lambda: (docs / "b.md").write_text("text"))[0] == [docs]


def test_pages_are_due_at_their_interval(docs: Path) -> None:
    made = watch(docs, "https://example.com/", recheck=0.5)
    due, took = due_after(made, lambda: None)
    assert due == ["https://example.com/"] and took < 30


def test_what_failed_is_due_again_later_and_later(docs: Path) -> None:
    made = watch(docs)
    for wait in (1, 2):
        made.again([docs])
        began = time.perf_counter()
        assert made.wait(30) == [docs]
        assert wait - 0.1 < time.perf_counter() - began < wait + 20
    made.done()
