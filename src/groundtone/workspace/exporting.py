"""A tuned model taken out of its workspace, in the form that another program reads.

Whatever is written is loaded back and asked what PEFT answered after training; one that answers
otherwise is not left behind.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.tuning.merging import merge
from groundtone.workspace import bases
from groundtone.workspace.gating import compared

if TYPE_CHECKING:
    from groundtone.catalog.models import StoredModel
    from groundtone.evaluation.gate import Parity
    from groundtone.workspace.workspace import Workspace

Written = tuple[str | None, "Parity"]
FORMATS = ("peft", "gguf", "merged-f16", "merged-q8_0", "ollama", "vllm")
HUB = {"smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Where bases known here by name are on Hugging Face's hub, for programs that fetch from there."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        files: under `folder`.
        command: how another program serves it; None where there is no one way.
        verified: how its answers compare with PEFT's after training.
    """

    model: str
    format: str
    folder: Path
    files: tuple[str, ...]
    command: str | None
    verified: Parity


@dataclass(frozen=True, slots=True)
class _Job:
    """A model to export: its record, base, adapter, run's folder, and the system message."""

    name: str
    stored: StoredModel
    base: Path
    adapter: Path
    run: Path
    voice: str
    render: Callable[[list[dict[str, str]]], str]


def export(workspace: Workspace, model: str, to: Path, format: str) -> Exported:
    """Write a tuned model to a folder, which must be empty or not there.

    Raises:
        WrongUse: an unknown model or format, a folder that holds something, or an activated
            adapter in a form that only plain ones can have.
        GroundtoneError: what was written does not answer as the trained model did.
    """
    if format not in FORMATS:
        raise WrongUse(f"There is no format {format!r}.", f"Use {', '.join(FORMATS)}.")
    name = workspace.model_name(model)
    stored = workspace.catalog.get_model(name)
    if stored is None or not stored.path:
        raise WrongUse(f"{name} has no adapter here to export.", "Name a tuned model.")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUse(f"{to} holds something already.", "Name a folder that is empty or new.")
    adapter = workspace.state / stored.path
    if stored.kind == "alora" and format not in ("peft", "gguf"):
        raise WrongUse(
            f"{name} is an activated adapter: the base reads the passages, the adapter only "
            f"writes. {format} has no form for that.",
            "Export it with --format gguf (llama.cpp) or peft, or train with --kind lora.",
        )
    job = _Job(
        name,
        stored,
        bases.base_file(stored.base),
        adapter,
        adapter.parent,
        workspace.voice(name),
        workspace.chat.render,
    )
    record = adapter.parent / "parity.json"
    if not record.is_file():
        raise WrongUse(
            f"{name} was trained before answers were kept to verify an export by.",
            "Train it again.",
        )
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}-") as place:
        made = Path(place) / "made"
        made.mkdir()
        command, parity = _WRITERS[format](job, made)
        if not parity.holds:
            raise GroundtoneError(
                f"{parity.equal + parity.near} of {parity.of} answers of the exported model are "
                "those of training, so it was not kept.",
                "Report this, with the base model's name.",
            )
        if to.exists():
            to.rmdir()
        shutil.move(made, to)
    files = tuple(str(p.relative_to(to)) for p in sorted(to.rglob("*")) if p.is_file())
    return Exported(name, format, to, files, command, parity)


def _peft(job: _Job, folder: Path) -> Written:
    shutil.copytree(job.run / "adapter", folder, dirs_exist_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text("utf-8"))
    config["base_model_name_or_path"] = HUB.get(job.stored.base, job.base.stem)
    path.write_text(json.dumps(config, indent=2), "utf-8")
    return None, _peft_again(job, folder)


def _gguf(job: _Job, folder: Path) -> Written:
    shutil.copyfile(job.adapter, folder / "adapter.gguf")
    command = f"llama-server --model {job.base.name} --lora adapter.gguf"
    return command, _served(job, job.base, folder / "adapter.gguf")


def _merged(job: _Job, folder: Path, dtype: str) -> Path:
    return merge(job.base, job.adapter, folder / f"{job.run.name}-{dtype}.gguf", dtype=dtype)


def _merged_f16(job: _Job, folder: Path) -> Written:
    path = _merged(job, folder, "F16")
    return f"llama-server --model {path.name}", _served(job, path)


def _merged_q8_0(job: _Job, folder: Path) -> Written:
    path = _merged(job, folder, "Q8_0")
    return f"llama-server --model {path.name}", _served(job, path)


def _ollama(job: _Job, folder: Path) -> Written:
    path = _merged(job, folder, "Q8_0")
    (folder / "Modelfile").write_text(modelfile(path.name, job.voice, job.render), "utf-8")
    name = job.name.removeprefix("ft:").replace(":", "-").lower()
    return f"ollama create {name} -f Modelfile", _served(job, path)


def _vllm(job: _Job, folder: Path) -> Written:
    """A folder as transformers reads it, which vLLM serves without anything from elsewhere."""
    import torch
    from peft import PeftModel

    from groundtone.tuning.base_model import load_model, load_tokenizer

    tokenizer = load_tokenizer(job.base)
    merged = PeftModel.from_pretrained(load_model(job.base), job.run / "adapter").merge_and_unload()
    merged.to(torch.float16).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    command = f"vllm serve ./model --served-model-name {job.name}"
    (folder / "serve.sh").write_text(f"#!/bin/sh\nexec {command}\n", "utf-8")
    return command, _transformers_again(job, folder / "model")


_WRITERS: dict[str, Callable[[_Job, Path], Written]] = {
    "peft": _peft,
    "gguf": _gguf,
    "merged-f16": _merged_f16,
    "merged-q8_0": _merged_q8_0,
    "ollama": _ollama,
    "vllm": _vllm,
}


def modelfile(file: str, voice: str, render: Callable[[list[dict[str, str]]], str]) -> str:
    """Ollama's description of a model, its template made from the chat template's own output.

    >>> print(modelfile("m.gguf", "Be brief.", lambda m: "".join(f"<{x['content']}>" for x in m)))
    FROM ./m.gguf
    TEMPLATE \"\"\"<{{ .System }}><{{ .Prompt }}>\"\"\"
    SYSTEM \"\"\"Be brief.\"\"\"
    PARAMETER temperature 0
    <BLANKLINE>
    """
    marks = {"system": "QZSYSTEMQZ", "user": "QZPROMPTQZ"}
    text = render([{"role": role, "content": mark} for role, mark in marks.items()])
    text = text.replace(marks["system"], "{{ .System }}").replace(marks["user"], "{{ .Prompt }}")
    lines = [f"FROM ./{file}", f'TEMPLATE """{text}"""']
    if voice:
        lines.append(f'SYSTEM """{voice}"""')
    return "\n".join([*lines, "PARAMETER temperature 0", ""])


# -- loaded back -----------------------------------------------------------------------------


def _served(job: _Job, model: Path, adapter: Path | None = None) -> Parity:
    """By the engine that answers here, as llama.cpp will elsewhere."""
    from groundtone.chat.llama import LlamaEngine

    rows = json.loads((job.run / "parity.json").read_text("utf-8"))
    room = max((len(row["prompt"]) for row in rows), default=0) + 64
    adapters = {"exported": adapter} if adapter else {}
    with LlamaEngine(model, context_tokens=max(512, room), adapters=adapters) as engine:
        return compared(engine, "exported" if adapter else "base", rows)


def _peft_again(job: _Job, folder: Path) -> Parity:
    from peft import PeftModel

    from groundtone.tuning.base_model import load_model

    model = load_model(job.base)
    return _written_again(job, PeftModel.from_pretrained(model, folder).eval())


def _transformers_again(job: _Job, folder: Path) -> Parity:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return _written_again(job, model.eval())


def _written_again(job: _Job, model: Any) -> Parity:
    """Greedy answers of a model in transformers' hands, against those kept."""
    import torch

    from groundtone.evaluation.gate import Parity
    from groundtone.workspace.gating import TIE

    rows = json.loads((job.run / "parity.json").read_text("utf-8"))
    switch = json.loads((job.run / "job.json").read_text("utf-8"))["invocation_tokens"]
    activated = job.stored.kind == "alora"
    equal = near = 0
    for row in rows:
        ids, apart = list(row["prompt"]), None
        begin = _last(ids, switch) if activated else 0
        for place, token in enumerate(row["answer"]):
            extra = {"alora_offsets": [len(ids) - begin]} if activated else {}
            with torch.no_grad():
                best = int(model(input_ids=torch.tensor([ids]), **extra).logits[0, -1].argmax())
            if best != token:
                apart = row["margins"][place]
                break
            ids.append(token)
        equal += apart is None
        near += apart is not None and apart < TIE
    return Parity(equal, near, len(rows))


def _last(ids: list[int], part: list[int]) -> int:
    starts = range(len(ids) - len(part), -1, -1)
    return next(at for at in starts if ids[at : at + len(part)] == part)
