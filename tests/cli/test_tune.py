"""tune: what is checked, refused, told; training itself is in tests marked slow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES, ROOT, example, examples_file

from chat.small_model import write_model

CANONICAL = (
    '{"messages": [{"role": "system", "content": "You are a technical support assistant. Answer '
    'concisely with specific citations from the documentation."}, {"role": "user", "content": '
    '"How do I reset my password?"}, {"role": "assistant", "content": "Go to Settings > Account > '
    "Reset Password. A confirmation email will be sent to your registered address. [Source: "
    'Account Management Guide, Section 2.1]"}]}'
)


def questions(count: int) -> list[object]:
    return [example(f"How do I reset password number {n}?") for n in range(count)]


def test_the_canonical_line_is_accepted(call, tmp_path: Path) -> None:
    path = examples_file(tmp_path / "style.jsonl", [CANONICAL, *questions(9)])
    result = call("tune", "check", path, "--json")
    assert result.code == 0
    assert result.json["examples"] == 10
    assert result.json["faults"] == []


def test_the_examples_are_without_fault(call) -> None:
    result = call(
        "tune", "check", EXAMPLES / "style.jsonl", "--held-out", EXAMPLES / "questions.jsonl",
        "--json",
    )  # fmt: skip
    assert (result.code, result.json["faults"]) == (0, [])


def test_every_fault_is_named_with_line_and_field(call, tmp_path: Path) -> None:
    wrong_role = example("Who?")
    wrong_role["messages"][1]["role"] = "customer"
    no_answer = {"messages": example("What?")["messages"][:2]}
    path = examples_file(
        tmp_path / "style.jsonl",
        [
            *questions(10),
            '{"messages": [',
            wrong_role,
            no_answer,
            example("How do I reset password number 3?"),
        ],
    )
    result = call("tune", "check", path, "--json")
    assert result.code == 2
    found = {(fault["line"], fault["field"]) for fault in result.json["faults"]}
    assert {(11, ""), (12, "messages[1].role"), (13, "messages"), (14, "messages")} <= found
    shown = call("tune", "check", path).out
    assert "line 12, messages[1].role" in shown


def test_too_few_examples_are_a_fault(call, tmp_path: Path) -> None:
    path = examples_file(tmp_path / "style.jsonl", questions(9))
    result = call("tune", "check", path)
    assert result.code == 2
    assert "at least 10" in result.out


def test_held_out_questions_may_not_be_trained_on(call, tmp_path: Path) -> None:
    path = examples_file(tmp_path / "style.jsonl", questions(10))
    held = examples_file(
        tmp_path / "held.jsonl", [{"question": "How do I reset password number 4"}]
    )
    result = call("tune", "check", path, "--held-out", held, "--json")
    assert result.code == 2
    assert result.json["faults"][0]["line"] == 5


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad", b""])
def test_a_file_that_cannot_be_examples(call, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "style.jsonl"
    if content is not None:
        path.write_bytes(content)
    result = call("tune", "check", path, "--json")
    assert result.code == 2
    assert "Traceback" not in result.err


def test_in_a_workspace_tokens_and_time_are_told(
    call, manual: Path, tmp_path: Path, smollm: object
) -> None:
    path = examples_file(tmp_path / "style.jsonl", questions(12))
    result = call("tune", "check", path, "--workspace", manual, "--epochs", 2, "--json")
    assert result.code == 0
    told = result.json
    assert told["tokens"]["rendered"]["min"] > told["tokens"]["answer"]["max"]
    assert told["plan"]["epochs"] == 2
    assert told["plan"]["train"] + told["plan"]["held_out"] == 12
    assert told["plan"]["seconds"] > 0
    assert "Training:" in call("tune", "check", path, "--workspace", manual).out


def test_without_weights_only_the_form_is_checked(
    call, manual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "cache"))
    path = examples_file(tmp_path / "style.jsonl", questions(12))
    result = call("tune", "check", path, "--workspace", manual, "--json")
    assert result.code == 0
    assert "models fetch" in result.json["skipped"]


def test_nothing_is_trained_on_faulty_examples(
    call, manual: Path, tmp_path: Path, smollm: object
) -> None:
    path = examples_file(tmp_path / "style.jsonl", [*questions(10), "{"])
    result = call("tune", "run", path, "--suffix", "x", "--workspace", manual, "--json")
    assert result.code == 2
    assert "line 11" in result.json["error"]["message"]
    assert not list((manual / ".groundtone").glob("runs/*"))


def test_a_suffix_that_is_no_name(call, manual: Path, tmp_path: Path) -> None:
    path = examples_file(tmp_path / "style.jsonl", questions(10))
    result = call("tune", "run", path, "--suffix", "a b", "--workspace", manual)
    assert result.code == 2
    assert "suffix" in result.err


@pytest.mark.parametrize("name", ["cancel", "resume"])
def test_no_run_is_wrong_use(call, tmp_path: Path, name: str) -> None:
    call("init", tmp_path)
    result = call("tune", name, "--workspace", tmp_path)
    assert result.code == 2
    assert "tune run" in result.err


def test_status_of_nothing_is_an_empty_list(call, tmp_path: Path) -> None:
    call("init", tmp_path)
    assert call("tune", "status", "--workspace", tmp_path, "--json").json == []
    assert call("tune", "status", "run-x", "--workspace", tmp_path).code == 2


@pytest.mark.slow
def test_a_run_streams_events_and_is_interrupted_and_resumed(
    call, tmp_path: Path, short_gate: None
) -> None:
    pytest.importorskip("torch", reason="the tune extra is not installed")
    own = tmp_path / "kb"
    call("init", own)
    base = write_model(tmp_path / "Tiny-Base.gguf")  # what it says does not matter
    (own / "groundtone.toml").write_text(
        f'[chat]\nmodel = "gguf:{base}"\nmax_tokens = 16\ncontext_tokens = 512\n', "utf-8"
    )
    turns = [("system", "s"), ("assistant", "so use it")]
    rows = [[turns[0], ("user", f"hello {number}"), turns[1]] for number in range(12)]
    path = examples_file(
        tmp_path / "style.jsonl",
        [{"messages": [{"role": role, "content": text} for role, text in row]} for row in rows],
    )
    # Long enough to be at work when it is interrupted, whatever else the machine does.
    long = ["--epochs", "100", "--batch-size", "1", "--patience", "1000", "--threads", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", "tune", "run", str(path), "--suffix", "try",
         "--without-documents", *long, "--workspace", str(own), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(json.loads(line))
        if told[-1]["event"] == "start":
            process.send_signal(signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "tune resume" in errors
    assert "Traceback" not in errors
    assert told[0]["event"] == "started"
    run = told[0]["run"]
    told += [json.loads(line) for line in rest.splitlines()]
    assert told[-1]["error"]["code"] == 130
    status = call("tune", "status", run, "--workspace", own, "--json").json
    assert status["status"] == "cancelled"

    result = call("tune", "resume", run, "--workspace", own, "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    done = next(line for line in lines if line["event"] == "done")
    assert result.code == (0 if done["gate"]["passed"] else 4)
    steps = [line for line in lines if line.get("event") == "step"]
    assert {"step", "of", "train_loss", "valid_loss", "tokens_per_s", "left_s"} <= set(steps[0])
    assert done["run"] == run
    assert {"model", "gate", "trained_tokens", "seconds"} <= set(done)

    listed = call("models", "list", "--workspace", own, "--json").json
    assert done["model"] in [model["name"] for model in listed["models"]]
    refused = call("models", "use", done["model"], "--workspace", own)
    assert refused.code == result.code
    forced = call("models", "use", done["model"], "--force", "--workspace", own, "--json")
    assert forced.json["active"] == done["model"]
    back = call("models", "rollback", "--workspace", own, "--json")
    assert back.code == 0


def test_a_retriever_is_tuned_shown_and_removed(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.small_embedder import SmallEmbedder

    from groundtone import Workspace

    monkeypatch.setattr(Workspace, "embedder", SmallEmbedder())
    docs, rows = tmp_path / "docs", []
    docs.mkdir()
    for number in range(32):
        word = "".join(chr(97 + int(digit)) for digit in f"{number:03}")
        (docs / f"{word}.md").write_text(f"The {word}zor lever moves.\n", "utf-8")
        rows.append({"question": f"{word}zor lever", "evidence": [{"doc": f"{word}.md"}]})
    kb = tmp_path / "kb"
    with Workspace.create(kb) as opened:
        opened.sync(docs)
    questions = examples_file(tmp_path / "questions.jsonl", rows)
    refused = call("tune", "retriever", questions, "--json", "--workspace", kb)
    assert refused.code == 4 and refused.json["active"] is None
    assert refused.json["gate"]["reasons"]
    told = call("tune", "retriever", questions, "--workspace", kb)
    assert told.code == 4 and "The search stays as it was." in told.out
    few = call("tune", "retriever", examples_file(questions, rows[:7]), "--workspace", kb)
    assert few.code == 2 and "7 questions" in few.err and "30" in few.err
    both = call("tune", "retriever", questions, "--off", "--workspace", kb)
    assert both.code == 2
    _use(kb, "small@24")
    found = call("search", "aaazor lever", "--explain", "--workspace", kb)
    assert "found by retriever:0123456789ab" in found.out
    assert call("models", "list", "--json", "--workspace", kb).code == 0
    _use(kb, "another@24")
    found = call("search", "aaazor lever", "--explain", "--workspace", kb)
    assert "found by" not in found.out and "another@24" in found.err
    removed = call("tune", "retriever", "--off", "--json", "--workspace", kb)
    assert removed.json == {"removed": "retriever:0123456789ab", "active": None}
    assert call("tune", "retriever", "--off", "--json", "--workspace", kb).json["removed"] is None


def _use(kb: Path, embedding: str) -> None:
    from groundtone import Workspace
    from groundtone.retrieval import tuned
    from groundtone.retrieval.fusion import WEIGHTS

    with Workspace.open(kb) as opened:
        tuned.save(opened.catalog, tuned.Tuned("retriever:0123456789ab", embedding, WEIGHTS), {})
