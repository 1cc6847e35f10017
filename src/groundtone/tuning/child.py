"""The process that trains: ``python -m groundtone.tuning.child RUN_FOLDER``.

It lives apart from its parent, so closing the terminal does not lose a run. Everything it needs
is in the run's folder (``job.json``, ``tokens.jsonl``), everything it tells goes there too
(``events.jsonl``, one JSON object a line; ``checkpoint.pt``; ``adapter/``; ``adapter.gguf``). The
last event is always ``trained``, ``paused``, ``cancelled`` or ``failed``. A file ``pause`` in the
folder asks it to stop after the step at hand, a file ``until`` after the step that it names, with
a measurement (``measured``) of the held-out examples there.

Killed at any moment and started again, it ends with the same adapter, bit for bit: the number of
threads is that of the first start (``surroundings.json``), whatever the machine has now.

Where several processes train together (team.py), the first alone writes and tells.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from groundtone.errors import GroundtoneError
from groundtone.tuning import runs

if TYPE_CHECKING:
    from groundtone.tuning.lora import Trainer
    from groundtone.tuning.recipe import Recipe
    from groundtone.tuning.team import Team

PARITY_ANSWERS, PARITY_TOKENS = 8, 12
Tell = Callable[[dict[str, Any]], None]
NO_ROOM = (
    "memory ran out, even with one example at a time; leave out long examples or end other programs"
)


class _Cancelled(Exception):
    pass


def main(folder: Path) -> int:
    """Train the job in `folder`; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to interpret
    if int(os.environ.get("RANK", "0")):
        _train(folder, lambda _event: None)
        return 0
    runs.sign(folder, os.getpid())
    signal.signal(signal.SIGTERM, _cancel)
    _end_line(folder / "events.jsonl")
    with (folder / "events.jsonl").open("a", encoding="utf-8") as log:

        def tell(event: dict[str, Any]) -> None:
            log.write(json.dumps(event) + "\n")
            log.flush()

        try:
            last = _train(folder, tell)
            tell(last)
            if last["event"] == "trained":  # killed before this line it is told once more
                (folder / "checkpoint.pt").unlink(missing_ok=True)
            return 0
        except _Cancelled:
            tell({"event": "cancelled"})
            return 130
        except GroundtoneError as error:
            tell({"event": "failed", "error": str(error)})
        except MemoryError:
            tell({"event": "failed", "error": NO_ROOM})
        except Exception as error:
            out = "memory" in str(error).lower() and isinstance(error, RuntimeError)
            told = NO_ROOM if out else f"{type(error).__name__}: {error}"
            tell({"event": "failed", "error": told})
    return 3


def _cancel(_signal: int, _frame: FrameType | None) -> None:
    raise _Cancelled


def _train(folder: Path, tell: Tell) -> dict[str, Any]:
    job = json.loads((folder / "job.json").read_text("utf-8"))
    tell({"event": "loading"})
    # Heavy imports come after the first event: whoever follows sees that the run is alive.
    from groundtone.tuning import team
    from groundtone.tuning.recipe import Recipe

    recipe = Recipe.of(job["recipe"])
    with team.start(folder, recipe.processes or 1):
        return _trained(folder, job, recipe, tell)


def _trained(folder: Path, job: dict[str, Any], recipe: Recipe, tell: Tell) -> dict[str, Any]:
    from groundtone.tuning import device, team
    from groundtone.tuning.base_model import load_model
    from groundtone.tuning.lora import Sequence3, Trainer

    began = time.monotonic()
    where = device.chosen(recipe)
    together = team.join(where)
    recipe = replace(recipe, threads=_same_again(folder, recipe, where, together, tell))
    model = load_model(Path(job["base_gguf"]))
    parts: dict[str, list[Sequence3]] = {"train": [], "held_out": []}
    for line in (folder / "tokens.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        parts[row["split"]].append(
            Sequence3(tuple(row["prefix"]), tuple(row["question"]), tuple(row["answer"]))
        )
    trainer = Trainer(
        device.placed(model, recipe, where),
        recipe,
        parts["train"],
        parts["held_out"],
        pad=model.config.eos_token_id or 0,
        team=together,
    )
    trainer.began = began
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        tell({"event": "resumed", "step": trainer.step, "of": trainer.steps})
    together.any(False)  # all have read it, and all hold their model
    if where.type == "cpu":
        _make_room(trainer, checkpoint, tell)
    tokens = sum(map(len, parts["train"]))
    pause, until = folder / "pause", folder / "until"
    last = int(until.read_text()) if until.exists() else trainer.steps

    def save() -> None:
        if together.first:
            trainer.save(checkpoint)

    for event in trainer.run(save, lambda: pause.exists() or trainer.step >= last):
        tell(event)
    if not trainer.ended:
        if trainer.step >= last:
            tell({"event": "measured", "step": trainer.step, **trainer.told()})
        return {"event": "paused", "step": trainer.step, "of": trainer.steps}
    together.leave()
    if not together.first:
        return {}
    _export(folder, job, trainer)
    _remember(folder / "parity.json", trainer)
    return {
        "event": "trained",
        "steps": trainer.step,
        "of": trainer.steps,
        "valid_loss": trainer.best_loss if parts["held_out"] else None,
        "valid_answers": trainer.best_answers if trainer.best_answers >= 0 else None,
        "trained_tokens": tokens * trainer.step // max(1, trainer.per_epoch),
        "seconds": round(trainer.seconds, 1),
        "parts": trainer.parts,
    }


def _same_again(folder: Path, recipe: Recipe, where: Any, together: Team, tell: Tell) -> int:
    """Threads as at the first start; says what else has changed since and may change a bit."""
    from groundtone.tuning import device

    kept = folder / "surroundings.json"
    before = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    together.any(False)  # all have looked before the first writes
    threads = device.settled(before.get("threads") or recipe.threads, where, together.here)
    now = device.surroundings(threads, where, together.size)
    if not together.first:
        return threads
    changed = sorted(name for name in now if before and before.get(name) != now[name])
    if changed:
        tell({"event": "changed", "what": changed})
    elif not before:
        partial = kept.with_suffix(".part")
        partial.write_text(json.dumps(now), "utf-8")
        partial.replace(kept)
    return threads


def _make_room(trainer: Trainer, checkpoint: Path, tell: Tell) -> None:
    """Read batches in parts from the start where they would not fit.

    Raises:
        GroundtoneError: not even one example fits.
    """
    from groundtone.tuning import memory

    team = trainer.team
    free = memory.free_bytes()
    if team.any(free is None):
        return
    free = ((free or 0) - memory.RESERVE) // team.here
    config, recipe = trainer.peft.config, trainer.recipe
    sets = [*trainer.batches, *trainer.held_out]
    fitting = memory.fitting(config, recipe, sets, free, trainer.parts)
    if team.any(fitting is None):
        most = max(memory.step_bytes(config, recipe, [item]) for one in sets for item in one)
        raise GroundtoneError(
            f"The longest example needs about {most / 1e9:.1f} GB beside the model; "
            f"{max(0, free) / 1e9:.1f} GB are free.",
            "Leave out long examples, show fewer passages, or end other programs.",
        )
    if (fitting := team.most(fitting or 1)) > trainer.parts:
        trainer.parts = fitting
        if team.first:
            trainer.save(checkpoint)  # a resumed run must add up the same parts
        tell({"event": "halved", "parts": fitting, "why": "whole batches would not fit"})
    trainer.reader.cache_bytes = min(trainer.reader.cache_bytes, max(0, free // 2))


def _export(folder: Path, job: dict[str, Any], trainer: Trainer) -> None:
    from safetensors.torch import save_file

    from groundtone.tuning.gguf import export_adapter

    activated = job["invocation_tokens"] if trainer.recipe.kind == "alora" else None
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
        base_gguf=Path(job["base_gguf"]),
        invocation_tokens=activated,
    )


def _remember(path: Path, trainer: Trainer) -> None:
    """Some held-out answers as PEFT writes them: what is served must write the same."""
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(trainer.peft, trainer.best)
    rows: list[dict[str, Any]] = []
    for number, batch in enumerate(trainer.held_out):
        for item in batch[: PARITY_ANSWERS - len(rows)]:
            short = replace(item, answer=(*item.answer[: PARITY_TOKENS - 1], item.answer[-1]))
            (answer, margins), *_ = trainer.reader.written(("parity", number, len(rows)), [short])
            prompt = [*item.prefix, *item.question]
            rows.append({"prompt": prompt, "answer": answer, "margins": margins})
    path.write_text(json.dumps(rows), "utf-8")


def _end_line(log: Path) -> None:
    """A kill may have cut the last event short; the next one must not be glued to it."""
    if log.exists() and log.read_bytes()[-1:] not in (b"\n", b""):
        with log.open("ab") as file:
            file.write(b"\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
