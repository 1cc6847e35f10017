"""Several processes train what one does: the same losses, the same adapter, resumed or not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the tune extra is not installed")

from groundtone.errors import WrongUse  # noqa: E402
from groundtone.tuning import runs  # noqa: E402
from groundtone.tuning.recipe import Recipe  # noqa: E402
from groundtone.tuning.team import ALONE, Team  # noqa: E402
from tuning.test_child import RECIPE, ROOT, adapters, job, lives  # noqa: E402

CHANGES: dict[str, dict[str, Any]] = {
    "alora": {},
    "lora": {"kind": "lora", "batch_size": 3, "accumulate": 2, "stop_on": "loss"},
}
"""Thirteen examples: the last batch has one, and leaves a process without a share."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    """Runs by kind and number of processes."""
    place = tmp_path_factory.mktemp("team")
    folders = {
        (kind, size): job(place / f"{kind}-{size}", replace(RECIPE, **changes), examples=13)
        for kind, changes in CHANGES.items()
        for size in (1, 2)
    }
    dropout = replace(RECIPE, dropout=0.3, epochs=1)
    folders |= {(f"dropout-{n}", 2): job(place / f"dropout-{n}", dropout) for n in range(2)}
    done = subprocess.run(
        [
            sys.executable, str(Path(__file__).with_name("together.py")),
            *(f"{folder}:{size}" for (_, size), folder in folders.items()),
        ],
        capture_output=True, text=True, timeout=900,
        env={
            **os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "passive",
            "GLOO_SOCKET_IFNAME": "lo",
        },
    )  # fmt: skip
    codes = [line.split() for line in done.stdout.splitlines()]
    assert codes == [["0"] * size for _, size in folders], done.stderr
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_two_processes_train_what_one_does(trained: dict[tuple[str, int], Path], kind: str) -> None:
    from safetensors.torch import load_file

    alone, two = (trained[kind, size] for size in (1, 2))
    told = [steps(folder) for folder in (alone, two)]
    assert len(told[0]) == len(told[1]) > 4
    for one, other in zip(*told, strict=True):
        for name in ("train_loss", "train_accuracy", "valid_loss", "valid_answers"):
            assert one.get(name) == pytest.approx(other.get(name), abs=2e-4), (one, other)
    assert told[0][-1]["train_loss"] < told[0][0]["train_loss"]
    weights = [load_file(str(f / "adapter/adapter_model.safetensors")) for f in (alone, two)]
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-3, atol=1e-4)


def test_each_process_leaves_out_its_own_and_the_same_again(
    trained: dict[tuple[str, int], Path],
) -> None:
    assert adapters(trained["dropout-0", 2]) == adapters(trained["dropout-1", 2])


@pytest.mark.slow
def test_the_first_starts_the_others_and_killed_it_goes_on_to_the_same(
    trained: dict[tuple[str, int], Path], tmp_path: Path
) -> None:
    folder = job(tmp_path / "killed", replace(RECIPE, processes=2), examples=13)
    (codes,) = lives({folder: [9]})
    assert codes == [-9, 0]
    assert "resumed" in [event["event"] for event in runs.events(folder)]
    assert adapters(folder) == adapters(trained["alora", 2])
    end = time.monotonic() + 60
    while helpers(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert not helpers(folder)  # of the life that was killed


def helpers(folder: Path) -> list[Path]:
    """Processes at work on a run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told and b"groundtone.tuning.child" in told:
            found.append(process)
    return found


def steps(folder: Path) -> list[dict[str, Any]]:
    return [event for event in runs.events(folder) if event["event"] == "step"]


def test_examples_are_dealt_out_whole() -> None:
    shares = [Team(rank=rank, size=3).share(range(8)) for rank in range(3)]
    assert sorted(number for share in shares for number in share) == list(range(8))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert ALONE.share("abc") == list("abc")


def test_a_launcher_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"launcher": "no-such-launcher --nodes 2"}', "utf-8")
    with pytest.raises(WrongUse, match="no-such-launcher"):
        runs.start(tmp_path)


def test_a_job_of_an_earlier_version_has_one_process() -> None:
    kept = {key: value for key, value in asdict(Recipe()).items() if key != "processes"}
    assert Recipe.of(kept).processes is None
