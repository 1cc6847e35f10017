"""The advice as one self-contained HTML page; the template is ``advice.html.j2`` beside this."""

from __future__ import annotations

import time
from importlib import resources

from groundtone.advice.chart import month_by_volume
from groundtone.advice.report import Advice


def render(advice: Advice) -> str:
    """The page's HTML. Everything that came from outside is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    source = resources.files("groundtone.advice").joinpath("advice.html.j2")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source.read_text("utf-8")).render(
        advice=advice,
        day=time.strftime("%Y-%m-%d"),
        sections=advice.sections(),
        tables=advice.tables(),
        chart=Markup(month_by_volume(advice.bill)),
        sources=_sources(advice),
    )


def _sources(advice: Advice) -> list[str]:
    """The prices that were used, each with where and when it was found."""
    return sorted({line.found for line in advice.bill.lines if line.found})
