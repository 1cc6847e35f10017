"""RAG or fine-tuning, here: what the workspace shows, what one knows oneself, and the money."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fastapi import Request
from nicegui import ui

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.web import charts
from groundtone.web.elements import badge, empty, field, form, node
from groundtone.web.layout import Visit, announce, frame

if TYPE_CHECKING:
    from groundtone.advice.bill import Bill, Line
    from groundtone.advice.questions import Question
    from groundtone.advice.report import Advice

SAID = "web_advice"  # the fact under which answers are kept
STEPS = 24  # points of a line of the chart
LOW, HIGH = 2.0, 6.0  # of the slider, in powers of ten of questions a month
MONTHS = 12  # over which training is spread
VERDICTS = {"not enough evidence yet": "busy"}


@ui.page("/advise")
async def advise(request: Request) -> None:
    """The questions, the verdict, the cost."""
    with frame(request, "advise", "Advise") as here:
        if not here.visitor.may("tune") or not here.visitor.unlimited:
            empty("Not with this key", "It needs the scope “tune” and every document.")
            return
        node("h1", "Advise")
        node(
            "p",
            "Retrieval, training, both or neither? What the workspace shows is filled in already; "
            "say the rest.",
            "lead",
        )
        await AdvisePage(here).show()


class AdvisePage:
    """The page; every answer changes the verdict at once."""

    def __init__(self, here: Visit) -> None:
        self._workspace = here.workspace
        self._said: dict[str, str] = json.loads(self._workspace.catalog.fact(SAID) or "{}")

    async def show(self) -> None:
        """Make it."""
        with node("div", classes="advise"):
            self._verdict = node("div", aria_live="polite")
            with self._verdict:
                node("p", "Looking at the workspace …", "state")
            self._questions = node("div")
        # Counting takes longer than a page may: it is shown first, and filled then.
        ui.timer(0.05, self._advise, once=True)

    async def _advise(self) -> None:
        from groundtone.workspace.advise import advise as decide

        try:
            advice = await asyncio.to_thread(decide, self._workspace, answers=dict(self._said))
        except GroundtoneError as error:
            self._verdict.clear()
            with self._verdict:
                node("p", str(error), "fault", role="alert")
            return
        self._verdict.clear()
        with self._verdict:
            _verdict(advice)
            _Costs(advice.bill).show()
        self._questions.clear()
        with self._questions:
            self._form(advice)

    def _form(self, advice: Advice) -> None:
        from groundtone.advice.knowing import shown
        from groundtone.advice.questions import ASKED, QUESTIONS

        observed = {one.key: one for one in advice.evidence if one.how == "observed"}
        with node("section", classes="section"):
            node("h2", "What it rests on")
            with form(self._answered, "answers"):
                for key in ASKED:
                    question = QUESTIONS[key]
                    if key in observed:
                        with node("div", classes="known"):
                            node("p", question.text, "field-label")
                            with node("p"):
                                badge(shown(observed[key]), "good")
                                node("span", f" seen: {observed[key].source}", "hint")
                    else:
                        self._question(question)
                with node("div", classes="buttons"):
                    node("button", "Advise again", "button primary", type="submit")

    def _question(self, question: Question) -> None:
        from groundtone.advice.questions import OFTEN, form

        said = self._said.get(question.key, "")
        if question.kind == "yes":
            with node("fieldset", classes="yes-no"):
                node("legend", question.text, "field-label")
                for value, text in (("yes", "Yes"), ("no", "No"), ("", "I do not know")):
                    with node("label", classes="check"):
                        node(
                            "input",
                            type="radio",
                            name=question.key,
                            value=value,
                            checked=said == value,
                        )
                        node("span", text)
            return
        examples = ", ".join(OFTEN) if question.kind == "rate" else question.unit
        field(question.text, question.key, said, hint=form(question), placeholder=examples)

    async def _answered(self, fields: dict[str, str]) -> None:
        from groundtone.advice.questions import read

        said = {key: value.strip() for key, value in fields.items() if value.strip()}
        try:
            for key, value in said.items():
                read(key, value)
        except WrongUse as error:
            announce(str(error), "bad")
            return
        self._said = said
        kept = json.dumps(said)
        await asyncio.to_thread(self._workspace.catalog.remember, SAID, kept)
        await self._advise()
        with self._verdict:  # the form that was sent is gone
            announce("The advice is up to date.")


def _verdict(advice: Advice) -> None:
    with node("section", classes="card verdict"):
        with node("h2"):
            node("span", f"{advice.verdict[0].upper()}{advice.verdict[1:]} ")
            if advice.verdict in VERDICTS:
                badge(f"still open: {', '.join(advice.open)}", VERDICTS[advice.verdict])
        node("p", advice.sentence, "lead")
        _list("Because", [one.reason for one in advice.reasons])
        _list("It waits for", [f"{one.text} {one.how}" for one in advice.questions])
        _list("Said otherwise than seen", [str(one) for one in advice.disagreements])
        _list("What would change it", advice.would_change)
        if advice.expectations:
            node("h3", "What to expect")
            with node("dl", classes="plain-facts"):
                for one in advice.expectations:
                    with node("div"):
                        node("dt", one.what)
                        node("dd", f"{one.value} ({one.how})")
        if advice.commands:
            node("h3", "Next")
            for command in advice.commands:
                node("p", command, "command mono")


def _list(title: str, lines: Any) -> None:
    shown = [str(line) for line in lines]
    if shown:
        node("h3", title)
        with node("ul", classes="points"):
            for line in shown:
                node("li", line)


class _Costs:
    """What a month costs, by the number of questions; the number is chosen by a slider."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._lines = [line for line in bill.lines if None not in (line.query, line.monthly)]

    def show(self) -> None:
        """Make the chart and its slider."""
        import math

        with node("section", classes="section"):
            node("h2", "What it costs")
            if not self._lines:
                node("p", "Nothing can be priced yet.", "note")
                _list("", self._bill.notes)
                return
            volume = self._bill.assumptions.volume or 10_000
            power = min(max(math.log10(max(volume, 1)), LOW), HIGH)
            with node("label", classes="field"):
                self._told = node("span", "", "field-label")
                slider = node(
                    "input",
                    type="range",
                    min=LOW,
                    max=HIGH,
                    step=0.05,
                    value=round(power, 2),
                    aria_label="Questions a month, by powers of ten",
                )
            slider.on(
                "input",
                lambda event: self._draw(float(event.args)),
                js_handler="e => emit(e.target.value)",
                throttle=0.15,
            )
            self._box = node("div")
            self._draw(power)
            _list("", self._bill.notes)

    def _draw(self, power: float) -> None:
        volume = 10**power
        self._told.text = f"{volume:,.0f} questions a month"
        series = []
        for line in self._lines:
            points = [
                (volume * step / STEPS, self._month(line, volume * step / STEPS))
                for step in range(STEPS + 1)
            ]
            series.append((line.arm.name, points))
        self._box.clear()
        with self._box:
            charts.lines("Dollars a month", series, x_name="questions", unit="$")
            self._break_even()

    def _month(self, line: Line, volume: float) -> float:
        """Dollars a month, training spread over a year."""
        from groundtone.advice.bill import TUNED

        assert line.query is not None and line.monthly is not None
        once = (self._bill.setup or Decimal(0)) / MONTHS if line.arm.name in TUNED else Decimal(0)
        return float(line.query * Decimal(str(volume)) + line.monthly + once)

    def _break_even(self) -> None:
        for one in self._bill.break_even:
            told = "never" if one.answers is None else f"after {one.answers:,.0f} answers"
            node("p", f"Training has paid, {one.with_} against {one.without}: {told}.", "note")
