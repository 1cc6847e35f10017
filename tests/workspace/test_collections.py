"""Collections: named sets of sources, each asked as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder

from groundtone.errors import SettingsError, WrongUse
from groundtone.settings import Settings
from groundtone.workspace import Workspace
from groundtone.workspace.collections import uploads

DOOR = "# Doors\n\nThe blue key opens the front door.\n"
SALARY = "# Salaries\n\nThe blue key money is paid in May.\n"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[Workspace]:
    """Two folders, each a collection of its own."""
    for name, text in (("house/door.md", DOOR), ("hr/salary.md", SALARY)):
        path = tmp_path / "kb" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    with Workspace.create(tmp_path / "kb") as workspace:
        workspace.__dict__["embedder"] = SmallEmbedder()
        workspace.sync(workspace.folder / "house", collection="house")
        workspace.sync(workspace.folder / "hr", collection="hr")
        yield workspace


def found(workspace: Workspace, *collections: str) -> set[str]:
    limits = workspace.limits(collections=collections or None)
    return {passage.document for passage in workspace.search("blue key", limits=limits)}


def test_each_is_asked_as_if_it_were_alone(kb: Workspace) -> None:
    assert found(kb) == found(kb, "house", "hr") == {"door.md", "salary.md"}
    assert found(kb, "house") == {"door.md"}
    assert found(kb, "hr") == {"salary.md"}
    assert found(kb, "default") == set(), "an empty collection finds nothing, not everything"


def test_they_are_listed_with_what_they_hold(kb: Workspace) -> None:
    kb.create_collection("empty", {"owner": "legal"})
    rows = [(one.name, one.sources, one.documents) for one in kb.collections()]
    assert rows == [
        ("default", (), 0),
        ("empty", (), 0),
        ("house", ("house",), 1),
        ("hr", ("hr",), 1),
    ]
    assert kb.collections()[1].metadata == {"owner": "legal"}
    kb.create_collection("empty", {"owner": "support"})
    assert kb.collections()[1].metadata == {"owner": "support"}


def test_without_a_collection_sync_looks_at_all_and_with_one_at_its_own(kb: Workspace) -> None:
    for name in ("house/more.md", "hr/more.md"):
        (kb.folder / name).write_text("# More\n\nText.\n", "utf-8")
    assert kb.sync(collection="hr").added == 1
    assert kb.sync().added == 1
    with pytest.raises(WrongUse, match="'nothing'"):
        kb.sync(collection="nothing")


def test_a_file_belongs_to_one_collection(kb: Workspace) -> None:
    for one in ("hr", "hr/salary.md", "."):  # the same, inside it, around it
        with pytest.raises(WrongUse, match="belongs to the collection"):
            kb.sync(kb.folder / one, collection="house")
    assert [one.documents for one in kb.collections()] == [0, 1, 1]
    assert kb.sync(kb.folder / "hr").unchanged == 1, "named without a collection it is known"


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "a b", "-a", "a" * 65, "ä"])
def test_names_that_cannot_be(kb: Workspace, name: str) -> None:
    with pytest.raises(WrongUse, match="cannot be the name"):
        kb.create_collection(name)
    with pytest.raises(WrongUse, match="cannot be the name"):
        kb.sync(kb.folder / "hr", collection=name)


def test_an_unknown_one_is_named_with_those_that_are_there(kb: Workspace) -> None:
    with pytest.raises(WrongUse, match="'nowhere'") as raised:
        kb.limits(collections=["house", "nowhere"])
    assert "default, house, hr" in raised.value.remedy


def test_deleting_takes_documents_and_uploads_but_no_files_of_folders(kb: Workspace) -> None:
    handed_in = uploads(kb, "hr") / "note.md"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text("# Note\n\nThe blue key is lost.\n", "utf-8")
    assert kb.sync(handed_in.parent, collection="hr").added == 1
    assert found(kb, "hr") == {"salary.md", "note.md"}
    assert kb.delete_collection("hr") == 2
    assert found(kb) == {"door.md"}
    assert not handed_in.exists() and (kb.folder / "hr" / "salary.md").exists()
    assert [one.name for one in kb.collections()] == ["default", "house"]


def test_the_workspace_folder_as_a_source_leaves_uploads_to_their_collection(
    tmp_path: Path,
) -> None:
    with Workspace.create(tmp_path) as workspace:
        workspace.__dict__["embedder"] = SmallEmbedder()
        (tmp_path / "door.md").write_text(DOOR, "utf-8")
        place = uploads(workspace, "hr")
        place.mkdir(parents=True)
        (place / "salary.md").write_text(SALARY, "utf-8")
        assert workspace.sync(tmp_path).added == 1
        assert workspace.sync(place, collection="hr").added == 1
        assert workspace.sync().unchanged == 2
        assert found(workspace, "default") == {"door.md"}
        assert found(workspace, "hr") == {"salary.md"}


def test_one_collection_may_be_read_otherwise(kb: Workspace) -> None:
    long = "# Long\n\n" + "\n\n".join(f"Paragraph {n} says a thing or two." for n in range(200))
    for name in ("house/long.md", "hr/long.md"):
        (kb.folder / name).write_text(long, "utf-8")
    (kb.folder / "hr" / "note.txt").write_text("A text.\n", "utf-8")
    settings = "[collections.hr.chunking]\nmin_tokens = 64\nmax_tokens = 128\n"
    (kb.folder / "groundtone.toml").write_text(
        settings + '[collections.hr.sync]\ninclude = ["*.md"]\n', "utf-8"
    )
    kb.reload()
    report = kb.sync()
    assert (report.added, report.unchanged) == (2, 2)
    assert any("1 file(s) are read again" in note for note in report.notes), "that of hr"
    chunks = {(one.source, one.path): one.chunk_count for one in kb.catalog.documents()}
    house, hr = (source.id for source in kb.catalog.sources())
    assert chunks[hr, "long.md"] > chunks[house, "long.md"]
    assert (hr, "note.txt") not in chunks
    assert kb.sync().unchanged == 4


def test_a_document_that_moves_to_another_collection_is_found_there(kb: Workspace) -> None:
    (kb.folder / "hr" / "salary.md").rename(kb.folder / "house" / "salary.md")
    report = kb.sync()
    assert (report.moved, report.added, report.deleted) == (1, 0, 0)
    assert found(kb, "house") == {"door.md", "salary.md"} and found(kb, "hr") == set()


def test_settings_of_a_collection_must_fit_together(tmp_path: Path) -> None:
    text = "[collections.hr.chunking]\nmax_tokens = 300\n"
    (tmp_path / "groundtone.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"collections\.hr.*twice min_tokens"):
        Settings.load(tmp_path)
