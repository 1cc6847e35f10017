"""Sentence spans: hand-made cases, and properties over any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone import sentences


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.split(text)]


WHOLE = [
    "Go to Settings > Account > Reset Password.",
    "Version 4.2.1 replaces 4.1.",
    "Edit config.yaml and main.py first.",
    "Use a short name, e.g. Alpha, i.e. the first.",
    "See Fig. 3 and Sec. 2.1 of the guide.",
    "Mr. Smith and Dr. Jones agree.",
    "Choose File > Save As… > PDF.",
    "It was written by J. Smith in Jan. 2024.",
    "1. Open Settings.",
    "Step 2. Click Save.",
    "It costs $4.50 vs. Basic.",
    "Type `a. B` in the box.",
    "Wait... and see.",
    "A confirmation is sent. [Source: Account Management Guide, Section 2.1]",
    "A confirmation is sent. [1][2]",
    "A line that\nis wrapped goes on.",
    "Visit https://example.com/a.html?b=c for more.",
    "We ship to the U.S. East region.",
]


@pytest.mark.parametrize("text", WHOLE)
def test_stays_whole(text: str) -> None:
    assert pieces(text) == [text]


SPLIT = [
    ("Open it. Close it.", ["Open it.", "Close it."]),
    ("Really? Yes! Good.", ["Really?", "Yes!", "Good."]),
    ("Run it. kube-proxy follows.", ["Run it.", "kube-proxy follows."]),
    ("Run it. `kubectl` follows.", ["Run it.", "`kubectl` follows."]),
    ("Upgrade to 4.2.1. Then restart.", ["Upgrade to 4.2.1.", "Then restart."]),
    ("Save config.yaml. Then restart.", ["Save config.yaml.", "Then restart."]),
    ("Choose plan B. The rest follows.", ["Choose plan B.", "The rest follows."]),
    ("Click No. Then wait.", ["Click No.", "Then wait."]),
    ('He said "stop." Then left.', ['He said "stop."', "Then left."]),
    (
        "Sent. [1] Then wait. [Source: A, Section 2]",
        ["Sent. [1]", "Then wait. [Source: A, Section 2]"],
    ),
    ("First. [Read more](a.md) about it.", ["First.", "[Read more](a.md) about it."]),
    ("# Title\nText goes on.\n\n- one\n- two", ["# Title", "Text goes on.", "- one", "- two"]),
    ("1. Open A. 2. Click B.", ["1. Open A.", "2. Click B."]),
    ("| a | b |\n|---|---|\n| 1 | 2 |", ["| a | b |", "|---|---|", "| 1 | 2 |"]),
    ("```\na. B\nc\n```\nText.", ["```", "a. B", "c", "```", "Text."]),
    ("これは一つ。これは二つ。", ["これは一つ。", "これは二つ。"]),
    ("The limit is 42. Go on.", ["The limit is 42.", "Go on."]),
]


@pytest.mark.parametrize(("text", "expected"), SPLIT)
def test_splits(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


JOINED = st.lists(
    st.sampled_from(
        [
            "Word",
            "word",
            " ",
            ". ",
            "\n",
            "\n\n",
            "`",
            "```",
            "[1]",
            "e.g.",
            "…",
            "1.",
            "。",
            "- ",
            "|",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), JOINED))
def test_spans_are_ordered_tight_and_complete(text: str) -> None:
    spans = sentences.split(text)
    covered = 0
    for start, end in spans:
        assert covered <= start < end <= len(text)
        assert not text[covered:start].strip()
        assert text[start:end] == text[start:end].strip()
        covered = end
    assert not text[covered:].strip()


def test_long_hostile_text_is_linear() -> None:
    for piece in ("a.", ". ", "[1", "`a", "e.g. ", "\n- ", "("):
        sentences.split(piece * 50_000)
