"""Examples drafted from a workspace: by rules, by a model, from the log."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredAnswer
from groundtone.chat import Completion
from groundtone.tuning.examples import load
from groundtone.workspace import drafting
from groundtone.workspace.check import check

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LABEL = 'label = "[Source: {title}, Section {section}]"'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("drafting")
    refusal = 'refusal = "The manual does not answer this question."'
    (folder / "groundtone.toml").write_text(f"[answer]\n{LABEL}\n{refusal}\n", "utf-8")
    shutil.copy(EXAMPLES / "style.toml", folder)
    with Workspace.create(folder) as made:
        (folder / "guides").mkdir()
        for name in ("board-guide.md", "error-code-reference.md", "ticket-guide.md"):
            shutil.copy(EXAMPLES / "manual" / name, folder / "guides")
        made.sync(folder / "guides")
        yield made


def test_drafts_keep_the_style_and_stand_on_their_passages(
    workspace: Workspace, tmp_path: Path
) -> None:
    found = drafting.draft(workspace, count=12)
    assert len(found.kept) == 12 <= found.considered
    style = workspace.style()
    assert style is not None
    texts = {
        info.path: workspace.catalog.text(info.version) for info in workspace.catalog.documents()
    }
    for draft in found.kept:
        assert style.check(draft.shown) == []
        source = draft.source
        assert texts[source.document][source.start : source.end] == source.quote
        assert draft.support is not None and draft.support >= 0.5
        assert f"Section {source.section}]" in draft.shown
    assert {draft.source.document for draft in found.kept} == set(texts)
    drafting.write([draft.line("Be brief.") for draft in found.kept], tmp_path / "drafts.jsonl")
    read = load(tmp_path / "drafts.jsonl")
    assert (read.faults, read.warnings) == ([], [])
    assert [draft.question for draft in drafting.draft(workspace, count=12).kept] == [
        row.question for row in read.rows
    ]


def test_a_check_finds_in_their_passages_what_drafts_say(
    workspace: Workspace, tmp_path: Path, smollm: object
) -> None:
    found = drafting.draft(workspace, count=500)
    assert found.dropped["not supported by its passage"] >= 1, "rows of tables that say too little"
    drafting.write([draft.line("Be brief.") for draft in found.kept], tmp_path / "drafts.jsonl")
    assert check(workspace, tmp_path / "drafts.jsonl").unsupported == []


def test_what_was_asked_elsewhere_is_not_asked_again(workspace: Workspace, tmp_path: Path) -> None:
    everything = drafting.draft(workspace, count=500)
    known = tmp_path / "known.jsonl"
    known.write_text(
        "".join(
            json.dumps({"question": f"please, {draft.question}"}) + "\n"
            for draft in everything.kept[:5]
        ),
        "utf-8",
    )
    left = drafting.draft(workspace, count=500, beside=[known])
    asked = {draft.question for draft in left.kept}
    assert not asked & {draft.question for draft in everything.kept[:5]}
    assert len(asked) >= len(everything.kept) - 10


class Writer:
    """A chat engine that writes one good example, one that nothing supports, one in bad style."""

    name, context_tokens, parallel, exact_tokens = "writer", 4096, 1, False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        json_schema: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Iterator[str | Completion]:
        assert json_schema is not None
        self.asked.append(messages[-1]["content"])
        if "trash" not in messages[0]["content"]:
            text = "I would rather not."
        else:
            good = "Deleted boards stay in the trash for 30 days. [1]"
            pairs = [
                ("How long can I restore a deleted board?", good),
                ("How long are boards backed up?", "Boards are backed up for 70 years."),
                ("Do deleted boards stay?", "Yes, deleted boards stay in the trash for 30 days."),
            ]
            text = json.dumps({"examples": [{"question": q, "answer": a} for q, a in pairs]})
        yield Completion(text, 1, 1, 0.0, 0.0, "stop")

    def close(self) -> None:
        pass


def test_a_model_drafts_and_its_drafts_are_checked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    monkeypatch.setattr("groundtone.chat.open_chat", lambda name, **_: writer)
    found = drafting.draft(workspace, count=60, model="openai:writer")
    assert [draft.question for draft in found.kept] == ["How long can I restore a deleted board?"]
    kept = found.kept[0]
    assert kept.answer == "Deleted boards stay in the trash for 30 days."
    assert kept.shown.endswith("[Source: Board Guide, Section 3.1]")
    assert (kept.by, kept.model) == ("model", "writer")
    assert found.dropped["not supported by its passage"] >= 1
    assert found.dropped["not in the declared style"] >= 1
    assert "at most 3 sentences" in writer.asked[0] and "as an ai" in writer.asked[0]


def test_answers_rated_good_become_examples_with_their_citation(workspace: Workspace) -> None:
    answer = {
        "answer": "Boards stay in the trash for 30 days. [Source: Board Guide, Section 3.1]",
        "refused": False,
        "citations": [
            {"document": "board-guide.md", "title": "Board Guide", "section": "3.1", "page": None,
             "start": 3, "end": 9, "quote": "q", "sentence": "s", "score": 0.9}
        ],
    }  # fmt: skip
    for number, question in enumerate(["How long?", "how long", "Until when?"]):
        workspace.catalog.put_answer(StoredAnswer(f"answer-{number}", question, "base", answer))
        if number != 2:
            workspace.catalog.rate(f"answer-{number}", "good", "")
    found = drafting.from_log(workspace)
    assert len(found.kept) == 1
    line = found.kept[0].line("Be brief.")
    assert line["messages"][2]["content"] == answer["answer"]
    assert line["provenance"]["document"] == "board-guide.md"
    assert line["provenance"]["by"] == "log"
