"""Nobody finds a document whose groups were meant for others, however they are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.documents.archives import zipped
from tests.syncing.place import Place
from tests.syncing.test_path_rules import seen

from groundtone.settings import Settings
from groundtone.settings.documents import Attributes

TEXT = "\n# Pay\n\nThe quokka earns ten coins.\n"
BROKEN = f"---\ntitle: Pay: secret\ngroups: [hr]\n---\n{TEXT}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "kb")
    yield place
    place.close()


def test_a_page_whose_groups_cannot_be_read_is_no_document(place: Place) -> None:
    place.write("pay.md", BROKEN)
    place.write("pack.zip", zipped({"pay.md": BROKEN, "open.md": TEXT}))
    place.write("open.md", f"---\ntitle: a: b\n---\n{TEXT}")
    report = place.sync()
    assert [path for path, _ in report.failed] == ["pack.zip!/pay.md", "pay.md"]
    assert all("groups" in reason for _, reason in report.failed)
    assert seen(place) == seen(place, "hr") == {"open.md", "pack.zip!/open.md"}
    [note] = report.notes
    assert note.startswith("open.md: its front matter cannot be read as YAML")


def test_an_edit_that_breaks_it_leaves_the_last_good_version_to_its_groups(place: Place) -> None:
    place.write("pay.md", f"---\ngroups: [hr]\n---\n{TEXT}")
    place.sync()
    place.write("pay.md", BROKEN, age=50)
    [(path, reason)] = place.sync().failed
    assert path == "pay.md" and reason.endswith("kept the last good version")
    assert (seen(place), seen(place, "hr")) == (set(), {"pay.md"})


def test_groups_in_one_text_are_parted_at_commas(tmp_path: Path) -> None:
    rule = Attributes(path="c.txt", groups="hr, legal")  # type: ignore[arg-type]
    place = Place(tmp_path / "kb", Settings(attributes=(rule,)))
    place.write("a.md", f"---\ngroups: hr, legal\n---\n{TEXT}")
    place.write("b.txt", "The quokka.")
    place.write("b.txt.meta.toml", 'group = "hr,legal"')
    place.write("c.txt", "A quokka.")
    place.write("d.md", f"---\ngroups:\n---\n{TEXT}")
    place.sync()
    assert seen(place, "hr") == seen(place, "legal") == {"a.md", "b.txt", "c.txt"}
    assert seen(place) == seen(place, "hr, legal") == set()
    place.close()


def test_what_wins_over_groups_wins_over_a_group(tmp_path: Path) -> None:
    rule = Attributes(path="hr/**", groups=("hr",))
    place = Place(tmp_path / "kb", Settings(attributes=(rule,)))
    place.write("hr/a.md", f"---\ngroup: sales\n---\n{TEXT}")
    place.write("b.md", f"---\ngroup: sales\n---\n{TEXT}")
    place.write("b.md.meta.toml", 'groups = ["hr"]')
    place.sync()
    assert (seen(place, "sales"), seen(place, "hr")) == (set(), {"hr/a.md", "b.md"})
    place.close()
