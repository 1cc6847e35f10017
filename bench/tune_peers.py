"""Tuning speed and memory beside TRL's SFTTrainer: same model, data, LoRA and batch, in one run.

    python bench/tune_peers.py --peers PEERS/bin/python [--examples 8] [--batch 4] [--epochs 2]

Every side trains in a process of its own, one after the other: TRL, our plain LoRA (the same
mathematics), and the activated one that `tune run` trains by default. Tokens are all tokens of all
examples, whatever is skipped. The limit is the measured fp32 matmul rate of the model's largest
shape over 4 operations per linear weight and token: what a loop could reach at best that takes
gradients for every token. Rates are given by the wall and by processor time; where other programs
run besides, the second is the one to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from groundtone import weights
from groundtone.tuning.base_model import load_base

SIDES = {
    "trl": "TRL SFTTrainer",
    "lora": "groundtone, LoRA",
    "alora": "groundtone, activated LoRA",
}


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="an interpreter with bench/peers.txt")
    parser.add_argument("--examples", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = load_base(weights.path("smollm2-135m-instruct"))
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        linear = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
        shape = (model.config.hidden_size, model.config.intermediate_size)
        del model
        limits = [matmul_rate(*shape)]
        told = {}
        for side in SIDES:
            told[side] = run(side, Path(folder), chosen)
            limits.append(matmul_rate(*shape))
            print(side, json.dumps(told[side]), limits[-1], file=sys.stderr, flush=True)
    print(table(told, linear, limits))


def matmul_rate(hidden: int, inner: int, seconds: float = 2.0) -> tuple[float, float]:
    """Operations a second of the wall, and of processor time."""
    left, right = torch.randn(4096, hidden), torch.randn(hidden, inner)
    left @ right
    done, began, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        left @ right
        done += 1
    total = done * 2 * 4096 * hidden * inner
    return total / (time.perf_counter() - began), total / (time.process_time() - used)


def run(side: str, folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """One side's figures."""
    python = chosen.peers if side == "trl" else sys.executable
    script = Path(__file__).with_name("tune_peer.py")
    words = [side, folder, chosen.examples, chosen.batch, chosen.epochs, chosen.threads]
    done = subprocess.run(
        [python, str(script), *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "passive"},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(told: dict[str, dict[str, Any]], linear: int, limits: list[tuple[float, float]]) -> str:
    """Each side's epochs: tokens a second, ratio to TRL, share of the limit, memory."""
    wall, cpu = (max(pair[i] for pair in limits) for i in (0, 1))
    tokens = told["trl"]["tokens"]
    first = told["trl"]["epochs"][0]
    lines = [
        f"{tokens} tokens an epoch; matmul {wall / 1e9:.0f} GFLOP/s at most, "
        f"{cpu / 1e9:.0f} per processor second: a limit of {wall / 4 / linear:.0f} tokens/s, "
        f"{cpu / 4 / linear:.0f} per processor second",
        "",
        "| | tokens/s | to TRL | tokens per CPU second | to TRL | to the limit | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for side, name in SIDES.items():
        for number, epoch in enumerate(told[side]["epochs"], 1):
            rate, used = tokens / epoch["seconds"], tokens / epoch["cpu_s"]
            faster = first["seconds"] / epoch["seconds"]
            lines.append(
                f"| {name}, epoch {number} | {rate:.0f} | {faster:.2f} "
                f"| {used:.0f} | {first['cpu_s'] / epoch['cpu_s']:.2f} "
                f"| {used * 4 * linear / cpu:.2f} | {told[side]['peak'] / 1e9:.2f} GB |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
