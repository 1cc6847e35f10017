"""Comparisons in a workspace whose models are a stand-in on the loopback: asked, kept, told.

No model of any size is asked here; `test_tune.py` compares with a real one.
"""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from groundtone import Workspace
from groundtone.catalog.models import StoredModel
from groundtone.cli import compare as cli
from groundtone.errors import WrongUse
from groundtone.evaluation import Question
from groundtone.evaluation.comparing import PLAIN
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.fusion import WEIGHTS
from groundtone.retrieval.tuned import Tuned

FACTS = {
    "trash": "Deleted boards stay in the trash for 30 days.",
    "plan": "The Harvest plan costs 12 dollars a month.",
    "export": "Exports are kept for 9 days.",
    "lock": "The account is locked after 5 wrong passwords.",
}
QUESTIONS = [
    Question("trash", "How long do deleted boards stay in the trash?", ("30 days",)),
    Question("plan", "What does the Harvest plan cost a month?", ("12 dollars",)),
    Question("export", "For how long are exports kept?", ("9 days",)),
    Question("moon", "How far away is the moon?", answerable=False),
]


class Standin:
    """A server that answers from the passages it is given, and invents without them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        self.gate: threading.Barrier | None = None

    def answer(self, body: dict[str, Any]) -> str:
        with self._lock:
            self.asked.append(body)
        said = body["messages"][-1]["content"]
        if "Answer to judge" in said:
            return json.dumps({"correct": "yes" if "99" not in said else "no"})
        system = body["messages"][0]["content"]
        for word, fact in FACTS.items():
            if word in said.lower() or word + "s" in said.lower():
                return fact if fact in system else "I believe that it is 99."
        return "I believe that it is 99."


@pytest.fixture
def standin() -> Iterator[tuple[Standin, str]]:
    played = Standin()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with played._lock:
                played.at_once += 1
                played.most_at_once = max(played.most_at_once, played.at_once)
            text = played.answer(body)
            with played._lock:
                played.at_once -= 1
            usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            said = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
            lines = [{**chunk, "choices": [said]}, {**chunk, "choices": [ended]}]
            lines.append({**chunk, "choices": [], "usage": usage})
            sent = "".join(f"data: {json.dumps(line)}\n\n" for line in lines) + "data: [DONE]\n\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(sent.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield played, f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def kb(tmp_path: Path, standin: tuple[Standin, str], minilm: object) -> Iterator[Workspace]:
    folder = tmp_path / "kb"
    (folder / "guides").mkdir(parents=True)
    (folder / "groundtone.toml").write_text(
        f'[chat]\nmodel = "{standin[1]}#m"\n\n[answer]\nlabel = "[Source: {{title}}]"\n', "utf-8"
    )
    for name, fact in FACTS.items():
        (folder / "guides" / f"{name}.md").write_text(f"# {name.title()}\n\n{fact}\n", "utf-8")
    (folder / "style.toml").write_text('label = "[Source: {title}]"\nmax_words = 30\n', "utf-8")
    with Workspace.open(folder) as opened:
        opened.sync(folder / "guides")
        yield opened


@pytest.fixture
def examples_file(tmp_path: Path) -> Path:
    path = tmp_path / "examples.jsonl"
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"After how many wrong tries is account {n} locked?"},
                {"role": "assistant", "content": f"It is locked after {n} tries. [Source: Lock]"},
            ]
        }
        for n in range(2, 14)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def register(kb: Workspace, name: str, examples: Path, **settings: Any) -> str:
    """A tuned model of the workspace's base that lives on the server."""
    base = kb.settings.chat.model
    full = f"ft:{base}:{name}:{name}"
    kb.catalog.put_model(
        StoredModel(
            full, base, "remote", "", "same",
            settings={"system": "", "examples": str(examples), **settings},
        )
    )  # fmt: skip
    return full


def test_documents_are_what_makes_the_difference(kb: Workspace, standin: Any) -> None:
    report = kb.compare(QUESTIONS, arms=["base", "rag"])
    base, rag = report.arms["base"].measures, report.arms["rag"].measures
    assert base["correct"] is not None and rag["correct"] is not None
    assert (base["correct"].value, rag["correct"].value) == (0.0, 1.0)
    assert rag["faithfulness"] is not None and rag["faithfulness"].value == 1.0
    assert base["faithfulness"] is not None and base["faithfulness"].value == 0.0
    assert rag["citation_recall"] is not None and rag["citation_recall"].value == 1.0
    assert base["citation_recall"] is None and base["cost"] is None
    cited = report.rows[0].results["rag"].outcome.citations[0]
    assert cited["quote"] == FACTS["trash"] and cited["resolvable"]
    assert "--arms base,rag" in report.notes["Command"]


def test_the_second_run_asks_nobody_and_says_the_same(kb: Workspace, standin: Any) -> None:
    played, _ = standin
    first = kb.compare(QUESTIONS, arms=["base", "rag"], judge=kb.settings.chat.model)
    count = len(played.asked)
    again = kb.compare(QUESTIONS, arms=["base", "rag"], judge=kb.settings.chat.model)
    assert len(played.asked) == count
    assert json.dumps(again.to_json()) == json.dumps(first.to_json())
    assert first.content == "judge" and first.arms["rag"].measures["judge"].value == 1.0  # type: ignore[union-attr]


def test_a_further_arm_costs_only_its_own_answers(kb: Workspace, standin: Any) -> None:
    played, url = standin
    kb.compare(QUESTIONS, arms=["base", "rag"])
    before = len(played.asked)
    report = kb.compare(QUESTIONS, arms=["base", "rag"], further=[f"other={url}#other+docs"])
    new = played.asked[before:]
    assert {body["model"] for body in new} == {"other"} and 3 <= len(new) <= 4
    assert report.arms["other"].model == f"{url}#other"
    assert report.pair("other", "rag", "correct") is not None
    passages = [
        row.results[arm].outcome.passages for row in report.rows for arm in ("rag", "other")
    ]
    assert passages[::2] == passages[1::2]  # the same for every arm
    assert f"other={url}#other+docs" in report.notes["Command"]


def test_only_questions_whose_passages_changed_are_asked_again(kb: Workspace, standin: Any) -> None:
    played, _ = standin
    kb.compare(QUESTIONS[:3], arms=["rag"])
    text = "# Trash\n\nDeleted boards stay in the trash for 30 days. Admins can empty it.\n"
    (kb.folder / "guides" / "trash.md").write_text(text, "utf-8")
    kb.sync()
    before = len(played.asked)
    kb.compare(QUESTIONS[:3], arms=["rag"])
    asked = [body["messages"][-1]["content"] for body in played.asked[before:]]
    assert QUESTIONS[0].question in asked


def test_another_check_is_asked_again(
    kb: Workspace, standin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, _ = standin
    kb.compare(QUESTIONS[:1], arms=["rag"])
    before = len(played.asked)
    kb.compare(QUESTIONS[:1], arms=["rag"])
    assert len(played.asked) == before
    monkeypatch.setattr("groundtone.workspace.compare.CHECK", 99)
    kb.compare(QUESTIONS[:1], arms=["rag"])
    assert len(played.asked) > before


def test_a_tuned_retriever_that_finds_others_is_asked_again(kb: Workspace, standin: Any) -> None:
    played, _ = standin
    asked = [question.question for question in QUESTIONS[:3]]

    def found() -> list[list[str]]:
        return [[p.document for p in kb.answerer.retrieve(question)] for question in asked]

    kb.compare(QUESTIONS[:3], arms=["rag"])
    before, count = found(), len(played.asked)
    side = kb.embedder.dimensions
    turn = np.random.default_rng(0).normal(0, 0.3, (side, side)).astype(np.float32)
    keeping.save(kb.catalog, Tuned("retriever:one", kb.embedder.fingerprint, WEIGHTS, turn), {})
    changed = [q for q, one, two in zip(asked, before, found(), strict=True) if one != two]
    kb.compare(QUESTIONS[:3], arms=["rag"])
    again = [body["messages"][-1]["content"] for body in played.asked[count:]]
    assert changed and sorted(again) == sorted(changed)


def test_a_remote_model_is_asked_several_questions_at_once(kb: Workspace, standin: Any) -> None:
    played, _ = standin
    alone = kb.compare(QUESTIONS, arms=["rag"], parallel=1)
    assert played.most_at_once == 1
    (kb.state / "compare.jsonl").unlink()
    together = kb.compare(QUESTIONS, arms=["rag"], parallel=4)

    def said(report: Any) -> list[str]:
        return [row.results["rag"].outcome.text for row in report.rows]

    assert said(together) == said(alone)


def test_seeds_of_one_recipe_are_found_and_asked(
    kb: Workspace, standin: Any, examples_file: Path
) -> None:
    names = [
        register(kb, f"s{seed}", examples_file, recipe={"rank": 8, "seed": seed}, contexts={})
        for seed in range(3)
    ]
    other = register(kb, "odd", examples_file, recipe={"rank": 4, "seed": 9}, contexts={})
    report = kb.compare(QUESTIONS, arms=["rag", "both"], tuned=names[0], seeds=3)
    assert report.arms["both"].seeds == 3
    assert set(report.arms["both"].model.split(", ")) == set(names)
    assert "--tuned" in report.notes["Command"] and names[2] in report.notes["Command"]
    with pytest.raises(WrongUse, match="3 training seeds, not 4"):
        kb.compare(QUESTIONS, arms=["both"], tuned=names[0], seeds=4)
    with pytest.raises(WrongUse, match="more than their training seed"):
        kb.compare(QUESTIONS, arms=["both"], tuned=[names[0], other])
    report = kb.compare(QUESTIONS, arms=["rag", "both"], tuned=names[0], examples=examples_file)
    assert "--examples examples.jsonl" in report.notes["Command"]
    assert report.notes["Questions"].startswith("4, sha256 ")
    styled = report.arms["both"].measures["style"]
    assert styled is not None and 0 < styled.value < 1


def test_a_model_tuned_without_documents_is_found(
    kb: Workspace, standin: Any, examples_file: Path
) -> None:
    tuned = register(kb, "with", examples_file, recipe={}, contexts={"without": 0.0})
    with pytest.raises(WrongUse, match="without documents"):
        kb.compare(QUESTIONS, arms=["rag", PLAIN], tuned=tuned)
    plain = register(kb, "plain", examples_file, recipe={}, contexts={"without": 1.0})
    report = kb.compare(QUESTIONS, arms=["rag", PLAIN], tuned=tuned)
    assert report.arms[PLAIN].model == plain
    correct = report.arms[PLAIN].measures["correct"]
    assert correct is not None and correct.value == 1.0


def test_what_was_trained_on_is_refused(kb: Workspace, standin: Any, examples_file: Path) -> None:
    played, _ = standin
    tuned = register(kb, "t", examples_file)
    leaky = [
        *QUESTIONS,
        Question("l", "After how many wrong tries is the account 3 locked?", ("3",)),
    ]
    with pytest.raises(WrongUse, match="account 3") as error:
        kb.compare(leaky, arms=["rag", "both"], tuned=tuned)
    assert not played.asked and "--skip-leaks" in error.value.remedy
    report = kb.compare(leaky, arms=["rag", "both"], tuned=tuned, skip_leaks=True)
    assert [row.question.id for row in report.rows] == [q.id for q in QUESTIONS]
    assert report.notes["Left out"].startswith("1 question")
    assert len(kb.compare(leaky, arms=["rag"]).rows) == 5  # nobody in it was trained on anything
    shown = ["rag", "few-shot+rag"]  # and here nobody was either, but examples of it are shown
    with pytest.raises(WrongUse, match="account 3"):
        kb.compare(leaky, arms=shown, tuned=tuned)
    assert len(kb.compare(leaky, arms=shown, tuned=tuned, skip_leaks=True).rows) == 4


def test_prices_are_the_workspaces(kb: Workspace, standin: Any) -> None:
    (kb.folder / "prices.toml").write_text(
        '[[price]]\nprovider = "ours"\nmodel = "m"\ninput = 1.0\noutput = 10.0\n'
        'source = "us"\ndate = 2026-11-01\n',
        "utf-8",
    )
    cost = kb.compare(QUESTIONS, arms=["base", "rag"]).to_json()["arms"]["base"]["cost"]
    assert cost["value"] == pytest.approx((100 * 1 + 10 * 10) / 1e6)
    assert cost["per_passing_answer"] is None  # nothing passed


def test_a_machine_of_ones_own_costs_its_time(
    kb: Workspace, standin: Any, examples_file: Path
) -> None:
    """Only models of this machine: a server's time is not ours to pay."""
    (kb.folder / "prices.toml").write_text("[hardware]\nper_hour = 3600.0\n", "utf-8")
    register(kb, "t", examples_file)
    report = kb.compare(QUESTIONS, arms=["rag", "both"])
    assert report.arms["rag"].measures["cost"] is None
    assert report.arms["both"].measures["cost"] is None
    assert "cost a question" in report.to_html(kb.folder / "r.html").read_text("utf-8")


def test_answers_rated_good_are_questions(kb: Workspace, standin: Any) -> None:
    with pytest.raises(WrongUse, match="rated good"):
        kb.compare(None, arms=["rag"])
    kb.ask(QUESTIONS[0].question)
    stored = kb.catalog.list_answers(1)[0]
    kb.catalog.rate(stored.id, "good", "")
    report = kb.compare(None, arms=["rag"])
    assert [row.question.question for row in report.rows] == [QUESTIONS[0].question]
    assert report.rows[0].results["rag"].score.passed is True


def test_two_arms_of_one_name_are_no_comparison(kb: Workspace, standin: Any) -> None:
    _, url = standin
    with pytest.raises(WrongUse, match="same name"):
        kb.compare(QUESTIONS, arms=["rag"], further=[f"a={url}#x", f"a={url}#y"])
    with pytest.raises(WrongUse, match="no model 'nonsense'"):
        kb.compare(QUESTIONS, arms=["rag"], further=["a=nonsense+docs"])
    with pytest.raises(WrongUse, match="No question is left"):
        kb.compare([replace(QUESTIONS[0])], arms=["rag"], limit=0)


def test_questions_are_drafted_from_documents_and_none_was_trained_on(
    kb: Workspace, standin: Any, tmp_path: Path
) -> None:
    from groundtone.evaluation.questions import parse_questions
    from groundtone.workspace import compared_questions

    rows = compared_questions.draft(kb, count=3)
    found, faults = parse_questions(json.dumps(row) for row in rows)
    assert not faults and 1 <= len(found) <= 3
    for question in found:
        assert question.answerable and question.answers and question.evidence[0].doc
        assert question.evidence[0].text in " ".join(FACTS.values())
    known = tmp_path / "known.jsonl"
    known.write_text(
        "".join(
            json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": question.question},
                        {"role": "assistant", "content": question.answers[0]},
                    ]
                }
            )
            + "\n"
            for question in found
        )
    )
    register(kb, "t", known)
    try:
        again = compared_questions.draft(kb, count=3)
    except WrongUse:
        again = []
    assert not {row["question"] for row in again} & {question.question for question in found}


def test_the_command_of_a_report_measures_the_same_again(
    kb: Workspace, standin: Any, examples_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = register(kb, "t", examples_file)
    monkeypatch.chdir(examples_file.parent)
    Path("asked").mkdir()
    rows = [{"id": q.id, "question": q.question, "answers": list(q.answers)} for q in QUESTIONS[:3]]
    questions, style = Path("asked/q.jsonl"), Path("asked/style.toml")
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    style.write_text("max_words = 3\n", "utf-8")
    said = {
        "arms": ["rag"], "further": [f"b={standin[1]}#b+docs+shots"], "tuned": [tuned],
        "examples": Path(examples_file.name), "style": style, "judge": "base", "limit": 2,
        "parallel": 2, "seed": 3, "skip_leaks": True,
    }  # fmt: skip
    report = kb.compare(questions, **said)
    assert report.style == "unnamed" and report.arms["rag"].measures["style"] is not None
    words = shlex.split(report.notes["Command"])
    command = typer.main.get_command(cli.app).commands["run"]  # type: ignore[attr-defined]
    assert words[:2] == ["groundtone", "compare"]
    found = command.make_context("run", words[2:]).params
    for name in ("examples", "style", "judge", "limit", "parallel", "seed", "skip_leaks"):
        assert found.pop(name) == said[name], name
    assert (found.pop("questions"), found.pop("arms")) == (questions, "rag")
    assert (found.pop("further"), found.pop("tuned")) == (said["further"], tuned)
    # All others say what this comparison has not, or where its report goes.
    assert found.pop("seeds") is None  # they are named
    assert found.pop("without_documents") is None and found.pop("from_log") is False
    assert found.keys() == {"html", "markdown", "data", "workspace", "as_json"}
