"""Who may see a document follows its path, in whatever way that changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.documents.archives import zipped
from tests.syncing import hostile
from tests.syncing.place import Place

from groundtone import documents
from groundtone.index.attributes import wanted
from groundtone.settings import Settings
from groundtone.settings.documents import Attributes
from groundtone.syncing import Change
from groundtone.syncing.path_rules import PathRules
from groundtone.syncing.recipe import changed, labelled_at, moved_to, unmoved

TEXT = "# Pay\n\nThe quokka earns ten coins.\n"
HR = Attributes(path="hr/**", groups=("hr",))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb", Settings(attributes=(HR,)))
    yield place
    place.close()


def seen(place: Place, *groups: str) -> set[str]:
    """Paths of the documents that somebody of these groups finds."""
    index = place.indexes.current(place.embedder.dimensions)
    paths = {info.version: info.path for info in place.catalog.documents()}
    vector = place.embedder.embed(["quokka"])[0]
    return {paths[hit.version] for hit in index.dense(vector, 50, wanted(groups=groups))}


def test_a_moved_file_is_seen_by_who_may_see_its_new_path(place: Place) -> None:
    place.write("pub/n1.md", TEXT)
    place.write("hr/n2.md", TEXT + "\nAnd more.\n")
    place.sync()
    assert (seen(place), seen(place, "hr")) == ({"pub/n1.md"}, {"pub/n1.md", "hr/n2.md"})
    embedded = place.embedder.embedded
    (place.docs / "pub/n1.md").rename(place.docs / "hr/n1.md")
    (place.docs / "hr/n2.md").rename(place.docs / "pub/n2.md")
    rehearsed, report = place.sync(dry_run=True), place.sync()
    assert (
        report.changes
        == rehearsed.changes
        == [
            Change("moved", "hr/n1.md", "pub/n1.md"),
            Change("moved", "pub/n2.md", "hr/n2.md"),
        ]
    )
    assert (seen(place), seen(place, "hr")) == ({"pub/n2.md"}, {"pub/n2.md", "hr/n1.md"})
    assert (report.embedded, place.embedder.embedded) == (0, embedded + 2), "and two questions"
    place.check()


def test_a_folder_that_is_renamed_even_in_its_case_alone(place: Place) -> None:
    place.write("HR/a/n1.md", TEXT)
    place.sync()
    assert seen(place) == {"HR/a/n1.md"}
    (place.docs / "HR").rename(place.docs / "hr")
    assert place.sync().moved == 1
    assert (seen(place), seen(place, "hr")) == (set(), {"hr/a/n1.md"})
    (place.docs / "hr").rename(place.docs / "hr2")
    assert place.sync().moved == 1
    assert seen(place) == {"hr2/a/n1.md"}


def test_rules_that_say_the_same_of_both_paths_have_nothing_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("hr/old/n1.md", TEXT)
    place.sync()
    (place.docs / "hr/old").rename(place.docs / "hr/new")
    monkeypatch.setattr(documents, "read_all", lambda *_, **__: pytest.fail("it was read"))
    assert place.sync().moved == 1
    assert (seen(place), seen(place, "hr")) == (set(), {"hr/new/n1.md"})


@pytest.mark.parametrize("age", [0, 100])  # written just now, a file's time proves nothing
def test_a_wider_source_takes_a_folder_in(place: Place, age: float) -> None:
    place.write("hr/pay.md", TEXT, age)
    place.write("pub/news.md", TEXT, age)
    place.sync([place.docs / "hr", place.docs / "pub"])
    assert seen(place) == {"pay.md", "news.md"}
    assert place.sync(dry_run=True).changes == [Change("updated", "hr/pay.md")]
    report = place.sync()
    assert report.changes == [Change("updated", "hr/pay.md")] and report.unchanged == 1
    assert (seen(place), seen(place, "hr")) == ({"pub/news.md"}, {"pub/news.md", "hr/pay.md"})
    assert place.sync().unchanged == 2
    place.check()


def test_what_the_rules_hid_in_its_own_source_comes_out(tmp_path: Path) -> None:
    rule = Attributes(path="a/**", groups=("hr",))
    place = Place(tmp_path / "kb", Settings(attributes=(rule,)))
    place.write("news/a/pay.md", TEXT)
    place.sync(place.docs / "news")
    assert seen(place) == set()
    place.sync()
    assert seen(place) == {"news/a/pay.md"}
    place.close()


def test_taken_in_while_it_cannot_be_read(place: Place) -> None:
    """The last good version stays, for those who may see it where it is now."""
    place.write("hr/pay.md", TEXT)
    place.sync(place.docs / "hr")
    place.write("hr/pay.md", b"\0\1\2" * 100, age=50)
    report = place.sync()
    assert [path for path, _ in report.failed] == ["hr/pay.md"]
    assert (seen(place), seen(place, "hr")) == (set(), {"hr/pay.md"})
    place.sync()
    assert (seen(place), seen(place, "hr")) == (set(), {"hr/pay.md"})
    place.check()


def test_taken_in_while_its_folder_cannot_be_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("hr/pay.md", TEXT)
    place.write("pub/news.md", "# News\n\nNothing.\n")
    place.sync(place.docs / "hr")
    look = os.scandir

    def closed(path: Path) -> object:
        if Path(path).name == "hr":
            raise PermissionError(13, "Permission denied")
        return look(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", closed)
        for _ in range(2):
            assert [path for path, _ in place.sync().failed] == ["hr"]
            assert (seen(place), seen(place, "hr")) == (
                {"pub/news.md"},
                {"pub/news.md", "hr/pay.md"},
            )
    place.sync()
    assert seen(place) == {"pub/news.md"}
    place.check()


def test_rules_are_followed_while_the_source_is_away(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    place.write("hr/pay.md", f"---\nteam: people\ngroups: ['*']\n---\n{TEXT}")
    place.sync()
    place.docs.rename(tmp_path / "away")
    place.settings = Settings(attributes=(HR,))
    assert place.sync(()).failed
    assert (seen(place), seen(place, "hr")) == (set(), {"hr/pay.md"})
    place.settings = Settings()
    place.sync(())
    assert seen(place) == set(), "what it says itself is not known until it can be read"
    (tmp_path / "away").rename(place.docs)
    place.sync()
    assert seen(place) == {"hr/pay.md"}
    place.close()


def test_documents_in_an_archive(tmp_path: Path) -> None:
    inner = Attributes(path="hr/pack.zip!/secret/**", groups=("board",))
    place = Place(tmp_path / "kb", Settings(attributes=(HR, inner)))
    parts = {"secret/a.md": TEXT, "b.md": TEXT + "\nMore.\n"}
    place.write("pub/pack.zip", zipped(parts))
    place.sync()
    assert len(seen(place)) == 2
    (place.docs / "hr").mkdir()
    (place.docs / "pub/pack.zip").rename(place.docs / "hr/pack.zip")
    assert place.sync().moved == 1
    assert seen(place) == set()
    assert seen(place, "hr") == {"hr/pack.zip!/b.md"}
    assert seen(place, "board") == {"hr/pack.zip!/secret/a.md"}
    place.close()


def test_a_part_that_cannot_be_read_where_its_file_is_now(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "read_all", hostile.read_all)
    place.write("pub/mail.eml", "parts\na.txt: First.\nb.txt: Second.\n")
    place.sync()
    place.write("pub/mail.eml", "parts\na.txt: First.\nb.txt!\n", age=50)
    place.sync()
    assert seen(place) == {"pub/mail.eml!/a.txt", "pub/mail.eml!/b.txt"}
    (place.docs / "pub").rename(place.docs / "hr")
    place.sync()
    assert seen(place) == set()
    assert seen(place, "hr") == {"hr/mail.eml!/a.txt", "hr/mail.eml!/b.txt"}


def test_a_sidecar_that_stays_behind_or_waits(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    place.write("a/one.txt", "The quokka sleeps.")
    place.write("a/one.txt.meta.toml", 'groups = ["hr"]')
    place.write("a/two.txt", "The quokka eats.")
    place.write("b/two.txt.meta.toml", 'groups = ["hr"]')
    place.sync()
    assert seen(place) == {"a/two.txt"}
    shutil.move(place.docs / "a/one.txt", place.docs / "b/one.txt")
    shutil.move(place.docs / "a/two.txt", place.docs / "b/two.txt")
    place.sync()
    assert seen(place) == {"b/one.txt"}
    assert seen(place, "hr") == {"b/one.txt", "b/two.txt"}
    shutil.move(place.docs / "a/one.txt.meta.toml", place.docs / "b/one.txt.meta.toml")
    place.sync()
    assert (seen(place), seen(place, "hr")) == (set(), {"b/one.txt", "b/two.txt"})
    place.close()


def test_what_rules_say_of_paths() -> None:
    rules = PathRules.of(
        Settings(
            attributes=(
                HR,
                Attributes(path="*.md", groups=("all",), Team="docs"),
                Attributes(path="hr/top/**", team="board"),
            )
        )
    )
    assert rules.told("pub/a.txt") == {}
    assert rules.told("hr/top/a.md") == {"groups": ["all"], "team": "board"}
    assert rules.over("hr/a.txt", {"Groups": "x", "by": "me"}) == {"by": "me", "groups": ["hr"]}
    assert rules.alike("hr/a.txt", "hr/b/a.txt", [""])
    assert rules.alike("hr/a.zip", "pub/a.zip", ["x.md"]), "the second rule wins in both"
    assert not rules.alike("hr/a.zip", "pub/a.zip", ["x.md", "x.txt"])
    own = {"by": "me", "groups": ["hr"]}
    assert rules.again("hr/a.txt", "hr/b.txt", own) == own
    assert rules.again("hr/a.txt", "pub/a.txt", own) == {"by": "me", "groups": []}
    assert rules.again("pub/a.txt", "hr/a.txt", {"by": "me"}) == own


def test_where_labels_come_from() -> None:
    made = "4-abc-2"
    assert labelled_at(made, "a/b.md") == "a/b.md"
    once = made + moved_to("x+moved-2")
    assert labelled_at(once, "x+moved-2/b.md") == "b.md" and unmoved(once) == made
    assert labelled_at(once + moved_to("y/ü"), "y/ü/x+moved-2/b.md") == "b.md"
    assert labelled_at(made + moved_to("."), "b.md") == "b.md"


def test_the_cause_of_reading_again_is_named(place: Place) -> None:
    place.write("a.md", TEXT)
    place.sync()
    place.settings = Settings()
    [note] = place.sync().notes
    assert "read again after a change of [[attributes]];" in note
    assert changed("3-a-1", "4-b-2.c") == ["the readers", "[chunking]", "[[attributes]]"]
    assert changed("3-a-1.x" + moved_to("b-c"), "3-a-2.x") == ["the readers"]
    assert changed("", "4-a-1") == ["[[attributes]]"]
