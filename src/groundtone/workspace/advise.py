"""RAG or fine-tuning, for this workspace: what it shows, what somebody says, and the money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.advice import questions as asking
from groundtone.advice.advising import Measured, Place
from groundtone.advice.advising import advise as decide
from groundtone.advice.assessing import Context
from groundtone.advice.bill import Assumptions, draw_up
from groundtone.advice.knowing import Known
from groundtone.advice.prices import load_prices
from groundtone.advice.report import Advice, Expectation
from groundtone.workspace import compared, observing, predicting

if TYPE_CHECKING:
    from groundtone.catalog import StoredAnswer
    from groundtone.evaluation.report import Report
    from groundtone.workspace.predicting import Prediction
    from groundtone.workspace.workspace import Workspace


def advise(
    workspace: Workspace,
    *,
    report: Report | Path | Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | Path | None = None,
    examples: Path | None = None,
    price_as: str = "",
    calibrate: bool = False,
) -> Advice:
    """Say whether to prompt, retrieve, train or both, and why; see docs/advise.md.

    Args:
        report: a comparison, or the JSON of one; None takes the workspace's last.
        answers: by the keys of `groundtone.advice.questions.QUESTIONS`, or a file of them; what
            the workspace shows wins over them.
        examples: a file of examples to count; None takes those of the newest tuned model, or
            ``style.jsonl`` in the workspace.
        price_as: price the measured tokens as this model's.
        calibrate: train for a few steps to measure the speed.

    Raises:
        WrongUse: an answer that is none, or a file that cannot be read.
        SettingsError: a fault in the workspace's ``prices.toml``.
    """
    told = _comparison(workspace, report)
    log = [a for a in workspace.catalog.list_answers(observing.LEDGER) if not _unfinished(a)]
    examples = examples or _examples(workspace)
    seen = observing.observe(workspace, examples, log)
    said = _said(answers)
    seen += compared.evidence(told) if told else ()
    if "long_prompts" not in {*said, *(one.key for one in seen)}:
        seen.append(observing.instructions(workspace))
    known = Known.of(said, seen)
    training = predicting.predict(workspace, known.number("examples") or 0, calibrate=calibrate)
    arms = compared.arms(told) if told else observing.logged_arms(workspace, log)
    bill = draw_up(arms, _assumptions(known, training, price_as), load_prices(workspace.folder))
    return decide(
        known,
        bill,
        Context(
            context_tokens=workspace.settings.chat.context_tokens,
            training_hours=training.seconds / 3600 if training and training.seconds else None,
            trained=compared.trained(told) if told else None,
        ),
        Place(
            documents=workspace.catalog.counts()[0],
            examples=str(examples or ""),
            questions=_beside(workspace, "questions.jsonl"),
            tuned=models[-1].name if (models := workspace.catalog.list_models()) else "",
        ),
        _measured(workspace, known, told, log, training),
    )


def _said(answers: Mapping[str, Any] | Path | None) -> dict[str, asking.Value]:
    if answers is None:
        return {}
    if isinstance(answers, Path):
        return asking.load(answers)
    return {key: asking.read(key, value) for key, value in answers.items()}


def _comparison(
    workspace: Workspace, report: Report | Path | Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if isinstance(report, Path):
        return compared.load(report)
    if isinstance(report, Mapping):
        return report
    if report is not None:
        return report.to_json()
    return compared.latest(workspace.state)


def _unfinished(answer: StoredAnswer) -> bool:
    return bool(answer.answer.get("stopped"))


def _examples(workspace: Workspace) -> Path | None:
    for model in reversed(workspace.catalog.list_models()):
        path = Path(str(model.settings.get("examples", "")))
        if path.is_file():
            return path
    beside = workspace.folder / "style.jsonl"
    return beside if beside.is_file() else None


def _beside(workspace: Workspace, name: str) -> str:
    return name if (workspace.folder / name).is_file() else ""


def _assumptions(known: Known, training: Prediction | None, price_as: str) -> Assumptions:
    data, cached, tolerated = (known.number(key) for key in ("data_cost", "cached", "tolerated"))
    return Assumptions(
        volume=known.number("volume"),
        cached=cached or 0.0,
        price_as=price_as,
        training_tokens=training.tokens if training else None,
        training_seconds=training.seconds if training else None,
        data=None if data is None else Decimal(str(data)),
        changes=known.number("changes"),
        **({} if tolerated is None else {"tolerated": tolerated}),
    )


def _measured(
    workspace: Workspace,
    known: Known,
    told: Mapping[str, Any] | None,
    log: Sequence[StoredAnswer],
    training: Prediction | None,
) -> Measured:
    expected, here = [], dict(compared.glance(told)) if told else {}
    models, counts = workspace.catalog.list_models(), workspace.catalog.counts()
    active = workspace.catalog.active_model() or "the base"
    here["weights"] = f"{len(models)} tuned models; in use: {active}"
    here["deployment"] = f"{counts[0]:,} documents, {counts[1]:,} chunks in the index"
    changes, examples = known.get("changes"), known.get("examples")
    if changes is not None and changes.how == "observed":
        here["data"] = changes.source
    if examples is not None and examples.how == "observed":
        here["expertise"] = examples.source
    parts = []
    if found := observing.latency(workspace, log):
        value = f"{found.milliseconds:,.0f} ms an answer"
        expected.append(Expectation("Finding passages", value, found.source))
        parts.append(f"passages found in {found.milliseconds:,.0f} ms")
    if training is not None and training.seconds is not None:
        value = _hours(training.seconds)
        expected.append(Expectation("One training here", value, training.source))
        how = "" if training.measured else ", speed assumed"
        parts.append(f"one training {value}{how}")
    if parts:
        here["compute"] = "; ".join(parts)
    return Measured(expected, here)


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
