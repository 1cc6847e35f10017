"""From a page of examples to a model that has earned its place, or has not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.short_gate import short_gate as short_gates
from tests.workspace.conftest import manual

from groundtone import Workspace
from groundtone.chat.vocabulary import vocabulary
from groundtone.errors import BadExamples, GateRefused, WrongUse
from groundtone.tuning import examples as reading
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.tuning.rendering import Renderer, Report
from groundtone.weights.cache import sha256_of
from groundtone.workspace import tune
from groundtone.workspace.tune import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Workspace]:
    """Over the example manual, with one passage a question: to read is most of the work."""
    with manual(tmp_path_factory.mktemp("kb"), examples, passages=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def tuned(workspace: Workspace, examples: Path) -> Run:
    """A run on a few examples: too short to be good, long enough to be real."""
    pytest.importorskip("torch", reason="the tune extra is not installed")
    run = tune.start(
        workspace,
        examples / "style.jsonl",
        suffix="short",
        recipe=Recipe(epochs=2, batch_size=2, learning_rate=1e-3),
        contexts=Contexts(each=1),
        limit=12,
    )
    with short_gates():
        events = list(run.events())
    assert events[-1]["event"] == "done", events[-1]
    return run


def renderer(workspace: Workspace, smollm: Path) -> Renderer:
    return Renderer(
        workspace.retriever,
        workspace.answerer,
        workspace.chat,
        label=workspace.settings.answer.label,
        refusal=workspace.settings.answer.refusal,
        passages=workspace.settings.answer.passages,
        invocation=workspace.chat.tokens(tune.INVOCATION),
        end=vocabulary(smollm).eos,
    )


def test_training_sees_the_very_ids_that_serving_sends(
    workspace: Workspace, smollm: Path, examples: Path
) -> None:
    example = reading.load(examples / "style.jsonl").rows[0]
    rows, report = renderer(workspace, smollm).render([example], Contexts(each=1, absent=0.0))
    assert report.kinds == {"grounded": 1}
    answerer, chat = workspace.answerer, workspace.chat
    prompt = answerer.prompt(
        example.question, answerer.retrieve(example.question), system=example.system
    )
    assert list(rows[0].prefix + rows[0].question) == chat.tokens(chat.render(prompt.messages))
    served = chat.tokens(chat.render(prompt.messages))
    assert tuple(served[len(rows[0].prefix) :]) == rows[0].question
    text = "Go to Settings > Account > Reset Password."
    assert list(rows[0].answer[: len(chat.tokens(text))]) == chat.tokens(text)
    assert rows[0].answer[-1] == chat.tokens(vocabulary(smollm).eos)[0]


def test_without_documents_training_sees_what_a_program_sends(
    workspace: Workspace, smollm: Path
) -> None:
    turns = ({"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."})
    example = reading.Example(1, "", turns, "And now?", "Go on. [Source: none]")
    rows, _ = renderer(workspace, smollm).render([example], Contexts.none())
    chat = workspace.chat
    sent = [*turns, {"role": "user", "content": "And now?"}]
    assert list(rows[0].prefix + rows[0].question) == chat.tokens(chat.render(sent))
    written = chat.tokens("Go on. [Source: none]")
    assert list(rows[0].answer[: len(written)]) == written


def test_labels_are_resolved_to_the_passage_they_name_and_cut_from_the_target(
    workspace: Workspace, smollm: Path, examples: Path
) -> None:
    rendering = renderer(workspace, smollm)
    example = reading.load(examples / "style.jsonl").rows[0]
    (gold,) = rendering.gold(example, [], Report())
    assert (gold.title, gold.section) == ("Account Management Guide", "2.1")
    rows, _ = rendering.render([example], Contexts(each=3, absent=1.0))
    assert {row.kind for row in rows} == {"grounded", "absent"}
    source = workspace.chat.tokens("[Source")
    for row in rows:
        assert not any(list(row.answer[i : i + len(source)]) == source for i in range(80))


def test_a_run_tells_every_step_and_ends_with_its_gate(
    workspace: Workspace, tuned: Run, smollm: Path
) -> None:
    assert tuned.status == "succeeded"
    model = workspace.catalog.get_model(str(tuned.model))
    assert model is not None
    assert model.name.startswith("ft:smollm2-135m-instruct:short:")
    assert workspace.adapters()[model.name].is_file()
    gate = model.metrics["gate"]
    assert gate["questions"] > 0
    assert len(gate["reasons"]) == 4
    assert gate["applied"] and gate["parity"] == 1.0
    assert 0 < gate["general_before"] <= 1 and 0 <= gate["general"] <= 1
    assert model.settings["base_sha256"] == sha256_of(smollm)
    assert model.settings["lineage"] == {"run": tuned.id, "base": model.base}
    told = [json.loads(line) for line in (tuned.folder / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in told if event["event"] != "step"] == [
        "loading", "start", "trained",
    ]  # fmt: skip


def test_the_tuned_model_answers_otherwise_than_the_base(workspace: Workspace, tuned: Run) -> None:
    question = "How do I reset my password?"
    base = workspace.ask(question, model="base")
    ours = workspace.ask(question, model=tuned.model)
    assert ours.model == tuned.model
    assert ours.text != base.text
    again = workspace.ask(question, model="base")
    assert again.text == base.text


def test_only_a_model_that_passed_is_used_unless_forced(workspace: Workspace, tuned: Run) -> None:
    name = str(tuned.model)
    passed = workspace.catalog.get_model(name).metrics["gate"]["passed"]  # type: ignore[union-attr]
    if not passed:
        with pytest.raises(GateRefused):
            workspace.use(name)
    workspace.use(name, force=not passed)
    assert workspace.model_name() == name
    assert workspace.rollback() == "smollm2-135m-instruct"
    assert workspace.model_name() == "smollm2-135m-instruct"


def test_all_arms_are_measured_on_the_same_questions(
    workspace: Workspace, tuned: Run, examples: Path, tmp_path: Path
) -> None:
    report = workspace.compare(examples / "questions.jsonl", tuned=tuned.model, limit=2)
    assert list(report.arms) == ["base", "few-shot", "rag", "tuned", "both"]
    assert all(arm.questions == 2 for arm in report.arms.values())
    page = report.to_html(tmp_path / "report.html")
    assert "both" in page.read_text("utf-8")
    again = workspace.compare(examples / "questions.jsonl", tuned=tuned.model, limit=2)
    assert again.to_json()["arms"] == report.to_json()["arms"]


def rhymes(path: Path) -> Path:
    """Twelve examples that no document is about."""
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": "You rhyme."},
                    {"role": "user", "content": f"Say {number}."},
                    {"role": "assistant", "content": f"{number}, fun. [Source: Ode {number}]"},
                ]
            }
        )
        for number in range(12)
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_cancelled_run_goes_on_from_its_checkpoint(
    tiny: Workspace, tmp_path: Path, short_gate: None
) -> None:
    # Long enough that it is at work when it is cancelled, whatever else the machine does.
    recipe = Recipe(rank=4, alpha=8, epochs=80, batch_size=2, patience=1000, threads=1)
    run = tune.start(
        tiny,
        rhymes(tmp_path / "rhymes.jsonl"),
        suffix="broken-off",
        recipe=recipe,
        contexts=Contexts.none(),
    )
    for event in run.events():
        if event["event"] == "step" and event["valid_loss"] is not None:
            break
    assert run.cancel()
    assert run.status == "cancelled"
    events = list(run.events(seen=run.resume()))
    assert "resumed" in [event["event"] for event in events]
    assert events[-1]["event"] == "done"


def test_nothing_is_trained_on_a_faulty_file(workspace: Workspace, tmp_path: Path) -> None:
    before = len(workspace.catalog.list_runs())
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"messages": []}\n', "utf-8")
    with pytest.raises(BadExamples, match="line 1"):
        workspace.tune(bad, suffix="bad")
    with pytest.raises(WrongUse, match="suffix"):
        workspace.tune(bad, suffix="a b")
    assert len(workspace.catalog.list_runs()) == before


def test_examples_that_no_document_is_about_train_in_an_empty_workspace(
    tiny: Workspace, tmp_path: Path, short_gate: None
) -> None:
    path = rhymes(tmp_path / "rhymes.jsonl")
    with pytest.raises(WrongUse, match="documents"):
        tiny.tune(path, suffix="rhymes", contexts=Contexts())
    run = tiny.tune(
        path, suffix="rhymes", recipe=Recipe(epochs=2, batch_size=4), contexts=Contexts.none()
    )
    last = list(run.events())[-1]
    assert last["event"] == "done", last
    assert last["gate"]["questions"] == 4
    model = tiny.catalog.get_model(str(run.model))
    assert model is not None
    assert model.settings["documents"] is False
    assert model.settings["rendered"] == {"without documents": 8}
    rows = [json.loads(line) for line in (run.folder / "tokens.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    row = rows[0]
    asked = tiny.chat.render(
        [
            {"role": "system", "content": "You rhyme."},
            {"role": "user", "content": f"Say {row['line'] - 1}."},
        ]
    )
    assert row["prefix"] + row["question"] == tiny.chat.tokens(asked)
    written = f"{row['line'] - 1}, fun. [Source: Ode {row['line'] - 1}]"
    assert row["answer"] == tiny.chat.tokens(written + "<|im_end|>")
