"""Parts of a file that share nothing."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.errors import BadExamples, WrongUse
from groundtone.tuning.examples import load, questions_of
from groundtone.tuning.near import near_pairs
from groundtone.tuning.splitting import split, write

NOUNS = [
    "board",
    "ticket",
    "invoice",
    "calendar",
    "webhook",
    "template",
    "checklist",
    "report",
    "contract",
    "form",
]
VERBS = ["delete", "share", "rename", "print", "export", "archive"]


def line(question: str, **more: object) -> str:
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": "So."},
    ]
    return json.dumps({"messages": messages, **more})


def examples(folder: Path) -> Path:
    """60 questions; of every fourth another person's version, of every sixth one with a slip."""
    lines = []
    for number, (verb, noun) in enumerate((v, n) for v in VERBS for n in NOUNS):
        lines.append(line(f"How do I {verb} a {noun}?", group=f"{number // 5}"))
        if number % 4 == 0:
            lines.append(line(f"please, how can I {verb} the {noun}"))
        if number % 6 == 0:
            lines.append(line(f"How do I {verb} a {noun[:-2] + noun[-1] + noun[-2]}"))
    path = folder / "examples.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@settings(max_examples=10)
@given(st.integers(0, 50), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.1, 0.2]))
def test_no_question_and_no_group_stands_in_two_parts(
    tmp_path_factory: pytest.TempPathFactory, seed: int, validation: float, test: float
) -> None:
    path = examples(tmp_path_factory.getbasetemp())
    found = split(path, validation=validation, test=test, seed=seed)
    assert found == split(path, validation=validation, test=test, seed=seed)
    texts = path.read_text("utf-8").splitlines()
    assert sorted(n for part in found.parts.values() for n in part) == [*range(1, len(texts) + 1)]
    home = {n: name for name, part in found.parts.items() for n in part}
    asked = [json.loads(text)["messages"][0]["content"] for text in texts]
    for pair in near_pairs(asked):
        assert home[pair.one + 1] == home[pair.other + 1]
    groups = [json.loads(text).get("group") for text in texts]
    for one, other in combinations(range(len(texts)), 2):
        if groups[one] is not None and groups[one] == groups[other]:
            assert home[one + 1] == home[other + 1]
    assert abs(len(found.parts["test"]) - test * len(texts)) <= 8


def test_the_parts_are_written_as_the_lines_were(tmp_path: Path) -> None:
    path = examples(tmp_path)
    files = write(split(path, group=""), tmp_path / "parts")
    assert set(files) == {"train", "validation", "test"}
    before = path.read_text("utf-8").splitlines()
    after = [text for file in files.values() for text in file.read_text("utf-8").splitlines()]
    assert sorted(before) == sorted(after)
    train = load(files["train"], held_out=[files["validation"], files["test"]])
    assert train.faults == []
    assert len(questions_of(files["train"])) > len(questions_of(files["test"]))
    with pytest.raises(WrongUse, match="there already"):
        write(split(path), tmp_path / "parts")


def test_shares_and_lines_that_cannot_be(tmp_path: Path) -> None:
    path = examples(tmp_path)
    with pytest.raises(WrongUse, match="nothing to train on"):
        split(path, validation=0.6, test=0.5)
    path.write_text("{", "utf-8")
    with pytest.raises(BadExamples):
        split(path)


def test_a_field_that_no_line_has_is_wrong_use_and_named(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    about = {"document": "a.md", "page": None}
    path.write_text(
        "\n".join(line(f"How do I {verb} it?", provenance=about) for verb in VERBS) + "\n", "utf-8"
    )
    for name in ("provenance.documnt", "provenance.document.x", "group"):
        with pytest.raises(WrongUse, match=name) as raised:
            split(path, group=name)
        assert raised.value.exit_code == 2
        assert "provenance.document, provenance.page" in raised.value.remedy
    assert split(path, group="provenance.document").groups == 1
    assert split(path, group="provenance.page").groups > 1, "there, but empty"
    assert split(path).groups > 1
