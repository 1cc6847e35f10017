from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.advice.test_bill import ASSUMED, BOTH, FEW_SHOT, PRICES, RAG
from tests.advice.test_situations import EVERYTHING, told

from groundtone.advice.bill import draw_up
from groundtone.advice.knowing import Evidence
from groundtone.advice.report import Advice


@pytest.fixture
def advice() -> Advice:
    seen = Evidence("changes", 0.4, "observed", '12 <b>syncs</b> & "more"')
    bill = draw_up([FEW_SHOT, RAG, BOTH], ASSUMED, PRICES)
    return told({**EVERYTHING, "changes": "never"}, seen, bill=bill)


def test_json_has_everything_as_plain_values(advice: Advice) -> None:
    value = json.loads(json.dumps(advice.to_json(), allow_nan=False))
    assert value["verdict"] == advice.verdict
    assert {"reasons", "questions", "would_change", "commands", "expectations"} <= value.keys()
    assert [line["month"] for line in value["costs"]["lines"]] == [11.6, 7.2, 84.12]
    assert value["costs"]["lines"][0]["arm"]["prompt_tokens"] == 2500
    assert value["costs"]["break_even"][1]["answers"] is None
    assert len(value["at_a_glance"]) == 8
    assert value["evidence"][0]["how"] in ("observed", "said")


def test_markdown_has_every_section(advice: Advice) -> None:
    text = advice.markdown()
    for title in (
        "Why",
        "What would change it",
        "Next",
        "What it costs",
        "When training has paid",
        "What moves the costs",
        "RAG and fine-tuning at a glance",
        "What this rests on",
    ):
        assert f"## {title}\n" in text
    assert "| rag | small | 1,200 | 150 | $0.000720 | $0.72 | $7.20 | $0.00144 |" in text
    assert "| never |" in text


def test_the_page_needs_nothing_else_and_is_escaped(advice: Advice, tmp_path: Path) -> None:
    page = advice.to_html(tmp_path / "sub" / "a.html").read_text("utf-8")
    assert "<b>syncs</b>" not in page
    assert "&lt;b&gt;syncs" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", page)
    assert page.count("<svg") == 1
    assert "few-shot+rag: $11.60" in page, "the chart is said in words too"

    open_tags: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Balanced().feed(page)
    assert not open_tags


def test_without_prices_there_is_no_chart_and_no_empty_table(tmp_path: Path) -> None:
    page = told(EVERYTHING).to_html(tmp_path / "a.html").read_text("utf-8")
    assert "<svg" not in page
    assert "What it costs" not in page
