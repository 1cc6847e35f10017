"""tune check's page and redaction, tune split, tune preview."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES, example, examples_file


def rows(count: int = 12) -> list[object]:
    return [example(f"How do I reset password number {n}?") for n in range(count)]


def test_the_page_of_a_check_is_self_contained_and_escaped(call, tmp_path: Path) -> None:
    path = examples_file(
        tmp_path / "e.jsonl", [*rows(), example("<script>alert(1)</script>?"), "{"]
    )
    result = call("tune", "check", path, "--html", tmp_path / "check.html", "--json")
    assert result.code == 2
    fault = next(fault for fault in result.json["faults"] if fault["line"] == 14)
    assert fault["remedy"] and fault["file"] == str(path)
    page = (tmp_path / "check.html").read_text("utf-8")
    assert "not JSON" in page and fault["remedy"] in page
    assert "<script" not in page and "http" not in page


def test_redacting_writes_the_file_without_what_is_private(call, tmp_path: Path) -> None:
    secret = example("Who helps?")
    secret["messages"][2]["content"] = "Ask jo.smith@firm.de, key sk-proj-" + "a1B2" * 8
    path = examples_file(tmp_path / "e.jsonl", [*rows(), secret])
    result = call("tune", "check", path, "--redact", tmp_path / "clean.jsonl", "--json")
    assert result.code == 2
    assert {fault["kind"] for fault in result.json["faults"]} == {"secret"}
    assert result.json["redacted"]["places"] == 2 and result.json["redacted"]["lines"] == 1
    clean = call("tune", "check", tmp_path / "clean.jsonl", "--json")
    assert clean.code == 0
    assert "[E-MAIL]" in (tmp_path / "clean.jsonl").read_text("utf-8")
    assert call("tune", "check", path, "--redact", path).code == 2


def test_a_file_leaks_nothing_after_it_was_split(call, tmp_path: Path) -> None:
    path = EXAMPLES / "style.jsonl"
    result = call("tune", "split", path, "--out", tmp_path, "--test", 0.2, "--seed", 3, "--json")
    assert result.code == 0
    parts = {name: Path(part["file"]) for name, part in result.json["parts"].items()}
    held = [word for name in ("validation", "test") for word in ("--held-out", parts[name])]
    told = call("tune", "check", parts["train"], *held, "--json").json
    kinds = {finding["kind"] for finding in [*told["faults"], *told["warnings"]]}
    assert not kinds & {"leak", "near leak"}
    assert call("tune", "split", path, "--out", tmp_path).code == 2
    assert "344" in call("tune", "split", path, "--out", tmp_path, "--force").out


def test_the_preview_marks_what_is_learned_and_nothing_else(
    call, manual: Path, tmp_path: Path, smollm: object
) -> None:
    talk = example()
    talk["messages"] += [
        {"role": "user", "content": "What does ERR-1101 mean?"},
        {
            "role": "assistant",
            "content": "ERR-1101 means that the certificate of the identity provider has expired. "
            "[Source: Error Code Reference, Section 2.2]",
        },
    ]
    talk["messages"][2]["weight"] = 0
    path = examples_file(tmp_path / "e.jsonl", [talk, *rows()])
    page = tmp_path / "preview.html"
    one = ("tune", "preview", path, "--line", 1, "--contexts", 1, "--workspace", manual)
    result = call(*one, "--html", page, "--json")
    assert result.code == 0
    learned = "".join(t["text"] for t in result.json["sequences"][0]["tokens"] if t["trained"])
    assert learned.startswith("ERR-1101 means that the certificate")
    assert "Source:" not in learned and "Settings" not in learned
    whole = "".join(token["text"] for token in result.json["sequences"][0]["tokens"])
    assert whole.endswith(learned) and "What does ERR-1101 mean?" in whole
    assert 'class="learned token"' in page.read_text("utf-8")
    shown = call(*one).out
    assert "⟦ERR-1101 means" in shown
    assert call("tune", "preview", path, "--line", 99, "-w", manual).code == 2


def test_a_question_that_follows_is_trained_as_it_is_asked(
    call, manual: Path, tmp_path: Path, smollm: object
) -> None:
    talk = example("What does ERR-1101 mean?")
    talk["messages"][2]["content"] = (
        "ERR-1101 means that the certificate of the identity provider has expired. "
        "[Source: Error Code Reference, Section 2.2]"
    )
    talk["messages"] += [
        {"role": "user", "content": "And why?"},
        {
            "role": "assistant",
            "content": "The certificate of the identity provider has expired. "
            "[Source: Error Code Reference, Section 2.2]",
        },
    ]
    path = examples_file(tmp_path / "e.jsonl", [talk, *rows()])
    told = call("tune", "preview", path, "--line", 1, "--contexts", 1, "-w", manual, "--json").json
    asked = [
        "".join(token["text"] for token in one["tokens"] if token["part"] == "asked")
        for one in told["sequences"]
        if one["kind"] == "grounded"
    ]
    assert len(asked) == 2  # both answers are learned
    assert "What does ERR-1101 mean? And why?" in asked[1]


def test_two_held_out_files_are_both_looked_at(call, tmp_path: Path) -> None:
    path = examples_file(tmp_path / "e.jsonl", rows())
    held = [
        examples_file(
            tmp_path / f"{n}.jsonl", [{"question": f"How do I reset password number {n}"}]
        )
        for n in (4, 7)
    ]
    told = call("tune", "check", path, "--held-out", held[0], "--held-out", held[1], "--json")
    assert sorted(fault["line"] for fault in told.json["faults"]) == [5, 8]
    assert json.dumps(told.json).count("leak") == 2


def test_drafts_are_reviewed_one_by_one(
    call, manual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "drafts.jsonl"
    monkeypatch.setattr("sys.stdin", io.StringIO("k\nd\ne\nHow do I do it now?\n\nk\nq\n"))
    result = call(
        "tune", "draft", "--out", out, "--count", 6, "--review", "--workspace", manual, "--json"
    )
    assert result.code == 0, result.err
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert result.json["examples"] == len(lines) == 2
    left = sum(result.json["dropped"].values()) + result.json["unread"]
    assert result.json["dropped"]["not kept in the review"] == 4
    assert len(lines) + left == result.json["considered"]
    assert lines[1]["messages"][1]["content"] == "How do I do it now?"
    assert lines[1]["provenance"]["by"].endswith(", edited")
    assert lines[0]["provenance"]["quote"]
    assert call("tune", "draft", "--out", out, "--workspace", manual).code == 2  # it is there


def test_no_rated_answer_no_example(call, tmp_path: Path) -> None:
    call("init", tmp_path)
    out = tmp_path / "drafts.jsonl"
    result = call("tune", "draft", "--from-log", "--out", out, "--workspace", tmp_path)
    assert result.code == 2 and "log rate" in result.err
    assert not out.exists()
