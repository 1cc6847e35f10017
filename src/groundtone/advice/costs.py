"""What answers and training cost. Every formula here stands, worked, in ``docs/costs.md``.

Money is `Decimal`, in US dollars, and never rounded before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from groundtone.advice.prices import Hardware, Price, Prices, load_prices

MILLION = Decimal(1_000_000)
HOURS_A_MONTH = Decimal(730)
Number = Decimal | float | int


def price(
    model: str,
    prompt_tokens: Number,
    completion_tokens: Number,
    cached_tokens: Number = 0,
    *,
    prices: Prices | None = None,
) -> Decimal | None:
    """What one answer costs, in US dollars; None when the model has no price (such as local ones).

    Args:
        model: as the settings or a server name it.
        prompt_tokens: all tokens of the prompt, those that were cached included.
        cached_tokens: those of them that the provider had kept.
        prices: None takes ours; a workspace's own are had by `load_prices`.
    """
    found = (prices or load_prices()).find(model)
    return None if found is None else query(found, prompt_tokens, completion_tokens, cached_tokens)


def query(
    price: Price, prompt_tokens: Number, completion_tokens: Number, cached_tokens: Number = 0
) -> Decimal:
    """One answer by a provider: fresh × input + cached × cached input + written × output."""
    cached = min(exact(cached_tokens), exact(prompt_tokens))
    kept = price.input if price.cached_input is None else price.cached_input
    fresh = exact(prompt_tokens) - cached
    total = fresh * price.input + cached * kept + exact(completion_tokens) * price.output
    return total / MILLION


def machine_time(hardware: Hardware, seconds: Number) -> Decimal | None:
    """Seconds of your own machine's work; None when nothing is known of what it costs."""
    hour = hardware.hour()
    return None if hour is None else exact(seconds) * hour / 3600


def training(price: Price, tokens: Number) -> Decimal | None:
    """Training by a provider on so many tokens, all epochs counted; None without a price for it."""
    return None if price.training is None else exact(tokens) * price.training / MILLION


def examples(count: int, minutes_each: Number, wage_per_hour: Number) -> Decimal:
    """The work of writing, or checking, so many examples."""
    return count * exact(minutes_each) * exact(wage_per_hour) / 60


def passing(cost: Decimal, passed: float) -> Decimal | None:
    """What one answer that passes costs, when this share of the answers passes; None for none."""
    return cost / exact(passed) if passed > 0 else None


def break_even(setup: Decimal, without: Decimal, with_: Decimal) -> Decimal | None:
    """Answers after which training has paid: setup / (cost of one without − with); None is never.

    Args:
        setup: training and data together.
        without, with_: what one answer costs before and after.
    """
    saved = without - with_
    return setup / saved if saved > 0 else None


def months_to_break_even(
    setup: Decimal, without: Decimal, with_: Decimal, volume: Number, monthly: Decimal = Decimal(0)
) -> Decimal | None:
    """The same in months at so many answers a month, with what is paid each month; None is never.

    Args:
        monthly: what the trained model costs more each month whatever is asked: hosting, and
            retraining.
    """
    saved = (without - with_) * exact(volume) - monthly
    return setup / saved if saved > 0 else None


def paying_volume(
    setup: Decimal, without: Decimal, with_: Decimal, months: Number, monthly: Decimal = Decimal(0)
) -> Decimal | None:
    """Answers a month from which on training has paid after so many months; None is never.

    Args:
        monthly: as of `months_to_break_even`.
    """
    saved = without - with_
    return max(Decimal(0), setup / exact(months) + monthly) / saved if saved > 0 else None


def hosting(price: Price) -> Decimal:
    """A month of keeping a model at a provider, 730 hours; 0 where nothing is asked for it."""
    return (price.hosting_per_hour or Decimal(0)) * HOURS_A_MONTH


@dataclass(frozen=True, slots=True)
class Retraining:
    """How often a model trained on facts falls behind, and what keeping up costs.

    Attributes:
        months: between two trainings; None: the facts do not change. 0: nothing may be out of
            date, and no training comes soon enough after a change.
        monthly: US dollars a month for training again and for new examples; None without a price,
            and where no sum would do.
    """

    months: Decimal | None
    monthly: Decimal | None


def retraining(
    changed_a_month: Number,
    tolerated: Number,
    training: Decimal | None,
    data: Decimal = Decimal(0),
) -> Retraining:
    """Train again whenever the tolerated share of the facts is out of date.

    Args:
        changed_a_month: share of the documents that change in a month; above 1 when they change
            more than once.
        tolerated: share that may be out of date.
        training: what one training costs.
        data: what all examples cost; those of what changed are written anew.
    """
    rate = exact(changed_a_month)
    if rate <= 0:
        return Retraining(None, Decimal(0))
    months = exact(tolerated) / rate
    if months <= 0:
        return Retraining(Decimal(0), None)
    monthly = None if training is None else training / months + data * min(rate, Decimal(1))
    return Retraining(months, monthly)


def exact(value: Number) -> Decimal:
    """The number as it is written: 0.1 is a tenth, not the nearest binary fraction."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def usd(amount: Decimal | None) -> str:
    """Money for people: two digits from ten cents on, three that count below, since answers cost
    so little; – for what is unknown.

    >>> usd(Decimal("1234.5")), usd(Decimal("0.000412")), usd(None)
    ('$1,234.50', '$0.000412', '–')
    """
    if amount is None:
        return "–"
    if amount == 0:
        return "$0"
    sign, size = ("−" if amount < 0 else ""), abs(amount)
    if size >= Decimal("0.1"):
        return f"{sign}${size:,.2f}"
    digits = 2 - size.adjusted()
    return f"{sign}${size:.{digits}f}"
