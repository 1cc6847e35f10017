"""Answers of a workspace measured, with its settings and with changed ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.answering.scripted import Scripted

from groundtone import Workspace
from groundtone.errors import WrongUse
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.fusion import WEIGHTS
from groundtone.retrieval.tuned import Tuned

RESET = "How do I reset my password?"
ROWS = [
    {
        "id": "a",
        "question": RESET,
        "answers": ["Settings > Account > Reset Password"],
        "evidence": [{"doc": "account-management-guide.md", "section": "2.1"}],
    },
    {"id": "b", "question": "What does ERR-1003 mean?", "evidence": [{"doc": "moon.md"}]},
    {"id": "c", "question": "Who won the regatta of 1998 in Oslo?", "answerable": False},
]
SAYS = "Go to Settings > Account > Reset Password. Bananas grow in warm countries."


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
    return path


@pytest.fixture
def scripted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    engine = Scripted(SAYS)
    monkeypatch.setitem(workspace.__dict__, "chat", engine)
    monkeypatch.delitem(workspace.__dict__, "answerer", raising=False)
    (workspace.state / "eval-answers.jsonl").unlink(missing_ok=True)
    return engine


def test_answers_are_measured_and_kept(
    workspace: Workspace, questions: Path, scripted: Scripted
) -> None:
    told: list[tuple[int, int]] = []
    report = workspace.eval_answers(questions, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    measures = report.measures()
    assert measures["correct"].value == 1.0
    assert measures["citation_resolvable"].value == 1.0
    assert measures["faithful"].value < 1.0
    assert measures["refusal_recall"].n == 1
    assert {one.question.id: one.reason for one in report.judged}["a"] is None
    assert report.compared is None
    asked = len(scripted.asked)
    again = workspace.eval_answers(questions)
    assert len(scripted.asked) == asked
    assert again.measures() == measures
    assert len(workspace.eval_answers(questions, limit=1).judged) == 1
    assert workspace.eval_answers(questions, limit=1).measures()["refusal_recall"] is None


def test_answers_are_asked_anew_when_the_retriever_is_tuned(
    workspace: Workspace, questions: Path, scripted: Scripted
) -> None:
    workspace.eval_answers(questions, limit=1)
    alone = len(scripted.asked)
    embedding = workspace.embedder.fingerprint
    words = dict.fromkeys(WEIGHTS, 0.0) | {"words": 1.0}
    try:
        for weights in (words, words | {"words": 2.0}):  # the second has the same name
            keeping.save(workspace.catalog, Tuned("retriever:one", embedding, weights), {})
            before = len(scripted.asked)
            workspace.eval_answers(questions, limit=1)
            assert len(scripted.asked) == before + alone
    finally:
        keeping.remove(workspace.catalog)
    before = len(scripted.asked)
    workspace.eval_answers(questions, limit=1)
    assert len(scripted.asked) == before  # those of before stand for the workspace as it was


def test_a_changed_setting_is_compared_and_leaves_the_workspace_alone(
    workspace: Workspace, questions: Path, scripted: Scripted
) -> None:
    before = workspace.settings
    report = workspace.eval_answers(
        questions, limit=1, compare={"answer.check": "mark", "retrieval.fusion": "words"}
    )
    other = report.compared
    assert other is not None
    assert other.changes == {"answer.check": "mark", "retrieval.fusion": "words"}
    assert report.measures()["citation_recall"].value == 1.0
    assert other.measures()["citation_recall"].value == 0.5
    assert {d.measure for d in other.against(report)} >= {"correct", "citation_recall"}
    assert workspace.settings == before
    higher = workspace.eval_answers(questions, limit=1, compare={"answer.evidence_below": "1"})
    assert higher.compared is not None
    assert higher.compared.measures()["answered"].value == 0.0


def test_without_a_model_none_is_asked(
    workspace: Workspace, questions: Path, scripted: Scripted
) -> None:
    report = workspace.eval_answers(questions, ask_model=False)
    assert scripted.asked == []
    assert report.model == ""
    assert report.measures()["retrieved"].n == 2
    assert report.curve() is not None
    assert report.judged[1].reason == "not retrieved"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chunking.max_tokens": "99"}, "cannot be compared"),
        ({"answer": "1"}, "no setting ''"),
        ({"answer.colour": "red"}, "colour"),
        ({"answer.check": "loud"}, "check"),
        ({"answer.label": "{page"}, "label"),
    ],
)
def test_a_wrong_change_is_named_before_anything_is_asked(
    workspace: Workspace, questions: Path, scripted: Scripted, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongUse, match=said):
        workspace.eval_answers(questions, compare=changes)
    assert scripted.asked == []


def test_a_structured_answer_is_cited_and_logged(workspace: Workspace, scripted: Scripted) -> None:
    scripted.says = ['{"path": "Settings > Account > Reset Password", "cost": "9 dollars"}']
    schema = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "cost": {"type": ["string", "null"]}},
    }
    answer = workspace.ask(RESET, schema=schema)
    assert answer.value == {"path": "Settings > Account > Reset Password", "cost": None}
    (citation,) = answer.citations
    assert workspace.resolves(answer, citation)
    logged = workspace.catalog.list_answers(limit=1)[0]
    assert logged.answer["value"] == answer.value
    with pytest.raises(WrongUse, match="empty"):
        workspace.ask(" ", schema=schema)
    with pytest.raises(WrongUse, match=r"\$\.type"):
        workspace.ask(RESET, schema={"type": "objekt"})


@pytest.mark.slow
def test_the_real_model_is_measured(workspace: Workspace, questions: Path, smollm: object) -> None:
    report = workspace.eval_answers(questions)
    assert report.model == "smollm2-135m-instruct"
    assert report.measures()["citation_resolvable"].value == 1.0
    assert report.measures()["figures"].value == 1.0
    assert "NaN" not in str(report.to_json())


@pytest.mark.slow
def test_the_real_model_follows_a_schema(workspace: Workspace, smollm: object) -> None:
    schema = {
        "type": "object",
        "properties": {
            "code": {"type": ["string", "null"], "maxLength": 12},
            "tries": {"type": ["integer", "null"]},
        },
        "required": ["code", "tries"],
    }
    answer = workspace.ask("What does ERR-1003 mean?", schema=schema)
    assert set(answer.written) == {"code", "tries"}
    assert answer.refused or set(answer.value) == {"code", "tries"}
    for leaf in answer.leaves:
        assert leaf.supported == bool(leaf.citations)
        assert all(workspace.resolves(answer, citation) for citation in leaf.citations)
