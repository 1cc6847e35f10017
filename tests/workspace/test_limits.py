"""Whom a question may draw on: filters and access labels, from front matter to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import postgres_server

from groundtone import Workspace
from groundtone.errors import SettingsError, WrongUse

PAGES = {
    "guide/public.md": "# Leave\n\nEverybody may take 25 days of leave a year.",
    "guide/hr.md": "---\ngroups: [hr]\nteam: People\n---\n# Leave\n\nManagers may take 31 days.",
    "board/secret.md": "---\nGroups: board\n---\n# Leave\n\nThe board takes 99 days of leave.",
    "board/nobody.md": "---\ngroups: []\n---\n# Leave\n\nNobody may read of 77 days of leave.",
}


@pytest.fixture(params=["lancedb", "chroma", "pgvector", "qdrant"], scope="module")
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    folder = tmp_path_factory.mktemp("limits")
    for name, text in PAGES.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kb = folder / "kb"
    kb.mkdir()

    def opened(settings: str) -> Workspace:
        (kb / "groundtone.toml").write_text(f"[index]\n{settings}\n[retrieval]\nk = 10\n")
        made = Workspace.open(kb)
        assert made.sync(folder / "docs").added == 4
        return made

    if request.param == "pgvector":
        with postgres_server() as url, opened(f'store = "pgvector"\nurl = "{url}"') as made:
            yield made
    else:
        with opened(f'store = "{request.param}"') as made:
            yield made


def found(workspace: Workspace, *where: str, **limits: object) -> set[str]:
    limited = workspace.limits(where, **limits)  # type: ignore[arg-type]
    passages = workspace.search("How many days of leave a year?", limits=limited)
    return {passage.document for passage in passages}


def test_groups_see_what_is_theirs_and_no_more(workspace: Workspace) -> None:
    assert found(workspace) == set(PAGES), "the owner sees everything"
    assert found(workspace, groups=[]) == {"guide/public.md"}
    assert found(workspace, groups=["hr"]) == {"guide/public.md", "guide/hr.md"}
    assert found(workspace, groups=["HR", "board"]) == set(PAGES) - {"board/nobody.md"}
    assert found(workspace, groups=["*"]) == {"guide/public.md"}


def test_no_way_leads_around_the_groups(workspace: Workspace) -> None:
    retriever = workspace.retriever.limited(workspace.limits(groups=["sales"]))
    for path in PAGES:
        allowed = path == "guide/public.md"
        assert bool(retriever.where(document=path)) == allowed, "by name"
    for question in ("99 days board", "secret.md", "31 days managers", "77 nobody", "groups: [hr]"):
        assert {p.document for p in retriever.search(question, 50)} <= {"guide/public.md"}
    for trace in retriever.traces(["99 days of leave for the board"], 50):
        assert {trace.paths[version] for version, _ in trace.order} <= {"guide/public.md"}


def test_documents_are_chosen_by_folder_type_front_matter_and_date(workspace: Workspace) -> None:
    assert found(workspace, "path=guide") == {"guide/public.md", "guide/hr.md"}
    assert found(workspace, "team=people") == {"guide/hr.md"}
    assert found(workspace, "type=markdown", "path=board") == {"board/secret.md", "board/nobody.md"}
    assert found(workspace, "type=pdf") == set()
    assert found(workspace, until="2001-01-01") == set()
    assert found(workspace, since="2001-01-01") == set(PAGES)
    with pytest.raises(WrongUse, match="tema"):
        workspace.limits(["tema=people"])


def test_a_change_of_groups_is_followed(workspace: Workspace) -> None:
    if workspace.settings.index.store != "lancedb":
        pytest.skip("the same code for every store")
    source = workspace.folder.parent / "docs" / "guide/public.md"
    source.write_text("---\ngroups: [hr]\n---\n" + PAGES["guide/public.md"])
    assert workspace.sync().updated == 1
    assert found(workspace, groups=["sales"]) == set()
    source.write_text(PAGES["guide/public.md"])
    workspace.sync()
    assert found(workspace, groups=["sales"]) == {"guide/public.md"}


def test_the_settings_say_who_may_see_what_cannot_say_it_itself(tmp_path: Path) -> None:
    (tmp_path / "docs/hr").mkdir(parents=True)
    (tmp_path / "docs/hr/pay.txt").write_text("The pay day is the 25th day of the month.")
    (tmp_path / "docs/open.md").write_text(
        "---\nGroups: [all]\n---\nThe pay office is open all day."
    )
    rules = '[[attributes]]\npath = "hr/**"\ngroups = ["hr"]\nteam = "pay"\n'
    toml = tmp_path / "groundtone.toml"
    toml.write_text(rules)

    def seen(*groups: str) -> set[str]:
        passages = workspace.search("pay day", limits=workspace.limits(groups=groups))
        return {passage.document for passage in passages}

    with Workspace.open(tmp_path) as workspace:
        workspace.sync(tmp_path / "docs")
        assert seen() == set()
        assert seen("hr") == {"hr/pay.txt"}
        assert len(workspace.search("pay", limits=workspace.limits(["team=pay"]))) == 1
    toml.write_text(rules + '[[attributes]]\npath = "*.md"\ngroups = ["hr"]\n')
    with Workspace.open(tmp_path) as workspace:
        workspace.sync()
        assert seen("all") == set(), "changed rules are followed at the next sync"
        assert seen("hr") == {"hr/pay.txt", "open.md"}
    toml.write_text('[[attributes]]\ngroups = ["hr"]\n')
    with pytest.raises(SettingsError, match="path"):
        Workspace.open(tmp_path)
