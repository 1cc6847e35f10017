"""Tuned models put where many can be asked at once: what a fleet needs, written into one folder.

The folder holds the base as transformers reads it, every adapter in PEFT's form (each loaded back
and asked, see exporting.py), the command that serves them, the settings that make a workspace use
it, and a page that says so. For every model, probes are kept in its run's folder, by which the
fleet is later held to have applied the adapter (`groundtone.chat.probing`).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.chat import probing
from groundtone.errors import WrongUse
from groundtone.evaluation import everyday
from groundtone.workspace import bases, exporting
from groundtone.workspace.engines import open_here
from groundtone.workspace.model_names import short

if TYPE_CHECKING:
    from groundtone.catalog.models import StoredModel
    from groundtone.chat import Message
    from groundtone.workspace.workspace import Workspace

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's --max-lora-rank may be."""
UNFIT = {
    "alora": "vLLM (up to 0.33) does not serve activated adapters: train with --kind lora",
    "dora": "vLLM (up to 0.33) does not serve DoRA: train with --kind lora",
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was written.

    Attributes:
        models: the names under which the fleet is to serve them.
        left_out: of those not asked for by name, why each cannot be served there.
        files: under `folder`.
        command: that serves them, started in `folder`.
        settings: lines for ``groundtone.toml``.
        probes: kept for each model.
    """

    folder: Path
    models: tuple[str, ...]
    left_out: dict[str, str]
    files: tuple[str, ...]
    command: str
    settings: str
    probes: dict[str, int]


def deploy(
    workspace: Workspace,
    names: Sequence[str],
    folder: Path,
    *,
    base: str = "",
    url: str = "http://127.0.0.1:8000/v1",
) -> Deployed:
    """Write what vLLM needs to serve tuned models beside their base.

    Args:
        names: of tuned models, as `Workspace.model_name` takes them; none: all of this base that
            vLLM can serve.
        folder: new or empty.
        base: a model that the fleet has or fetches, in place of the base written here; it must be
            the one that the adapters were trained on.
        url: where the fleet will answer, for the settings.

    Raises:
        WrongUse: a named model is of a kind that vLLM does not serve, there is none that it does,
            or the folder holds something.
        MissingExtra: the ``tune`` extra is not installed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUse(f"{folder} holds something already.", "Name a folder that is empty or new.")
    chosen, left_out = _chosen(workspace, names)
    file = bases.base_file(workspace.settings.chat.model)
    folder.mkdir(parents=True, exist_ok=True)
    modules: list[str] = []
    kept: dict[str, int] = {}
    for model in chosen:
        at = f"adapters/{model.name.rpartition(':')[2]}"
        exporting.export(workspace, model.name, folder / at, "peft")
        modules.append(f"{model.name}={at}")
        kept[model.name] = _probe(workspace, model)
    if not base:
        _write_base(file, folder / "base")
    ranks = [int(model.settings["recipe"]["rank"]) for model in chosen]
    served = short(workspace.settings.chat.model)
    words = [
        *("vllm", "serve", base or "./base", "--served-model-name", served),
        *("--max-model-len", str(workspace.settings.chat.context_tokens)),
        *("--enable-lora", "--max-loras", str(min(len(chosen), 8))),
        *("--max-lora-rank", str(next(rank for rank in RANKS if rank >= max(ranks)))),
        *("--lora-modules", *modules),
    ]
    command = shlex.join(words)
    settings = f'[chat]\nfleet = "{url}#{served}"\n# unproven = "refuse"         # or "local"\n'
    (folder / "serve.sh").write_text(f'#!/bin/sh\ncd "$(dirname "$0")"\nexec {command}\n', "utf-8")
    (folder / "serve.sh").chmod(0o755)
    (folder / "groundtone.toml").write_text(settings, "utf-8")
    told = [model.name for model in chosen]
    (folder / "README.md").write_text(_page(told, command, settings, base), "utf-8")
    files = tuple(str(p.relative_to(folder)) for p in sorted(folder.rglob("*")) if p.is_file())
    return Deployed(folder, tuple(told), left_out, files, command, settings, kept)


def _chosen(workspace: Workspace, names: Sequence[str]) -> tuple[list[StoredModel], dict[str, str]]:
    known = workspace.catalog.list_models()
    wanted = [workspace.model_name(name) for name in names]
    models = [
        model
        for model in known
        if model.path and model.base == workspace.settings.chat.model
        if not names or model.name in wanted
    ]
    unfit = {model.name: UNFIT[model.kind] for model in models if model.kind in UNFIT}
    if names and unfit:
        name, why = next(iter(unfit.items()))
        raise WrongUse(f"{name} cannot be deployed: {why}.", "Leave it out, or train it anew.")
    if missing := sorted(set(wanted) - {model.name for model in models}):
        raise WrongUse(f"{missing[0]} is no tuned model of this base.", "See `models list`.")
    fit = [model for model in models if model.name not in unfit]
    if not fit:
        raise WrongUse(
            "No tuned model here can be served by vLLM.",
            "Train one with `groundtone tune run FILE --suffix NAME --kind lora`.",
        )
    return fit, unfit


def _probe(workspace: Workspace, model: StoredModel) -> int:
    """Keep what this machine's engine answers with and without the adapter; says how much."""
    folder = (workspace.state / model.path).parent
    voice = workspace.voice(model.name)
    held_out = folder / "held_out.json"
    rows = json.loads(held_out.read_text("utf-8")) if held_out.is_file() else []
    asked = [str(row["question"]) for row in rows[:12]] + [one for one, _ in everyday.QUESTIONS]
    questions: list[list[Message]] = [
        [*([{"role": "system", "content": voice}] if voice else []), _user(one)] for one in asked
    ]
    engine = open_here(workspace.settings.chat)
    try:
        engine.load({model.name: workspace.state / model.path})
        probes = probing.drawn(engine, model.name, questions)
    finally:
        engine.close()
    if not probes:
        raise WrongUse(
            f"{model.name} answers {len(questions)} questions just as its base does.",
            "Nothing would tell whether a fleet applies it: train it longer.",
        )
    probing.save(probes, folder / probing.FILE)
    return len(probes)


def _user(question: str) -> Message:
    return {"role": "user", "content": question}


def _write_base(file: Path, folder: Path) -> None:
    """The base as transformers reads it, in half precision, with the tokenizer that serves it."""
    import torch

    from groundtone.tuning.base_model import load_model, load_tokenizer

    tokenizer = load_tokenizer(file)
    model = load_model(file)
    model.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.pop("_name_or_path", None)  # a folder of this machine
    path.write_text(json.dumps(config, indent=2), "utf-8")


def _page(models: Sequence[str], command: str, settings: str, base: str) -> str:
    where = f"the model {base}" if base else "the base model (`base/`)"
    names = "\n".join(f"- `{name}`" for name in models)
    return f"""# A base and its tuned models, for vLLM

This folder holds what vLLM needs beside {where}: adapters in PEFT's form, and the command.

1. Copy the folder to the machine with vLLM (`pip install vllm`), and run `./serve.sh` there:

       {command}

2. In the workspace, add to `groundtone.toml` (with that machine's address):

{"".join(f"       {line}" + chr(10) for line in settings.splitlines())}
3. `groundtone doctor --cluster` asks the fleet for each of these and says whether the adapter is
   really applied:

{names}

Behind several vLLM servers put any balancer of HTTP; all must serve the same names.
"""
