"""From a folder of documents to answers that can be looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.errors import NoWorkspace, WrongUse


def test_a_second_sync_finds_nothing_to_do(workspace: Workspace) -> None:
    report = workspace.sync()
    assert (report.added, report.updated, report.deleted, report.unchanged) == (0, 0, 0, 17)


def test_search_finds_the_section_that_answers(workspace: Workspace) -> None:
    passages = workspace.search("How do I reset my password?", k=3)
    assert [p.rank for p in passages] == [1, 2, 3]
    assert (passages[0].title, passages[0].section) == ("Account Management Guide", "2.1")
    for passage in passages:
        text = workspace.catalog.text(passage.version, passage.start, passage.end)
        assert text == passage.text


@pytest.mark.parametrize("question", ["How do I reset my password?", "How large may a photo be?"])
def test_every_citation_opens_at_its_quote(workspace: Workspace, question: str) -> None:
    answer = workspace.ask(question)
    assert answer.refused or answer.citations
    for citation in answer.citations:
        assert workspace.resolves(answer, citation)
        assert citation.quote
        assert citation.marker in answer.text
        assert citation.sentence in answer.bare_text


def test_what_the_documents_do_not_hold_is_refused(workspace: Workspace) -> None:
    answer = workspace.ask("zxqv qwrtp plmk")
    assert answer.refused
    assert answer.text == "The manual does not answer this question."
    assert answer.citations == ()


def test_pieces_come_before_the_answer(workspace: Workspace) -> None:
    events = list(workspace.stream("How do I reset my password?"))
    assert all(isinstance(piece, str) for piece in events[:-1])
    assert events[-1].question == "How do I reset my password?"  # type: ignore[union-attr]


def test_answers_are_logged_whole(workspace: Workspace) -> None:
    answer = workspace.ask("How do I reset my password?")
    logged = workspace.catalog.list_answers(limit=1)[0]
    assert logged.answer["answer"] == answer.text
    assert len(logged.answer["citations"]) == len(answer.citations)


def test_wrong_use_is_named(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="empty"):
        workspace.ask("  ")
    with pytest.raises(WrongUse, match="no model 'nobody'"):
        workspace.ask("Hello?", model="nobody")
    with pytest.raises(NoWorkspace):
        Workspace.open(tmp_path)


def test_creating_twice_opens_what_is_there(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "kb") as first:
        settings = first.settings
    (tmp_path / "kb" / "groundtone.toml").write_text("[answer]\npassages = 2\n")
    with Workspace.create(tmp_path / "kb") as second:
        assert second.settings.answer.passages == 2
        assert second.settings != settings
