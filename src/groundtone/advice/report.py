"""The advice, and its forms: terminal, Markdown, JSON, HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.advice.assessing import Finding
from groundtone.advice.bill import Bill
from groundtone.advice.costs import usd
from groundtone.advice.decision import Verdict
from groundtone.advice.glance import Row
from groundtone.advice.knowing import Disagreement, Evidence, shown

if TYPE_CHECKING:
    from rich.console import RenderableType

_SENTENCES: dict[Verdict, str] = {
    "prompt only": "A prompt is enough: neither an index nor training would pay here.",
    "RAG": "Retrieve from the documents, and leave the weights alone.",
    "fine-tune": "Train on examples; no documents are needed at answering time.",
    "both": "Retrieve the facts from the documents, and train the form on examples.",
    "not enough evidence yet": "What is known leaves more than one way open; these questions "
    "decide.",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that the verdict waits for.

    Attributes:
        key: of `questions.QUESTIONS`, "" for a contradiction.
        text: the question.
        how: how it can be answered: an option, or a command that measures it.
        matters: why it matters: the verdicts that it decides between.
    """

    key: str
    text: str
    how: str
    matters: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect of the way advised. ``how`` says what the value rests on."""

    what: str
    value: str
    how: str


@dataclass(frozen=True, slots=True)
class Advice:
    """RAG, fine-tuning, both or neither: the verdict with everything it rests on.

    Attributes:
        verdict: one of five.
        open: the verdicts that are still possible; the one verdict where there is enough evidence.
        reasons: what decides it, each with its numbers.
        others: what else is known and does not.
        questions: what the verdict waits for; empty where there is one.
        would_change: what would turn the verdict, and to what.
        commands: the next three.
        expectations: examples, time, latency.
        disagreements: where what was said is not what was observed; the observed is used.
        evidence: everything known, and how.
        bill: the money.
        glance: RAG and fine-tuning in general and here.
    """

    verdict: Verdict
    open: Sequence[Verdict]
    reasons: Sequence[Finding]
    others: Sequence[Finding]
    questions: Sequence[Ask]
    would_change: Sequence[str]
    commands: Sequence[str]
    expectations: Sequence[Expectation]
    disagreements: Sequence[Disagreement]
    evidence: Sequence[Evidence]
    bill: Bill
    glance: Sequence[Row]

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        return _SENTENCES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``: money in US dollars as numbers, unknown ones None."""
        value = {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "open": list(self.open),
            "reasons": [asdict(one) for one in self.reasons],
            "others": [asdict(one) for one in self.others],
            "questions": [asdict(one) for one in self.questions],
            "would_change": list(self.would_change),
            "commands": list(self.commands),
            "expectations": [asdict(one) for one in self.expectations],
            "disagreements": [str(one) for one in self.disagreements],
            "evidence": [asdict(one) for one in self.evidence],
            "costs": asdict(self.bill),
            "at_a_glance": [asdict(row) for row in self.glance],
        }
        plain: dict[str, Any] = _plain(value)
        return plain

    def markdown(self) -> str:
        """All of it as Markdown, without a trailing line break."""
        lines = [f"# {self.verdict}", "", self.sentence]
        for title, items in self.sections():
            lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
        for title, table in self.tables():
            head, *rows = table
            lines += ["", f"## {title}", "", _line(head), _line(["---"] * len(head))]
            lines += [_line(row) for row in rows]
        return "\n".join(lines)

    def shown(self) -> list[RenderableType]:
        """What a terminal shows."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        parts: list[RenderableType] = [Text(f"{self.verdict}: {self.sentence}", style="bold")]
        for title, items in self.sections():
            parts.append(Text(f"\n{title}", style="bold"))
            parts += [Text(f"  {'$ ' if title == _NEXT else '· '}{item}") for item in items]
        for title, (head, *rows) in self.tables():
            table = Table(
                title=f"\n{title}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
            )
            for number, name in enumerate(head):
                right = number > 0 and title != _GLANCE
                table.add_column(name, justify="right" if right else "left", overflow="fold")
            for row in rows:
                table.add_row(*row)
            parts.append(table)
        return parts

    def to_html(self, path: str | Path) -> Path:
        """Writes one self-contained HTML page (no request to anywhere) and returns its path."""
        from groundtone.advice.page import render

        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(self), encoding="utf-8")
        return path

    def sections(self) -> list[tuple[str, list[str]]]:
        """The lists of sentences, each with its title; empty ones are left out."""
        asked = [f"{one.text} {one.how} {one.matters}".strip() for one in self.questions]
        expected = [f"{one.what}: {one.value} ({one.how})" for one in self.expectations]
        found = [
            ("Questions", asked),
            (
                "Why" if self.verdict != "not enough evidence yet" else "What decides",
                [_told(one) for one in self.reasons],
            ),
            ("Said otherwise than observed", [str(one) for one in self.disagreements]),
            ("What would change it", list(self.would_change)),
            (_NEXT, list(self.commands)),
            ("What to expect", expected),
            ("Also known", [_told(one) for one in self.others]),
            ("About the money", list(self.bill.notes)),
        ]
        return [(title, items) for title, items in found if items]

    def tables(self) -> list[tuple[str, list[list[str]]]]:
        """Costs, break-even, sensitivity, at a glance, evidence: titles and cells, heads first."""
        found = [
            ("What it costs", _cost_rows(self.bill)),
            ("When training has paid", _paid_rows(self.bill)),
            ("What moves the costs", shift_rows(self.bill)),
            (_GLANCE, _glance_rows(self.glance)),
            ("What this rests on", _evidence_rows(self.evidence)),
        ]
        return [(title, rows) for title, rows in found if len(rows) > 1]


_NEXT = "Next"
_GLANCE = "RAG and fine-tuning at a glance"


def _told(finding: Finding) -> str:
    return f"{finding.reason} [{finding.how}]"


def _cost_rows(bill: Bill) -> list[list[str]]:
    rows = [
        ["", "priced as", "prompt", "written", "a question", "a thousand", "a month", "one passing"]
    ]
    rows += [
        [
            line.arm.name,
            line.priced_as + (" (old)" if line.stale else ""),
            f"{line.arm.prompt_tokens:,.0f}",
            f"{line.arm.completion_tokens:,.0f}",
            usd(line.query),
            usd(line.thousand),
            usd(line.month),
            usd(line.passing),
        ]
        for line in bill.lines
    ]
    return rows


def _paid_rows(bill: Bill) -> list[list[str]]:
    rows = [["", "training", "examples", "answers", "months"]]
    rows += [
        [
            f"“{one.with_}” for “{one.without}”",
            usd(bill.training),
            usd(bill.data),
            "never" if one.answers is None else f"{one.answers:,.0f}",
            "never" if one.months is None and one.counted else months(one.months),
        ]
        for one in bill.break_even
    ]
    return rows


def shift_rows(bill: Bill) -> list[list[str]]:
    """The sensitivity table; a month's costs, or a thousand answers' where no volume is known."""
    unit = "a thousand" if bill.assumptions.volume is None else "a month"
    names = [line.arm.name for line in bill.lines]
    rows = [[unit, *names, "break-even"]]
    if all(line.query is None for line in bill.lines):
        return rows
    rows += [
        [
            shift.what,
            *(usd(shift.months[name]) for name in names),
            ("never" if bill.break_even else "–")
            if shift.answers is None
            else f"{shift.answers:,.0f} answers",
        ]
        for shift in bill.shifts
    ]
    return rows


def _glance_rows(rows: Sequence[Row]) -> list[list[str]]:
    head = ["", "RAG", "Fine-tuning", "Here"]
    return [head, *([row.what, row.rag, row.tuned, row.here] for row in rows)]


def _evidence_rows(evidence: Sequence[Evidence]) -> list[list[str]]:
    head = ["", "value", "how", "from"]
    return [head, *([one.key, shown(one), one.how, one.source] for one in evidence)]


def months(count: Decimal | None) -> str:
    """Months for people: 4.2, or – for what is not known."""
    return "–" if count is None else f"{count:,.1f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
