"""The demo: where its material is, that it goes on, and (slowly) that it arrives."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES

from groundtone.cli import examples, output, stages
from groundtone.errors import WrongUse


def test_the_examples_are_found_in_a_checkout() -> None:
    assert examples.folder(None) == EXAMPLES


def test_a_folder_that_lacks_something_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"style\.jsonl"):
        examples.folder(tmp_path)


def test_the_settings_hold_the_style(tmp_path: Path) -> None:
    values = tomllib.loads(examples.settings(EXAMPLES / "style.toml"))
    assert values["answer"]["label"] == "[Source: {title}, Section {section}]"
    assert values["answer"]["refusal"] == "The manual does not answer this question."


def test_a_folder_with_other_things_is_left_alone(call, tmp_path: Path) -> None:
    (tmp_path / "thesis.md").write_text("precious")
    for flag in ("--fresh", "--resume", "--quick"):
        result = call("demo", "--folder", tmp_path, flag)
        assert result.code == 2
        assert "--folder" in result.err
    assert (tmp_path / "thesis.md").read_text() == "precious"


def test_a_state_cut_off_by_a_kill_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / ".groundtone").mkdir()
    (tmp_path / ".groundtone" / stages.STATE).write_text('{"copied": tr')
    state = stages.State(tmp_path)
    assert state["copied"] is None
    state["copied"] = True
    assert stages.State(tmp_path)["copied"] is True


def test_ctrl_c_says_how_to_go_on(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "play", interrupted)
    result = call("demo", "--quick", "--folder", tmp_path / "d", "--json")
    assert result.code == 130
    assert "groundtone demo --quick" in result.json["error"]["remedy"]
    assert "--resume" in result.json["error"]["remedy"]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Examples as small as the demo takes them."""
    folder = tmp_path / "material"
    examples.copy(EXAMPLES, _made(folder))
    for path in (folder / "manual").glob("*"):
        if path.name not in ("account-management-guide.md", "error-code-reference.md"):
            path.unlink()
    questions = [
        {"id": "1", "question": "How many reset emails are sent per day?", "answers": ["5"]},
        {"id": "2", "question": "What does ERR-1008 mean?", "answers": ["clock"]},
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)), "utf-8")
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_the_demo_arrives_and_a_second_one_has_nothing_left_to_do(
    call, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, smollm: object,
    short_gate: None,
) -> None:  # fmt: skip
    monkeypatch.setattr(stages, "QUICK", stages.Plan("quick", 12, 1, 1, 2, ("rag", "both")))
    monkeypatch.setattr(stages, "ASKED", 1)
    monkeypatch.setenv("GROUNDTONE_CHAT__MAX_TOKENS", "64")
    monkeypatch.setenv("GROUNDTONE_ANSWER__PASSAGES", "1")  # to read is most of the work
    place = tmp_path / "demo"
    first = call("demo", "--quick", "--folder", place, "--examples", tiny, "--json")
    assert first.code == 0, first.err[-2000:]
    lines = [json.loads(line) for line in first.out.splitlines()]
    told = [line["event"] for line in lines]
    assert {"stage", "sync", "answer", "step", "done"} <= set(told)
    last = lines[-1]
    assert last["event"] == "done"
    assert set(last["arms"]) == {"rag", "both"}
    assert Path(last["html"]).read_text("utf-8").startswith("<!doctype html>")

    second = call("demo", "--quick", "--folder", place, "--examples", tiny, "--json")
    again = [json.loads(line) for line in second.out.splitlines()]
    assert second.code == 0
    assert again[-1]["model"] == last["model"]
    assert not {"loading", "step"} & {line["event"] for line in again}
    assert "answer" not in [line["event"] for line in again]

    text = call("demo", "--quick", "--folder", place, "--examples", tiny)
    assert "Measured side by side" in text.out
    assert "Go on in this workspace" in text.out


def test_durations_and_sizes_for_people() -> None:
    assert [output.duration(s) for s in (0.42, 59.6, 60, 75, 3700)] == [
        "0.4 s", "1 min", "1 min", "1 min 15 s", "1 h 1 min",
    ]  # fmt: skip
    assert [output.size(n) for n in (12, 2_500, 144_811_072)] == ["12 bytes", "2.5 kB", "145 MB"]
