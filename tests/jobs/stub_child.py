"""A training process that trains nothing: `python stub_child.py FOLDER groundtone.tuning.child`.

It leaves in the folder what a real one leaves. The name at the end makes it look like one.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text("utf-8"))
checkpoint = folder / "checkpoint.json"


def tell(event: str, **values: Any) -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"event": event, **values}) + "\n")


def cancelled(*_: object) -> None:
    tell("cancelled")
    sys.exit(130)


def pause_if_asked() -> None:
    if (folder / "pause").exists():
        tell("paused", step=step, of=steps)
        sys.exit()


signal.signal(signal.SIGTERM, cancelled)
steps, step = job["steps"], 0
tell("loading")
if checkpoint.exists():
    step = json.loads(checkpoint.read_text("utf-8"))
    tell("resumed", step=step, of=steps)
else:
    tell("start", of=steps, valid_loss=3.0)
while step < steps:
    pause_if_asked()
    time.sleep(job["step_s"])
    until = folder / "until"  # a test says how far it may go
    while until.exists() and step >= int(until.read_text("utf-8") or "0"):
        pause_if_asked()
        time.sleep(0.02)
    step += 1
    checkpoint.write_text(json.dumps(step), "utf-8")
    if job.get("fails_at") == step:
        tell("failed", error="out of luck")
        sys.exit(3)
    tell(
        "step", step=step, of=steps, train_loss=3.0 / step, train_accuracy=0.5,
        valid_loss=2.0 / step if step % 2 == 0 else None, valid_accuracy=0.25, left_s=1,
    )  # fmt: skip
tell("trained", steps=steps, of=steps, valid_loss=1.0, trained_tokens=100 * steps, seconds=1.0)
