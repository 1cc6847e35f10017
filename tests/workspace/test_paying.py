"""What an answer of a provider cost stands in the answer and in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.answering.scripted import Scripted

from groundtone import Workspace

PRICES = """
[[price]]
provider = "ours"
model = "writer"
input = 100_000
output = 200_000
source = "our contract"
date = 2026-01-31
"""
QUESTION = "How long do deleted boards stay in the trash?"
ANSWER = "Deleted boards stay in the trash for 30 days."


@pytest.fixture
def opened(tmp_path: Path, minilm: object) -> Iterator[Workspace]:
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "trash.md").write_text(f"# Trash\n\n{ANSWER}\n", "utf-8")
    with Workspace.create(tmp_path) as workspace:
        workspace.sync(tmp_path / "guide")
        workspace.__dict__["chat"] = Scripted(ANSWER)  # says that it read 10 tokens and wrote 5
        yield workspace


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("https://host/v1#writer", 2.0),
        ("openai:writer", 2.0),
        ("openai:without-a-price", 0.0),
        ("smollm2-135m-instruct", 0.0),
    ],
)
def test_tokens_are_paid_for(opened: Workspace, model: str, cost: float) -> None:
    opened.settings.chat.__dict__["model"] = model
    answer = opened.ask(QUESTION)
    assert answer.citations
    assert answer.usage.cost_usd == pytest.approx(cost)
    (stored,) = opened.catalog.list_answers()
    assert stored.answer["usage"]["cost_usd"] == pytest.approx(cost)


def test_what_was_written_until_it_was_stopped_is_paid_for_too(opened: Workspace) -> None:
    opened.settings.chat.__dict__["model"] = "openai:writer"
    events = opened.stream(QUESTION)
    next(events)
    events.close()  # type: ignore[attr-defined]
    (stored,) = opened.catalog.list_answers()
    assert stored.answer["stopped"]
    assert stored.answer["usage"]["cost_usd"] > 0
