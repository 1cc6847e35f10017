"""Stop pressed while a model writes: it stops, and what it wrote is kept, marked."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.answering.scripted import Found, Scripted, answerer, passage
from tests.cli.calling import ROOT

from groundtone import Workspace
from groundtone.answering.answer import Answer
from groundtone.chat import Completion, Message

TRASH = passage("Deleted boards stay in the trash for 30 days.", title="Trash")
QUESTION = "How long do deleted boards stay in the trash?"
WORDS = ["Deleted ", "boards ", "stay ", "in ", "the ", "trash ", "for ", "90 ", "days."]


class Slow(Scripted):
    """Writes a word now and then, without end, and knows whether it was stopped."""

    def __init__(self, interrupted_after: int | None = None) -> None:
        super().__init__()
        self.running = False
        self.interrupted_after = interrupted_after

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str | Completion]:
        self.running = True
        try:
            for number in range(10_000):
                if number == self.interrupted_after:
                    raise KeyboardInterrupt
                yield WORDS[number % len(WORDS)]
                time.sleep(0.01)
        finally:
            self.running = False


def test_closing_the_stream_stops_the_model_and_keeps_what_it_wrote() -> None:
    engine, kept = Slow(), []
    events = answerer(engine, Found(TRASH)).stream(QUESTION, model="slow", stopped=kept.append)
    written = "".join(str(next(events)) for _ in range(3))
    assert engine.running
    begun = time.perf_counter()
    events.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - begun < 10
    assert not engine.running
    (answer,) = kept
    assert (answer.text, answer.stopped, answer.refused) == (written.strip(), True, False)
    assert (answer.citations, answer.verdicts) == ((), ())
    assert answer.usage.completion_tokens == 3
    assert answer.usage.prompt_tokens > 0
    assert [p.title for p in answer.passages] == ["Trash"]
    assert 0 < answer.timings.first_token <= answer.timings.total
    assert answer.to_json()["stopped"] is True


@pytest.mark.parametrize("after", [0, 4])
def test_ctrl_c_while_the_model_works(after: int) -> None:
    engine, kept = Slow(interrupted_after=after), []
    events = answerer(engine, Found(TRASH)).stream(QUESTION, model="slow", stopped=kept.append)
    with pytest.raises(KeyboardInterrupt):
        list(events)
    (answer,) = kept
    assert answer.text == "".join(WORDS[:after]).strip()
    assert answer.stopped
    assert not engine.running


def test_stopped_while_it_is_checked_and_not_after_the_end() -> None:
    class Impatient:
        def judge(self, said: object, evidence: object) -> Any:
            raise KeyboardInterrupt

    kept: list[Answer] = []
    made = answerer(Scripted(TRASH.text), Found(TRASH), checker=Impatient)
    with pytest.raises(KeyboardInterrupt):
        list(made.stream(QUESTION, model="scripted", stopped=kept.append))
    assert [answer.text for answer in kept] == [TRASH.text]
    assert kept[0].usage.prompt_tokens == 10, "the engine's own count, for it had finished"
    whole = answerer(Scripted(TRASH.text), Found(TRASH))
    events = whole.stream(QUESTION, model="scripted", stopped=kept.append)
    assert next(event for event in events if isinstance(event, Answer)).stopped is False
    events = whole.stream(QUESTION, model="scripted", stopped=kept.append)
    while not isinstance(next(events), Answer):
        pass
    events.close()  # type: ignore[attr-defined]
    assert len(kept) == 1


@pytest.fixture
def kb(tmp_path: Path, minilm: object) -> Iterator[Workspace]:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "trash.md").write_text(f"# Trash\n\n{TRASH.text}\n", "utf-8")
    with Workspace.create(tmp_path) as workspace:
        workspace.sync(tmp_path / "guide")
        yield workspace


def test_the_ledger_keeps_a_stopped_answer_and_says_so(kb: Workspace, call: Any) -> None:
    kb.__dict__["chat"] = Slow()
    events = kb.stream(QUESTION)
    for _ in range(8):
        next(events)
    events.close()  # type: ignore[attr-defined]
    (stored,) = kb.catalog.list_answers()
    assert stored.answer["answer"] == "".join(WORDS[:8]).strip()
    assert stored.answer["stopped"] is True
    shown = call("log", "show", "last", "--workspace", kb.folder)
    assert "Stopped before it was finished" in shown.out
    assert "for 90" in shown.out
    assert "stopped" in call("log", "list", "--workspace", kb.folder).out
    call("log", "rate", "last", "good", "--workspace", kb.folder)
    refused = call("log", "export", kb.folder / "x", "--as", "examples", "--workspace", kb.folder)
    assert refused.code == 2, "never a gold answer"
    assert call("log", "export", kb.folder / "y", "--workspace", kb.folder).code == 0


def test_an_iterator_that_is_dropped_counts_as_stopped(kb: Workspace) -> None:
    kb.__dict__["chat"] = engine = Slow()
    for _ in kb.stream(QUESTION):
        break
    assert not engine.running
    assert [stored.answer["stopped"] for stored in kb.catalog.list_answers()] == [True]


def test_ctrl_c_ends_ask_with_130_and_says_where_it_is(
    kb: Workspace, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "groundtone.workspace.engines.open_chat", lambda *_, **__: Slow(interrupted_after=5)
    )
    result = call("ask", QUESTION, "--workspace", kb.folder)
    assert result.code == 130
    assert "log show last" in result.err
    shown = call("log", "show", "last", "--workspace", kb.folder, "--json").json
    assert (shown["answer"], shown["stopped"]) == ("".join(WORDS[:5]).strip(), True)


@pytest.mark.parametrize("schema", [False, True])
def test_ctrl_c_before_the_model_writes_names_no_entry_of_the_log(
    kb: Workspace, call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schema: bool
) -> None:
    def loading(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("groundtone.workspace.engines.open_chat", loading)
    options = []
    if schema:
        (tmp_path / "schema.json").write_text('{"type": "object"}', "utf-8")
        options = ["--schema", tmp_path / "schema.json"]
    result = call("ask", QUESTION, "--workspace", kb.folder, *options)
    assert result.code == 130
    assert "nothing is in the log" in result.err
    assert "log show" not in result.err
    assert kb.catalog.list_answers() == []


@pytest.mark.slow
def test_the_real_model_stops_within_a_second(manual: Path, smollm: object) -> None:
    with Workspace.open(manual) as workspace:
        for pieces in (1, 5):
            events = workspace.stream("How do I reset my password?")
            written = "".join(str(next(events)) for _ in range(pieces))
            begun = time.perf_counter()
            events.close()  # type: ignore[attr-defined]
            assert time.perf_counter() - begun < 10
            stored = workspace.catalog.list_answers(1)[0]
            assert (stored.answer["answer"], stored.answer["stopped"]) == (written.strip(), True)
        assert not workspace.ask("How do I reset my password?").stopped


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a terminal of our own and its Ctrl-C")
def test_ctrl_c_in_a_terminal_while_words_stream_by(
    manual: Path, smollm: object, call: Any
) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", "ask", "How do I reset my password?"],
        cwd=manual,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"},
        preexec_fn=lambda: os.nice(5),  # this process is to read before that one has finished
    )
    os.close(theirs)
    shown = _read(ours, 400.0, until=b"password")
    assert b"password" in shown
    begun = time.perf_counter()
    process.send_signal(signal.SIGINT)
    shown += _read(ours, 120.0)
    assert process.wait(60) == 130
    assert time.perf_counter() - begun < 120, "the model within one; then the process ends"
    os.close(ours)
    assert b"log show last" in b" ".join(shown.split())
    assert b"Traceback" not in shown
    assert call("log", "show", "last", "--workspace", manual, "--json").json["stopped"] is True


def _read(terminal: int, seconds: float, until: bytes | None = None) -> bytes:
    """What a terminal shows, to its end or until some words are there."""
    shown, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and (until is None or until not in shown):
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                more = os.read(terminal, 4096)
            except OSError:  # Linux: the other side is closed
                break
            if not more:
                break
            shown += more
    return shown
