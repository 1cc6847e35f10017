from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.syncing.place import Place

from groundtone.settings import Settings, Sync


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def metadata(place: Place, path: str = "guide.txt") -> dict[str, object]:
    [document] = [one for one in place.catalog.documents() if one.path == path]
    return dict(document.metadata)


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("toml", 'Team = "support"\ntitle = "The guide"\ngroups = ["a", "b"]\n'),
        ("yaml", "Team: support\ntitle: The guide\ngroups: [a, b]\n"),
        ("yml", "Team: support\ntitle: The guide\ngroups: [a, b]\n"),
        ("json", '{"Team": "support", "title": "The guide", "groups": ["a", "b"]}'),
    ],
)
def test_a_sidecar_speaks_of_its_file_and_is_no_document(
    place: Place, ending: str, text: str
) -> None:
    place.write("guide.txt", "How to reset.")
    place.write(f"guide.txt.meta.{ending}", text)
    assert place.sync().added == 1
    assert metadata(place) == {"team": "support", "title": "The guide", "groups": ["a", "b"]}
    [document] = place.catalog.documents()
    assert document.title == "The guide"
    assert place.sync().unchanged == 1


def test_a_change_of_the_sidecar_is_a_change_of_the_file(place: Place) -> None:
    place.write("guide.txt", "How to reset.")
    place.sync()
    assert metadata(place) == {}
    place.write("guide.txt.meta.toml", 'team = "a"')
    assert place.sync().updated == 1 and metadata(place) == {"team": "a"}
    place.write("guide.txt.meta.toml", 'team = "b"', age=50)
    assert place.sync().updated == 1 and metadata(place) == {"team": "b"}
    os.utime(place.docs / "guide.txt.meta.toml")  # touched: the same bytes
    assert place.sync().unchanged == 1
    (place.docs / "guide.txt.meta.toml").unlink()
    assert place.sync().updated == 1 and metadata(place) == {}


def test_it_wins_over_front_matter_and_globs_do_not_hide_it(tmp_path: Path) -> None:
    place = Place(tmp_path, Settings(sync=Sync(include=("*.md",))))
    place.write("page.md", "---\nTeam: sales\nkept: yes\n---\n\n# Page\n\nText.")
    place.write("page.md.meta.yaml", "team: support")
    place.sync()
    assert metadata(place, "page.md") == {"kept": True, "team": "support"}


def test_a_file_is_not_read_without_a_broken_sidecar(place: Place) -> None:
    place.write("guide.txt", "How to reset.")
    place.write("guide.txt.meta.json", '{"groups": ["hr"]')
    [(path, reason)] = place.sync().failed
    assert path == "guide.txt" and "guide.txt.meta.json" in reason
    assert place.catalog.documents() == []
    place.write("guide.txt.meta.json", '{"groups": ["hr"]}', age=50)
    assert place.sync().added == 1
    place.write("guide.txt.meta.json", "[1, 2]", age=20)
    report = place.sync()
    assert report.failed and metadata(place) == {"groups": ["hr"]}, "the last good one stays"


def test_without_its_file_it_is_a_file_like_any_other(place: Place) -> None:
    place.write("lonely.txt.meta.json", '{"team": "support"}')
    assert place.sync().added == 1


def test_a_source_that_is_one_file_has_its_sidecar(place: Place) -> None:
    file = place.write("guide.txt", "How to reset.")
    place.write("guide.txt.meta.toml", 'team = "a"')
    place.sync(file)
    assert metadata(place) == {"team": "a"}
