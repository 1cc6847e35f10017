"""What was measured, and its forms: terminal table, Markdown, JSON, HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.figures import show_difference, show_interval, show_p, show_reach
from groundtone.evaluation.measures import MEASURES
from groundtone.evaluation.questions import Question
from groundtone.evaluation.scoring import Score
from groundtone.evaluation.statistics import Interval, Verdict

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class ArmMeasures:
    """One arm, measured.

    Attributes:
        name: the arm.
        model: the model that answered; several are joined by commas.
        questions: how many it answered.
        measures: by name (measures.MEASURES), the mean with its interval, None if not measured.
        failures: by kind of fault (measures.KINDS), how many questions show it; with several seeds,
            as the first one's model answered.
        seeds: how many models of one recipe answered, that differ in their training seed.
    """

    name: str
    model: str
    questions: int
    measures: Mapping[str, Interval | None]
    failures: Mapping[str, int]
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Arm ``a`` minus arm ``b`` in one measure, over the questions that both were measured on.

    Attributes:
        difference: mean of the differences with its 95% interval, in the measure's unit.
        p: two-sided, as tested. p_adjusted: after Holm's correction over this measure's pairs.
        verdict: whether ``a`` is better than ``b``, by interval and adjusted p together.
        not_worse: whether a loss of 5 points or more is ruled out; None for tokens and times.
        detectable: the smallest true difference that as many questions would prove in 80 of 100
            repetitions, in the measure's unit; None where no difference that the measure allows
            would be, or where all that were seen are equal.
        more_questions: how many further questions it would take to prove a difference as large as
            the one seen; 0 where it is proven, None where nobody could say or afford it, or where
            the training seeds lie too far apart for any number of questions.
        test: what `p` comes from.
    """

    a: str
    b: str
    measure: str
    difference: Interval
    p: float
    p_adjusted: float
    verdict: Verdict
    not_worse: bool | None
    detectable: float | None = None
    more_questions: int | None = None
    test: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One arm's answer to one question, judged.

    ``others`` are the answers of the arm's further models, with other training seeds.
    """

    outcome: Outcome
    score: Score
    others: tuple[Result, ...] = ()

    @property
    def all(self) -> tuple[Result, ...]:
        """This answer, then the others."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True)
class Row:
    """One question with the results of every arm that answered it, in the order of the arms."""

    question: Question
    results: Mapping[str, Result]


@dataclass(frozen=True)
class Report:
    """The whole comparison.

    Attributes:
        arms: by name, in the order asked.
        pairs: see :class:`Pair`.
        rows: per question.
        content: the measure that content is judged by: "correct", "f1" where gold answers are
            whole sentences, or "judge" where a model judges.
        versus: the arm that the others are held against.
        seed: of the resampling.
        style: name of the house style, None when none was given.
        notes: what the caller wants to stand in the method section.
        versions: of the software that measured.
    """

    arms: Mapping[str, ArmMeasures]
    pairs: Sequence[Pair]
    rows: Sequence[Row]
    content: str
    versus: str
    seed: int
    style: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The outcome in one or two sentences."""
        from groundtone.evaluation.verdict import sentence

        return sentence(self)

    def pair(self, a: str, b: str, measure: str) -> Pair | None:
        """The pair of these two arms in this order, None when it was not measured."""
        for pair in self.pairs:
            if (pair.a, pair.b, pair.measure) == (a, b, measure):
                return pair
        return None

    def shown_measures(self) -> list[str]:
        """Names of the measures that some arm has a number for, in the order of MEASURES."""
        return [
            name for name in MEASURES if any(arm.measures.get(name) for arm in self.arms.values())
        ]

    def key_measures(self) -> list[str]:
        """The measures whose differences matter first; all others are in the JSON."""
        wanted = (self.content, "format", "style", "citation_recall", "faithfulness", "tokens")
        shown = self.shown_measures()
        return [name for name in wanted if name in shown]

    def table(self) -> Table:
        """A rich table: a row per measure, a column per arm."""
        from rich.table import Table

        table = Table(title=self.verdict, title_justify="left", title_style="bold")
        table.add_column("", no_wrap=True)
        for name in self.arms:
            table.add_column(name, justify="right")
        for cells in self._cells():
            table.add_row(*cells)
        return table

    def remarks(self) -> list[str]:
        """What these questions could show, and what was not measured: lines for people."""
        from groundtone.evaluation.verdict import reach

        found = reach(self)
        return [found] if found else []

    def markdown(self) -> str:
        """The verdict, the table and the main pairs as Markdown, without a trailing line break."""
        head = ["", *self.arms]
        lines = [self.verdict, "", _line(head), _line(["---", *("---:" for _ in self.arms)])]
        lines += [_line(cells) for cells in self._cells()]
        if pairs := [pair for pair in self.pairs if pair.measure in self.key_measures()]:
            heads = ["pair", "measure", "difference [95%]", "p", "verdict", "detectable", "more"]
            lines += ["", _line(heads)]
            lines.append(_line(["---", "---", "---:", "---:", "---", "---:", "---:"]))
            lines += [
                _line(
                    [
                        f"{pair.a} − {pair.b}",
                        MEASURES[pair.measure].title,
                        show_difference(pair.difference, MEASURES[pair.measure].unit),
                        show_p(pair.p_adjusted),
                        pair.verdict,
                        show_reach(pair),
                        "–" if pair.more_questions is None else f"{pair.more_questions:,}",
                    ]
                )
                for pair in pairs
            ]
            lines += [
                "",
                "Detectable: the smallest true difference that as many questions would prove in 80 "
                "of 100 repetitions. More: further questions to prove a difference as large as "
                "this one.",
            ]
        if command := self.notes.get("Command"):
            lines += ["", f"    {command}"]
        return "\n".join(lines)

    def _cells(self) -> list[list[str]]:
        return [
            [
                MEASURES[name].title,
                *(
                    show_interval(arm.measures.get(name), MEASURES[name].unit)
                    for arm in self.arms.values()
                ),
            ]
            for name in self.shown_measures()
        ]

    def to_json(self) -> dict[str, Any]:
        """The report as plain values for ``json.dumps``; what was not measured is None.

        Each measure is ``{"value", "low", "high", "n"}`` in its unit: shares and scores 0 to 1,
        tokens, milliseconds, dollars. A group with a number of its own (style, refusal, tokens,
        latency, cost) is such a measure with its parts beside it.
        """
        return {
            "verdict": self.verdict,
            "content": self.content,
            "versus": self.versus,
            "seed": self.seed,
            "style": self.style,
            "notes": dict(self.notes),
            "versions": dict(self.versions),
            "arms": {name: _arm_json(arm) for name, arm in self.arms.items()},
            "pairs": [
                {
                    "a": pair.a,
                    "b": pair.b,
                    "measure": pair.measure,
                    "difference": pair.difference.value,
                    "low": pair.difference.low,
                    "high": pair.difference.high,
                    "n": pair.difference.n,
                    "p": pair.p,
                    "p_adjusted": pair.p_adjusted,
                    "verdict": pair.verdict,
                    "not_worse": pair.not_worse,
                    "detectable": pair.detectable,
                    "more_questions": pair.more_questions,
                    "test": pair.test,
                }
                for pair in self.pairs
            ],
            "questions": [_row_json(row) for row in self.rows],
        }

    def to_html(self, path: str | Path) -> Path:
        """Writes one self-contained HTML page (no request to anywhere) and returns its path."""
        from groundtone.evaluation.page import render

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(self), encoding="utf-8")
        return path


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _arm_json(arm: ArmMeasures) -> dict[str, Any]:
    def one(name: str) -> dict[str, Any] | None:
        interval = arm.measures.get(name)
        return None if interval is None else asdict(interval)

    def with_parts(name: str, **parts: str) -> dict[str, Any] | None:
        found = {part: one(measure) for part, measure in parts.items()}
        whole = one(name)
        if whole is None:
            return found if any(found.values()) else None
        return {**whole, **found}

    return {
        "model": arm.model or None,
        "n": arm.questions,
        "seeds": arm.seeds,
        "passed": one("passed"),
        "correctness": {
            name: one(name)
            for name in ("correct", "em", "f1", "contains", "all_words", "rouge_l", "judge")
        },
        "format": one("format"),
        "style": with_parts(
            "style", length_ratio="length_ratio", function_words="function_words", ngrams="ngrams"
        ),
        "citations": {
            "precision": one("citation_precision"),
            "recall": one("citation_recall"),
            "resolvable": one("citation_resolvable"),
            "right": one("citation_right"),
            "section": one("citation_section"),
            "cited_gold": one("cited_gold"),
            "gold_cited": one("gold_cited"),
        },
        "faithfulness": one("faithfulness"),
        "refusal": with_parts("refusal", right="refusal_right", wrong="refusal_wrong"),
        "tokens": with_parts("tokens", prompt="prompt_tokens", completion="completion_tokens"),
        "latency_ms": with_parts("total_ms", first_token="first_token_ms", total="total_ms"),
        "cost": with_parts("cost", per_passing_answer="cost_passing"),
        "failures": dict(arm.failures),
    }


def _row_json(row: Row) -> dict[str, Any]:
    question = row.question
    return {
        "id": question.id,
        "question": question.question,
        "answers": list(question.answers),
        "evidence": [asdict(evidence) for evidence in question.evidence],
        "answerable": question.answerable,
        "arms": {name: _result_json(result) for name, result in row.results.items()},
    }


def _result_json(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    value: dict[str, Any] = {
        "text": outcome.text,
        "refused": outcome.refused,
        "passed": result.score.passed,
        "reason": result.score.reason,
        "faults": [asdict(fault) for fault in result.score.faults],
        "scores": dict(result.score.values),
        "citations": list(outcome.citations),
        "passages": list(outcome.passages),
        "model": outcome.model or None,
    }
    if result.others:
        value["seeds"] = [_result_json(other) for other in result.others]
    return value
