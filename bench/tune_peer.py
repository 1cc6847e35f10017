"""One side of ``bench/tune_peers.py``, in a process of its own, so that its memory is its own.

    python tune_peer.py trl|lora|alora FOLDER EXAMPLES BATCH EPOCHS THREADS

Prints one JSON object: wall and processor seconds of each epoch, and the peak of memory in bytes.
``trl`` needs an interpreter with TRL (``peers.txt``) and takes the model from FOLDER, where it lies
as transformers saves it; the others need groundtone.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RATE = 5e-4
Row = tuple[list[int], list[int], list[int]]
Times = list[tuple[float, float]]


def main() -> None:
    """Train and tell."""
    _, side, folder, examples, batch, epochs, threads = sys.argv
    if int(threads):
        torch.set_num_threads(int(threads))
    rows = made(int(examples))
    train = trl if side == "trl" else ours
    times, before = train(side, Path(folder), rows, int(batch), int(epochs))
    spent = [{"seconds": b[0] - a[0], "cpu_s": b[1] - a[1]} for a, b in itertools.pairwise(times)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens = sum(sum(map(len, row)) for row in rows)
    told = {"epochs": spent, "tokens": tokens, "peak": peak, "peak_before": before}
    print(json.dumps({**told, "threads": torch.get_num_threads()}))


def made(count: int) -> list[Row]:
    """As long as what the demo trains on: 500 to 700 tokens of passages, 15 asked, 30 answered."""
    draw = random.Random(0)

    def ids(size: int) -> list[int]:
        return [draw.randrange(100, 49152) for _ in range(size)]

    return [(ids(draw.randint(500, 700)), ids(15), ids(30)) for _ in range(count)]


def now() -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    return time.perf_counter(), time.process_time()


def memory() -> int:
    """Peak so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def trl(_side: str, folder: Path, rows: list[Row], batch: int, epochs: int) -> tuple[Times, int]:
    """SFTTrainer: loss on the answer only, everything else as it comes."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    times: Times = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            times.append(now())

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            times.append(now())

    data = Dataset.from_list(
        [
            {
                "input_ids": prefix + question + answer,
                "completion_mask": [0] * len(prefix + question) + [1] * len(answer),
            }
            for prefix, question, answer in rows
        ]
    )
    settings = SFTConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=batch,
        num_train_epochs=epochs,
        learning_rate=RATE,
        max_length=None,
        completion_only_loss=True,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        seed=0,
    )
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        args=settings,
        train_dataset=data,
        processing_class=AutoTokenizer.from_pretrained(folder),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=LAYERS, task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )
    before = memory()
    trainer.train()
    return times, before


def ours(kind: str, _folder: Path, rows: list[Row], batch: int, epochs: int) -> tuple[Times, int]:
    """The loop that `tune run` runs."""
    from groundtone import weights
    from groundtone.tuning.base_model import load_model
    from groundtone.tuning.lora import Sequence3, Trainer
    from groundtone.tuning.recipe import Recipe

    recipe = Recipe(kind=kind, batch_size=batch, epochs=epochs, learning_rate=RATE)
    examples = [Sequence3(*map(tuple, row)) for row in rows]
    model = load_model(weights.path("smollm2-135m-instruct"))
    trainer = Trainer(model, recipe, examples, [])
    before = memory()
    times: Times = []
    for event in trainer.run():
        if event["event"] == "start" or event["step"] % trainer.per_epoch == 0:
            times.append(now())
    return times, before


if __name__ == "__main__":
    main()
