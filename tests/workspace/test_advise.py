"""What a workspace shows of its own need: history, log, comparison, style, examples, machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.catalog import DocumentInfo, StoredAnswer, StoredModel, StoredSync
from groundtone.errors import WrongUse
from groundtone.workspace import compared, observing, predicting

DAY = observing.DAY_S
NOW = time.time()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace without documents or weights."""
    monkeypatch.setattr(observing, "hardware", lambda workspace: None)
    with Workspace.create(tmp_path / "kb") as workspace:
        yield workspace


def logged(number: int, days_ago: float, *, cited: bool = True, tokens: int = 900) -> StoredAnswer:
    told = {
        "answer": "Yes. [1]",
        "refused": not cited,
        "citations": [{"document": "a.md"}] if cited else [],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 40, "cost_usd": 0.0},
        "timings_ms": {"search": 100.0 + number, "total": 2000.0},
        "passages": [{}, {}, {}],
        "stopped": False,
    }
    return StoredAnswer(f"answer-{number:012x}", "?", "base", told, created_at=NOW - days_ago * DAY)


def fill(workspace: Workspace, count: int, days: float, **more: Any) -> None:
    for number in range(count):
        workspace.catalog.put_answer(logged(number, days * (1 - number / count), **more))


def seen(workspace: Workspace, **options: Any) -> dict[str, tuple[Any, str]]:
    return {one.key: (one.value, one.how) for one in workspace.advise(**options).evidence}


def test_how_often_documents_change_is_seen_in_the_history(empty: Workspace) -> None:
    for sync in (
        StoredSync(NOW - 20 * DAY, 1, added=100, updated=0, deleted=0, documents=100, sources=1),
        StoredSync(NOW - 10 * DAY, 1, added=2, updated=6, deleted=2, documents=100, sources=1),
        StoredSync(NOW - 5 * DAY, 1, added=50, updated=0, deleted=0, documents=150, sources=2),
    ):
        empty.catalog.put_sync(sync)
    value, how = seen(empty)["changes"]
    # 10 changes of 125 documents on average in 15 days; the second source's 50 are none.
    assert (value, how) == (pytest.approx(10 / 125 / 15 * 30.4), "observed")


def test_a_short_history_shows_nothing(empty: Workspace) -> None:
    for hours in (3, 2, 1):
        empty.catalog.put_sync(StoredSync(NOW - hours * 3600, 1, 9, 9, 9, 10, 1))
    fill(empty, 20, days=2)
    assert not {"changes", "volume"} & seen(empty).keys()


def test_a_busy_log_is_counted_whole(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "LEDGER", 20)
    fill(empty, 100, days=10)  # the newest 20 span two days
    (volume,) = [one for one in empty.advise().evidence if one.key == "volume"]
    assert volume.value == pytest.approx(10 * 30.4, rel=0.01)
    assert volume.source == "100 logged answers in 10 days"


def test_the_log_shows_volume_facts_and_prompts(empty: Workspace) -> None:
    fill(empty, 40, days=20)
    advice = empty.advise()
    found = {one.key: one for one in advice.evidence}
    assert found["volume"].value == pytest.approx(40 / 20 * 30.4, rel=0.01)
    assert found["facts"].value is True
    assert found["long_prompts"].value is False, "900 less three passages of 240 is little"
    (latency,) = [one for one in advice.expectations if one.what == "Finding passages"]
    assert latency.value == "120 ms an answer"
    assert [line.arm.name for line in advice.bill.lines] == ["rag"]
    assert advice.bill.lines[0].arm.prompt_tokens == 900


def test_a_log_of_refusals_shows_no_need_of_facts(empty: Workspace) -> None:
    fill(empty, 40, days=20, cited=False)
    assert "facts" not in seen(empty)


def test_long_prompts_are_seen(empty: Workspace) -> None:
    fill(empty, 12, days=1, tokens=3500)
    assert seen(empty)["long_prompts"] == (True, "observed")


def test_style_and_examples_are_seen(empty: Workspace, examples: Path) -> None:
    assert not {"format", "citations", "examples"} & seen(empty).keys()
    (empty.folder / "style.toml").write_text((examples / "style.toml").read_text("utf-8"), "utf-8")
    told = seen(empty, examples=examples / "style.jsonl")
    assert told["format"] == told["citations"] == (True, "observed")
    assert told["examples"] == (430.0, "observed")


def test_time_to_train_is_by_the_last_run_where_there_was_one(empty: Workspace) -> None:
    advice = empty.advise(answers={"examples": 100})
    (guess,) = [one for one in advice.expectations if one.what == "One training here"]
    assert "assumed" in guess.how
    empty.catalog.put_model(
        StoredModel(
            "ft:x:y:z",
            "smollm2-135m-instruct",
            "alora",
            "",
            "",
            metrics={"seconds": 100.0, "trained_tokens": 100_000},
        )
    )
    for name, base, kind in (
        ("ft:gpt-4.1-mini:x:1", "gpt-4.1-mini", "remote"),
        ("ft:other:x:2", "gguf:other.gguf", "alora"),
    ):  # newer, and neither says how quick this base is trained here
        metrics = {"seconds": 1.0, "trained_tokens": 5_000_000}
        empty.catalog.put_model(StoredModel(name, base, kind, "", "", metrics=metrics))
    predicted = predicting.predict(empty, 100)
    assert predicted is not None
    assert predicted.measured
    assert predicted.seconds == pytest.approx(predicted.tokens / 1000)


def test_a_provider_trains_where_it_has_a_price_for_it(tmp_path: Path) -> None:
    for model, trains in (("gpt-4.1-mini", True), ("gpt-5", False)):
        folder = tmp_path / model
        folder.mkdir()
        (folder / "groundtone.toml").write_text(f'[chat]\nmodel = "openai:{model}"\n', "utf-8")
        with Workspace.open(folder) as workspace:
            advice = workspace.advise(answers={"examples": 100}, report=comparison())
            found = {one.key: one for one in advice.evidence}
            assert ("hardware" in found) is trains
            assert not [one for one in advice.expectations if one.what == "One training here"]
            priced = workspace.advise(
                answers={"examples": 100}, report=comparison(), price_as=model
            ).bill
            # 100 examples of 1,740 tokens, three epochs, at 5 dollars a million
            assert (float(priced.training) if priced.training else None) == (
                pytest.approx(2.61) if trains else None
            )


def comparison(*, form: float = 0.3, both: str = "better") -> dict[str, Any]:
    def share(value: float) -> dict[str, Any]:
        return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 120}

    def arm(passed: float, prompt: float, written: float, form: float) -> dict[str, Any]:
        return {
            "model": "smollm2-135m-instruct",
            "passed": share(passed),
            "format": share(form),
            "citations": {"resolvable": share(0.95)},
            "refusal": {"right": share(0.7)},
            "tokens": {"prompt": share(prompt), "completion": share(written)},
            "latency_ms": {"total": share(2000)},
        }

    def pair(a: str, b: str, measure: str, verdict: str) -> dict[str, Any]:
        size = {"better": 0.2, "worse": -0.2}.get(verdict, 0.01)
        return {
            "a": a,
            "b": b,
            "measure": measure,
            "difference": size,
            "low": size - 0.1,
            "high": size + 0.1,
            "n": 120,
            "verdict": verdict,
        }

    return {
        "content": "correct",
        "arms": {
            "base": arm(0.02, 90, 60, 0.1),
            "rag": arm(0.3, 700, 60, form),
            "both": arm(0.6, 700, 40, 0.95),
        },
        "pairs": [
            pair("base", "rag", "correct", "worse"),
            pair("both", "rag", "passed", both),
            pair("both", "rag", "format", both),
            pair("both", "rag", "correct", "no proven difference"),
        ],
    }


ANSWERS = {
    "examples": 200,
    "hardware": "yes",
    "format": "yes",
    "changes": "weekly",
    "corpus_tokens": 100_000,
}


def test_a_comparison_is_evidence(empty: Workspace) -> None:
    advice = empty.advise(report=comparison(), answers={**ANSWERS, "facts": "no"})
    found = {one.key: one for one in advice.evidence}
    assert found["facts"].value is True, "rag beat base in content, whichever way round it is told"
    assert found["format_failures"].value == pytest.approx(0.7)
    assert found["format_failures"].how == "observed"
    assert "worked examples in the prompt were not tried" in found["format_failures"].source
    assert [one.key for one in advice.disagreements] == ["facts"]
    assert advice.verdict == "both"
    assert {line.arm.name for line in advice.bill.lines} == {"base", "rag", "both"}
    (best,) = [row.here for row in advice.glance if row.what == "Best for"]
    assert best == "passed: base 2%, rag 30%, both 60%"


@pytest.mark.parametrize("outcome", ["no proven difference", "worse"])
def test_training_that_brought_nothing_is_not_advised_again(empty: Workspace, outcome: str) -> None:
    advice = empty.advise(report=comparison(both=outcome), answers=ANSWERS)
    assert advice.verdict == "RAG"
    assert any(one.respect == "gains" and outcome in one.reason for one in advice.reasons)


def test_the_last_comparison_is_found_again(empty: Workspace) -> None:
    class Told:
        def to_json(self) -> dict[str, Any]:
            return comparison()

    assert compared.latest(empty.state) is None
    compared.keep(Told(), empty.state)  # type: ignore[arg-type]
    assert empty.advise(answers=ANSWERS).verdict == "both"


def test_something_else_is_no_comparison(tmp_path: Path) -> None:
    for text in ("[]", "{", json.dumps({"arms": {}})):
        (tmp_path / "x.json").write_text(text, "utf-8")
        with pytest.raises(WrongUse):
            compared.load(tmp_path / "x.json")
    with pytest.raises(WrongUse):
        compared.load(tmp_path / "missing.json")


def test_prices_of_the_workspace_are_used(empty: Workspace) -> None:
    (empty.folder / "prices.toml").write_text("[hardware]\nper_hour = 3.60\n", "utf-8")
    bill = empty.advise(report=comparison(), answers={"volume": 1000}).bill
    assert [float(line.month or 0) for line in bill.lines] == [2.0, 2.0, 2.0]
    priced = empty.advise(report=comparison(), price_as="gpt-4.1-mini").bill
    assert {line.priced_as for line in priced.lines} == {"gpt-4.1-mini", "ft:gpt-4.1-mini"}


def test_nothing_is_a_number_too(empty: Workspace, tmp_path: Path) -> None:
    answers = {"volume": 0, "tolerated": 0, "changes": "5%", "examples": 100}
    advice = empty.advise(report=comparison(), price_as="gpt-4.1-mini", answers=answers)
    assumed = advice.bill.assumptions
    assert (assumed.volume, assumed.tolerated) == (0.0, 0.0)
    (again,) = [one for one in advice.expectations if one.what.startswith("Training again")]
    assert again.value == "at every change, and still late"
    assert "0% may be out of date" in again.how
    advice.to_html(tmp_path / "advice.html")
    assert json.loads(json.dumps(advice.to_json()))["costs"]["assumptions"]["volume"] == 0


def test_a_document_is_measured_by_its_characters(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Some:
        characters = 4000
        title = ""

    documents: list[DocumentInfo] = [Some()] * 3  # type: ignore[list-item]
    monkeypatch.setattr(empty.catalog, "documents", lambda: documents)
    assert seen(empty)["corpus_tokens"] == (3000.0, "observed")


@pytest.mark.slow
def test_a_few_steps_measure_the_speed(empty: Workspace, smollm: Path) -> None:
    pytest.importorskip("torch", reason="the tune extra is not installed")
    rate = predicting.calibration(empty, 128)
    assert rate is not None
    assert rate > 0
    assert not list(empty.state.glob("calibration-*"))
    assert not empty.catalog.list_runs()
