"""How often documents change, and how long something lasts, in words."""

from __future__ import annotations

DAYS = 30.4
"""In a month."""


def times(rate: float) -> str:
    """How often a document changes that changes more than once a month.

    >>> times(4.35), times(30.4)
    ('about 4.3 times a month', 'about 30 times a month')
    """
    return f"about {rate:.2g} times a month"


def change(rate: float) -> str:
    """What changes in a month.

    >>> change(0.05), change(4.35)
    ('5.0% of the documents change in a month', 'Documents change about 4.3 times a month each')
    """
    if rate > 1:
        return f"Documents change {times(rate)} each"
    return f"{rate:.1%} of the documents change in a month"


def after(months: float) -> str:
    """When something has happened.

    >>> after(3.0), after(0.035), after(0.02)
    ('after 91 days', 'after 1 day', 'within a day')
    """
    days = DAYS * months
    if days < 1:
        return "within a day"
    return f"after {days:,.0f} day{'s' * (round(days) != 1)}"


def every(months: float) -> str:
    """How often something is done.

    >>> every(2.5), every(1.0), every(0.1), every(0.035), every(0.02)
    ('every 2.5 months', 'every month', 'every 3 days', 'every day', 'more than once a day')
    """
    days = DAYS * months
    if days < 1:
        return "more than once a day"
    if round(days) == 1:
        return "every day"
    if months < 0.95:
        return f"every {days:,.0f} days"
    return "every month" if f"{months:.1f}" == "1.0" else f"every {months:,.1f} months"
