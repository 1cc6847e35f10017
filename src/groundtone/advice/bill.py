"""What each arm costs a question, a thousand, a month; when training has paid; what moves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from groundtone.advice import costs
from groundtone.advice.prices import Price, Prices

TUNED = ("tuned", "both")
PAIRS = (
    ("few-shot+rag", "both"),
    ("rag", "both"),
    ("few-shot", "tuned"),
    ("base", "tuned"),
    ("rag", "tuned"),
)
"""Arms without training, and what could stand in their place with it."""
HERE = "this machine"


@dataclass(frozen=True, slots=True)
class Arm:
    """What was measured of one arm, means over its questions.

    Attributes:
        model: that answered, as the settings name it.
        prompt_tokens, completion_tokens: of one answer.
        seconds: of one answer, whole.
        passed: share that was right in content and form; None where it was not measured.
        source: what it was measured by, with the number of questions.
    """

    name: str
    model: str
    prompt_tokens: float
    completion_tokens: float
    seconds: float
    passed: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the money depends on beside measured tokens.

    Attributes:
        volume: questions a month; None: not known, and nothing by the month is said.
        cached: share of the prompts that a provider has kept.
        price_as: a model whose prices are used instead of the models' own.
        training_tokens: of one training, all epochs; None: not known.
        training_seconds: of one training here.
        data: dollars for the examples.
        changes: share of the documents that changes in a month; None: not known.
        tolerated: share of what a model learnt that may be out of date.
    """

    volume: float | None = None
    cached: float = 0.0
    price_as: str = ""
    training_tokens: float | None = None
    training_seconds: float | None = None
    data: Decimal | None = None
    changes: float | None = None
    tolerated: float = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """One arm's cost in US dollars; what is None could not be priced.

    Attributes:
        priced_as: the entry of the price list, or this machine's time.
        query, thousand: of one question, and of a thousand.
        month: of all questions of a month, `monthly` included.
        monthly: hosting, and training again where facts are in the weights; None where no sum
            would do, since nothing of them may be out of date.
        passing: of one answer that passes.
        stale: the price is old.
        found: where and when the price was found, "" for this machine's time.
    """

    arm: Arm
    priced_as: str
    query: Decimal | None
    thousand: Decimal | None
    month: Decimal | None
    monthly: Decimal | None
    passing: Decimal | None
    stale: bool = False
    found: str = ""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """When training has paid: after so many answers, and months. None is never.

    ``months`` counts hosting and retraining; without a known volume it is None too, and
    ``counted`` says which it is.
    """

    without: str
    with_: str
    answers: Decimal | None
    months: Decimal | None
    counted: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """One assumption changed: what a month costs then, by arm, and the first break-even."""

    what: str
    months: Mapping[str, Decimal | None]
    answers: Decimal | None


@dataclass(frozen=True, slots=True)
class Bill:
    """All of it.

    Attributes:
        training: dollars for one training; None where it could not be priced.
        data: dollars for the examples; None: not known.
        retraining: how often, and what it costs, if facts were learnt.
        notes: what could not be priced, and what would make it so; old prices.
    """

    lines: Sequence[Line] = ()
    training: Decimal | None = None
    data: Decimal | None = None
    retraining: costs.Retraining | None = None
    break_even: Sequence[BreakEven] = ()
    shifts: Sequence[Shift] = ()
    assumptions: Assumptions = field(default_factory=Assumptions)
    notes: Sequence[str] = ()

    @property
    def setup(self) -> Decimal | None:
        """Training and data together; None where training could not be priced."""
        return None if self.training is None else self.training + (self.data or Decimal(0))

    def line(self, arm: str) -> Line | None:
        """The line of this arm."""
        return next((line for line in self.lines if line.arm.name == arm), None)

    def paying_volume(self, pair: BreakEven, months: float) -> Decimal | None:
        """Questions a month from which on the training of a pair has paid after so many months;
        None where something is not priced, or it never does."""
        before, after = self.line(pair.without), self.line(pair.with_)
        if self.setup is None or before is None or after is None:
            return None
        if before.query is None or after.query is None:
            return None
        if before.monthly is None or after.monthly is None:
            return None
        more = after.monthly - before.monthly
        return costs.paying_volume(self.setup, before.query, after.query, months, more)


def draw_up(arms: Sequence[Arm], assumed: Assumptions, prices: Prices) -> Bill:
    """The bill for these arms, with a table of what moves it."""
    bill = _plain(arms, assumed, prices)
    return replace(bill, shifts=_shifts(arms, assumed, prices) if bill.lines else ())


def _plain(arms: Sequence[Arm], assumed: Assumptions, prices: Prices) -> Bill:
    training = _training(arms, assumed, prices)
    again = None
    if assumed.changes is not None:
        again = costs.retraining(
            assumed.changes, assumed.tolerated, training, assumed.data or Decimal(0)
        )
    lines = [_line(arm, assumed, prices, again) for arm in arms]
    setup = None if training is None else training + (assumed.data or Decimal(0))
    return Bill(
        lines=lines,
        training=training,
        data=assumed.data,
        retraining=again,
        break_even=_break_even(lines, setup, assumed.volume) if setup is not None else (),
        assumptions=assumed,
        notes=_notes(lines, training, assumed, prices),
    )


def _price(arm: Arm, assumed: Assumptions, prices: Prices) -> Price | None:
    if not assumed.price_as:
        return prices.find(arm.model)
    tuned = prices.find(f"ft:{assumed.price_as}") if arm.name in TUNED else None
    return tuned or prices.find(assumed.price_as)


def _line(arm: Arm, assumed: Assumptions, prices: Prices, again: costs.Retraining | None) -> Line:
    price = _price(arm, assumed, prices)
    monthly: Decimal | None = Decimal(0) if price is None else costs.hosting(price)
    if price is None:
        query = costs.machine_time(prices.hardware, arm.seconds)
        name = HERE
    else:
        kept = arm.prompt_tokens * assumed.cached
        query = costs.query(price, arm.prompt_tokens, arm.completion_tokens, kept)
        name = price.model
    if arm.name == "tuned" and again is not None and monthly is not None:
        monthly = None if again.months == 0 else monthly + (again.monthly or Decimal(0))
    month = None
    if query is not None and assumed.volume is not None and monthly is not None:
        month = query * costs.exact(assumed.volume) + monthly
    return Line(
        arm=arm,
        priced_as=name,
        query=query,
        thousand=None if query is None else 1000 * query,
        month=month,
        monthly=monthly,
        passing=None if query is None or arm.passed is None else costs.passing(query, arm.passed),
        stale=price is not None and price.stale(),
        found="" if price is None else f"{price.model}: {price.source}, {price.date}",
    )


def _training(arms: Sequence[Arm], assumed: Assumptions, prices: Prices) -> Decimal | None:
    """One training at the provider that the arms are priced by, else on this machine."""
    named = assumed.price_as or next((arm.model for arm in arms), "")
    price = None
    for name in (f"ft:{named.removeprefix('openai:')}", named):
        found = prices.find(name)
        if found is not None and found.training is not None:
            price = found
            break
    if price is not None and assumed.training_tokens is not None:
        return costs.training(price, assumed.training_tokens)
    if prices.find(named) is None and assumed.training_seconds is not None:
        return costs.machine_time(prices.hardware, assumed.training_seconds)
    return None


def _break_even(lines: Iterable[Line], setup: Decimal, volume: float | None) -> list[BreakEven]:
    priced = {line.arm.name: line for line in lines}
    found = []
    for without, with_ in PAIRS:
        if without not in priced or with_ not in priced:
            continue
        before, after = priced[without], priced[with_]
        if before.query is None or after.query is None:
            continue
        months = None
        if volume is not None and after.monthly is not None and before.monthly is not None:
            more = after.monthly - before.monthly
            months = costs.months_to_break_even(setup, before.query, after.query, volume, more)
        answers = costs.break_even(setup, before.query, after.query)
        found.append(BreakEven(without, with_, answers, months, volume is not None))
    return found


def _shifts(arms: Sequence[Arm], assumed: Assumptions, prices: Prices) -> list[Shift]:
    def longer(factor: float) -> list[Arm]:
        return [replace(arm, prompt_tokens=arm.prompt_tokens * factor) for arm in arms]

    def dearer(factor: str) -> Prices:
        by = Decimal(factor)
        models = {
            name: replace(
                price,
                input=price.input * by,
                output=price.output * by,
                cached_input=None if price.cached_input is None else price.cached_input * by,
            )
            for name, price in prices.models.items()
        }
        hour = prices.hardware.hour()
        hardware = replace(prices.hardware, per_hour=None if hour is None else hour * by)
        return Prices(models, hardware)

    cases: list[tuple[str, Bill]] = [("as it is", _plain(arms, assumed, prices))]
    if assumed.volume is not None:
        for words, factor in (("a tenth of the questions", 0.1), ("ten times the questions", 10.0)):
            fewer = replace(assumed, volume=assumed.volume * factor)
            cases.append((words, _plain(arms, fewer, prices)))
    for words, factor in (("prompts half as long", 0.5), ("prompts twice as long", 2.0)):
        cases.append((words, _plain(longer(factor), assumed, prices)))
    for words, by in (("answers at half the price", "0.5"), ("answers at twice the price", "2")):
        cases.append((words, _plain(arms, assumed, dearer(by))))
    for share in (0.5, 0.9):
        kept = replace(assumed, cached=share)
        cases.append((f"{share:.0%} of each prompt cached", _plain(arms, kept, prices)))
    if assumed.data:
        twice = replace(assumed, data=2 * assumed.data)
        cases.append(("examples at twice the price", _plain(arms, twice, prices)))
    shifts = [
        Shift(
            what,
            {
                line.arm.name: line.thousand if assumed.volume is None else line.month
                for line in bill.lines
            },
            bill.break_even[0].answers if bill.break_even else None,
        )
        for what, bill in cases
    ]
    first = shifts[0]  # what changes nothing, such as longer prompts to a machine's time, is no row
    moved = [
        one for one in shifts[1:] if (one.months, one.answers) != (first.months, first.answers)
    ]
    return [first, *moved]


def _notes(
    lines: Sequence[Line], training: Decimal | None, assumed: Assumptions, prices: Prices
) -> list[str]:
    notes = []
    if any(line.query is None for line in lines):
        notes.append(
            "What an hour of this machine costs is not known: write watts and per_kwh, or "
            "per_hour, under [hardware] of prices.toml in the workspace, or name a model with "
            "--price-as."
        )
    for model in sorted({line.priced_as for line in lines if line.stale}):
        price = prices.models[model]
        notes.append(f"The price of {model} was last seen on {price.date}: look it up again.")
    if assumed.price_as and prices.find(assumed.price_as) is None:
        notes.append(
            f"No price of {assumed.price_as} is known; prices.toml of the workspace adds it."
        )
    if lines and training is None:
        notes.append("What one training costs could not be priced, so neither could break-even.")
    if assumed.volume is None and lines:
        notes.append("How many questions are asked in a month is not known: --volume N.")
    return notes
