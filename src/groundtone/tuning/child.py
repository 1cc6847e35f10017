"""The process that trains: ``python -m groundtone.tuning.child RUN_FOLDER``.

It lives apart from its parent, so closing the terminal does not lose a run. Everything it needs
is in the run's folder (``job.json``, ``tokens.jsonl``), everything it tells goes there too
(``events.jsonl``, one JSON object a line; ``checkpoint.pt``; ``adapter/``; ``adapter.gguf``). The
last event is always ``trained``, ``cancelled`` or ``failed``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from groundtone.errors import GroundtoneError


class _Cancelled(Exception):
    pass


def main(folder: Path) -> int:
    """Train the job in `folder`; returns the exit code."""
    (folder / "pid").write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, _cancel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to interpret
    with (folder / "events.jsonl").open("a", encoding="utf-8") as log:

        def tell(event: dict[str, Any]) -> None:
            log.write(json.dumps(event) + "\n")
            log.flush()

        try:
            tell(_train(folder, tell))
            return 0
        except _Cancelled:
            tell({"event": "cancelled"})
            return 130
        except GroundtoneError as error:
            tell({"event": "failed", "error": str(error)})
        except MemoryError:
            tell({"event": "failed", "error": "out of memory; lower tune.batch_size"})
        except Exception as error:
            tell({"event": "failed", "error": f"{type(error).__name__}: {error}"})
    return 3


def _cancel(_signal: int, _frame: FrameType | None) -> None:
    raise _Cancelled


def _train(folder: Path, tell: Any) -> dict[str, Any]:
    job = json.loads((folder / "job.json").read_text("utf-8"))
    tell({"event": "loading"})
    # Heavy imports come after the first event: whoever follows sees that the run is alive.
    from safetensors.torch import save_file

    from groundtone.tuning.gguf import export_adapter, load_base
    from groundtone.tuning.lora import Sequence3, Trainer
    from groundtone.tuning.recipe import Recipe

    began = time.monotonic()
    recipe = Recipe(**{**job["recipe"], "targets": tuple(job["recipe"]["targets"])})
    base = Path(job["base_gguf"])
    model, tokenizer = load_base(base)
    parts: dict[str, list[Sequence3]] = {"train": [], "held_out": []}
    for line in (folder / "tokens.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        parts[row["split"]].append(
            Sequence3(tuple(row["prefix"]), tuple(row["question"]), tuple(row["answer"]))
        )
    trainer = Trainer(
        model, recipe, parts["train"], parts["held_out"], pad=tokenizer.eos_token_id or 0
    )
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        tell({"event": "resumed", "step": trainer.step, "of": trainer.steps})
    tokens = sum(map(len, parts["train"]))
    for event in trainer.run(checkpoint=lambda: trainer.save(checkpoint)):
        tell(event)

    activated = job["invocation_tokens"] if recipe.kind == "alora" else None
    adapter = folder / "adapter"
    adapter.mkdir(exist_ok=True)
    save_file(trainer.best, str(adapter / "adapter_model.safetensors"))
    trainer.config.alora_invocation_tokens = activated
    trainer.config.inference_mode = True
    trainer.config.save_pretrained(str(adapter))
    export_adapter(
        trainer.best,
        trainer.config,
        folder / "adapter.gguf",
        base_gguf=base,
        invocation_tokens=activated,
    )
    checkpoint.unlink(missing_ok=True)
    return {
        "event": "trained",
        "steps": trainer.step,
        "of": trainer.steps,
        "valid_loss": trainer.best_loss if parts["held_out"] else None,
        "trained_tokens": tokens * trainer.step // max(1, len(trainer.batches)),
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
