"""What a comparison shows of a workspace's need; a report, or the JSON of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.advice.assessing import Outcome, Trained
from groundtone.advice.bill import Arm
from groundtone.advice.knowing import Evidence
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report

PROMPTING = ("few-shot+rag", "rag", "few-shot", "base")
_TRAINED = (("both", "few-shot+rag"), ("both", "rag"), ("tuned", "few-shot"), ("tuned", "base"))
LATEST = Path("reports") / "latest.json"
Told = Mapping[str, Any]


def keep(report: Report, state: Path) -> None:
    """Leave a report where `latest` finds it."""
    path = state / LATEST
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(report.to_json(), ensure_ascii=False), "utf-8")
    partial.replace(path)


def latest(state: Path) -> Told | None:
    """The workspace's last comparison; None where there was none."""
    path = state / LATEST
    return load(path) if path.is_file() else None


def load(path: Path) -> Told:
    """The JSON that ``compare --json`` printed.

    Raises:
        WrongUse: it cannot be read, or is something else.
    """
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise WrongUse(
            f"{path} is no JSON: {error}.", "Name what compare --json printed."
        ) from None
    if not isinstance(told, dict) or not {"arms", "pairs", "content"} <= told.keys():
        raise WrongUse(f"{path} is no comparison.", "Name what `compare --json` printed.")
    return told


def evidence(told: Told) -> Iterator[Evidence]:
    """What it shows of facts and form."""
    pair = _pair(told, "rag", "base", told["content"])
    if pair is not None and pair["verdict"] in ("better", "worse"):
        source = f"comparison: content with documents {_points(pair)}"
        yield Evidence("facts", pair["verdict"] == "better", "observed", source)
    kept = [
        (name, measure)
        for name in PROMPTING
        if (measure := (told["arms"].get(name) or {}).get("format"))
    ]
    if kept:
        name, best = max(kept, key=lambda one: one[1]["value"])
        source = f"comparison: “{name}”, {best['n']} questions"
        if not any(tried.startswith("few-shot") for tried, _ in kept):
            source += "; worked examples in the prompt were not tried"
        yield Evidence(
            "format_failures",
            1 - best["value"],
            "observed",
            source,
            low=1 - best["high"],
            high=1 - best["low"],
        )


def trained(told: Told) -> Trained | None:
    """What training was measured to bring: the strongest arm with it against one without."""
    for a, b in _TRAINED:
        passed, form = _pair(told, a, b, "passed"), _pair(told, a, b, "format")
        content = _pair(told, a, b, told["content"])
        pairs = [pair for pair in (passed, form, content) if pair is not None]
        if not pairs:
            continue
        lost = [pair for pair in (passed, content) if pair is not None and _is(pair, "worse")]
        won = [pair for pair in pairs if _is(pair, "better")]
        shown = lost or won or pairs[:1]
        words = "; ".join(f"{pair['measure']} {_points(pair)}" for pair in shown)
        verdict: Outcome = "worse" if lost else "better" if won else "no proven difference"
        return Trained(
            verdict,
            f"Training measured, “{a}” beside “{b}”: {words}: {verdict}.",
            max(int(pair["n"]) for pair in pairs),
        )
    return None


def arms(told: Told) -> list[Arm]:
    """Every arm that tokens and times were measured of."""
    found = []
    for name, arm in told["arms"].items():
        tokens, times = arm.get("tokens") or {}, arm.get("latency_ms") or {}
        prompt, written = tokens.get("prompt"), tokens.get("completion")
        total = times.get("total")
        if prompt and written and total:
            passed = arm.get("passed")
            found.append(
                Arm(
                    name,
                    str(arm.get("model") or "").split(",")[0].strip(),
                    prompt["value"],
                    written["value"],
                    total["value"] / 1000,
                    passed["value"] if passed else None,
                    f"comparison, {prompt['n']} questions",
                )
            )
    return found


def glance(told: Told) -> Iterator[tuple[str, str]]:
    """For the table at a glance."""
    shares: dict[str, tuple[str, Callable[[Told], Any]]] = {
        "traceable": (
            "citations that open",
            lambda arm: (arm.get("citations") or {}).get("resolvable"),
        ),
        "hallucination": (
            "unanswerable refused",
            lambda arm: (arm.get("refusal") or {}).get("right"),
        ),
        "best": ("passed", lambda arm: arm.get("passed")),
    }
    for key, (words, measure) in shares.items():
        each = [
            f"{name} {found['value']:.0%}"
            for name, arm in told["arms"].items()
            if (found := measure(arm))
        ]
        if each:
            yield key, f"{words}: {', '.join(each)}"


def _pair(told: Told, a: str, b: str, measure: str) -> Told | None:
    """The pair in this order, or turned round."""
    for pair in told["pairs"]:
        if pair["measure"] != measure:
            continue
        if (pair["a"], pair["b"]) == (a, b):
            return dict(pair)
        if (pair["a"], pair["b"]) == (b, a):
            other = {"better": "worse", "worse": "better"}
            ends = {"difference": -pair["difference"], "low": -pair["high"], "high": -pair["low"]}
            verdict = other.get(pair["verdict"], pair["verdict"])
            return {**pair, **ends, "a": a, "b": b, "verdict": verdict}
    return None


def _is(pair: Told, verdict: str) -> bool:
    return bool(pair["verdict"] == verdict)


def _points(pair: Told) -> str:
    """``+12.0 points [+3.1, +20.4], 60 questions``."""
    ends = f"[{100 * pair['low']:+.1f}, {100 * pair['high']:+.1f}]"
    return f"{100 * pair['difference']:+.1f} points {ends}, {pair['n']} questions"
