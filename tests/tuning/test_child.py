"""The process that trains: killed anywhere, paused, started again, it makes the same adapter."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from chat.small_model import USER, write_model
from groundtone.chat.vocabulary import vocabulary
from groundtone.tuning import runs
from groundtone.tuning.recipe import Recipe

pytest.importorskip("torch", reason="the tune extra is not installed")

RECIPE = Recipe(
    rank=4, alpha=8, learning_rate=1e-2, epochs=4, batch_size=2, threads=1, patience=4,
    stop_on="answers", answers=2,
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


def job(folder: Path, recipe: Recipe, *, examples: int = 12, base: Path | None = None) -> Path:
    """A run's folder, as `workspace.tune` leaves it."""
    folder.mkdir()
    base = base or folder.parent / "base.gguf"
    if not base.exists():
        write_model(base)
    words = vocabulary(base)
    draw = random.Random(0)
    rows = []
    for number in range(examples + 4):
        passages = "".join(draw.choice("abc 12") for _ in range(draw.randint(20, 40)))
        prompt = words.tokens(f"<|im_start|>system\n{passages}<|im_end|>{USER}hello {number}")
        cut = len(words.tokens(f"<|im_start|>system\n{passages}<|im_end|>"))
        rows.append(
            {
                "split": "held_out" if number < 4 else "train",
                "prefix": prompt[:cut],
                "question": prompt[cut:],
                "answer": words.tokens(f"so {number % 3}<|im_end|>"),
            }
        )
    lines = [json.dumps(row) for row in rows]
    (folder / "tokens.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    told = {
        "base_gguf": str(base),
        "recipe": asdict(recipe),
        "invocation_tokens": words.tokens(USER),
    }
    (folder / "job.json").write_text(json.dumps(told), "utf-8")
    return folder


def adapters(folder: Path) -> list[bytes]:
    names = ("adapter.gguf", "adapter/adapter_model.safetensors")
    return [(folder / name).read_bytes() for name in names]


KILLS = sorted(random.Random(1).sample(range(1, 56), 7))
"""An uninterrupted run tells 27 events, and each life tells two more and some steps again."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[int]]]:
    """Folders and exit codes of runs that were left alone, killed, paused, and drawn otherwise."""
    place = tmp_path_factory.mktemp("runs")
    recipes = dict.fromkeys(("whole", "again", "killed", "paused"), RECIPE)
    recipes["other"] = replace(RECIPE, seed=1)
    folders = {name: job(place / name, recipe) for name, recipe in recipes.items()}
    (folders["paused"] / "pause").touch()
    codes = lives({f: KILLS if name == "killed" else [] for name, f in folders.items()})
    return {name: (folders[name], codes[i]) for i, name in enumerate(folders)}


def lives(folders: dict[Path, list[int]]) -> list[list[int]]:
    """Exit codes of each run's lives, see tests/tuning/lives.py."""
    words = [f"{folder}:{','.join(map(str, kills))}" for folder, kills in folders.items()]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("lives.py")), *words],
        capture_output=True, text=True, timeout=1500, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def test_killed_anywhere_it_ends_with_the_same_adapter(lived: dict[str, Any]) -> None:
    (whole, once), (killed, codes) = lived["whole"], lived["killed"]
    events = runs.events(whole)
    assert once == [0] and events[-1]["event"] == "trained"
    assert not (whole / "checkpoint.pt").exists()
    assert codes.count(-9) >= 4, codes
    assert adapters(killed) == adapters(whole)
    told = runs.events(killed)
    assert "resumed" in [event["event"] for event in told]
    ignored = {"tokens_per_s", "left_s"}

    def steps(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        return {
            event["step"]: {k: v for k, v in event.items() if k not in ignored}
            for event in events
            if event["event"] == "step"
        }

    assert steps(told) == steps(events)  # losses, too, are those of the uninterrupted run


def test_a_second_run_with_the_seed_is_the_same_and_another_seed_is_not(
    lived: dict[str, Any],
) -> None:
    whole = adapters(lived["whole"][0])
    assert adapters(lived["again"][0]) == whole
    assert adapters(lived["other"][0]) != whole


def test_a_paused_run_stops_after_its_step_and_goes_on_to_the_same(lived: dict[str, Any]) -> None:
    folder, codes = lived["paused"]
    assert codes == [0, 0]
    assert [e["event"] for e in runs.events(folder) if e["event"] != "step"] == [
        "loading", "start", "paused", "loading", "resumed", "trained",
    ]  # fmt: skip
    assert adapters(folder) == adapters(lived["whole"][0])


def test_threads_are_those_of_the_first_start(lived: dict[str, Any]) -> None:
    kept = json.loads((lived["whole"][0] / "surroundings.json").read_text())
    assert kept["threads"] == 1


def test_what_does_not_fit_is_halved_or_refused_before_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.tuning import child, memory

    for name, free, last in (("halved", 700_000, "trained"), ("refused", 1_000, "failed")):
        monkeypatch.setattr(memory, "free_bytes", lambda free=free: free + memory.RESERVE)
        folder = job(tmp_path / name, RECIPE)
        monkeypatch.setattr(child.signal, "signal", lambda *_: None)
        child.main(folder)
        told = runs.events(folder)
        assert told[-1]["event"] == last, told
        if last == "trained":
            assert [e["parts"] for e in told if e["event"] == "halved"] == [2]
        else:
            assert "GB" in told[-1]["error"]
            assert not [event for event in told if event["event"] == "step"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_model_too_ends_with_the_same_bits(tmp_path: Path, smollm: Path) -> None:
    recipe = Recipe(rank=4, alpha=8, epochs=2, batch_size=2, threads=2)
    folders = [job(tmp_path / name, recipe, examples=6, base=smollm) for name in ("one", "two")]
    codes = lives({folders[0]: [], folders[1]: [2, 5, 9]})
    assert codes[0] == [0] and codes[1].count(-9) >= 2, codes
    assert len([e for e in runs.events(folders[0]) if e["event"] == "step"]) == 6
    assert adapters(folders[0]) == adapters(folders[1])
