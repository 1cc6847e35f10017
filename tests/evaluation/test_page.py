"""The HTML report: self-contained, complete, safe, well-formed."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from groundtone.evaluation import Outcome, Question, Report, Style, measure
from groundtone.evaluation.figures import show
from groundtone.evaluation.measures import MEASURES

VOID = {"meta", "link", "input", "br", "hr", "img", "circle", "line", "rect", "polygon"}


class Reader(HTMLParser):
    """Checks nesting and collects what an accessibility check would ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def html(report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = report.to_html(tmp_path_factory.mktemp("deep") / "inner" / "report.html")
    return Path(path).read_text(encoding="utf-8")


def test_asks_nothing_of_the_network(html: str) -> None:
    for tag, attributes in read(html).tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith("#"), (tag, name, target)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    assert "default-src 'none'" in html
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", html)


def test_basics_of_accessibility(html: str) -> None:
    reader = read(html)
    tags = reader.tags
    assert ("html", {"lang": "en"}) in tags
    assert len(reader.ids) == len(set(reader.ids))
    assert sum(tag == "h1" for tag, _ in tags) == 1
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    for tag, attributes in tags:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
        for name in ("aria-labelledby", "href"):
            target = (attributes.get(name) or "").removeprefix("#")
            assert not target or target in reader.ids


def test_holds_every_number(report: Report, html: str) -> None:
    for arm in report.arms.values():
        for name, interval in arm.measures.items():
            if interval:
                assert show(interval.value, MEASURES[name].unit) in html
    for row in report.rows:
        assert row.question.question in html
    assert report.verdict in html
    assert "groundtone compare questions.jsonl --limit 60" in html
    assert html.count('<details class="q"') == 60
    assert "A harvest plan ends" in html


HOSTILE = (
    "</script><script>alert(1)</script><img src=http://x.example/y onerror='a'>&amp; “{{ 7*7 }}”"
)


def test_escapes_what_comes_from_outside() -> None:
    citation = dict.fromkeys(("document", "section", "title", "quote"), HOSTILE)
    question = Question(HOSTILE, HOSTILE, (HOSTILE,))
    outcomes = [
        Outcome(HOSTILE, HOSTILE, HOSTILE, HOSTILE, citations=[citation], model=HOSTILE),
        Outcome("rag", HOSTILE, "x", "x", prompt_tokens=3, total_ms=4.0),
    ]
    style = Style.of({"name": HOSTILE, "must_match": [re.escape(HOSTILE) + "$^"]})
    report = measure(outcomes, [question], style, notes={"Command": HOSTILE, HOSTILE: HOSTILE})
    from groundtone.evaluation.page import render

    html = render(report)
    reader = read(html)
    assert not any(tag == "img" for tag, _ in reader.tags)
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    assert (
        "49"
        not in re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", html, flags=re.S)
        .replace("characters", "")
        .split("<footer>")[0]
        .split("Versions")[0]
    )
    assert "<script>alert" not in html


def test_renders_with_little(questions: list[Question], outcomes: list[Outcome]) -> None:
    from groundtone.evaluation.page import render

    empty = measure([], [])
    one = measure([replace(outcomes[0], prompt_tokens=None, total_ms=None)], questions)
    plain = measure([outcome for outcome in outcomes if outcome.arm == "rag"], questions)
    many = measure([replace(outcomes[0], arm=f"arm {n}") for n in range(12)], questions)
    for report in (empty, one, plain, many):
        html = render(report)
        assert report.verdict in html
        read(html)
