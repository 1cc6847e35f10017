"""Where a run computes: threads on the CPU, or a GPU with bfloat16 or a base in 4 bits (QLoRA).

What is here for GPUs follows PyTorch's and bitsandbytes' documentation and was not run: there was
no GPU where this was written.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import torch

from groundtone.errors import WrongUse
from groundtone.tuning.recipe import Recipe


def chosen(recipe: Recipe) -> torch.device:
    """The device of a recipe.

    Raises:
        WrongUse: a GPU is asked for and there is none, or 4 bits without one.
    """
    there = torch.cuda.is_available()
    if recipe.device == "cuda" and not there:
        raise WrongUse("There is no GPU that PyTorch can use here.", "Leave out --device cuda.")
    device = torch.device("cuda" if there and recipe.device != "cpu" else "cpu")
    if recipe.quantise and device.type != "cuda":
        raise WrongUse(
            "A base in 4 bits needs a GPU.", "Leave out --qlora, or run this on a machine with one."
        )
    return device


def settled(threads: int | None, device: torch.device, processes: int = 1) -> int:
    """Fix everything on which the last bit of a result depends; returns the threads used.

    Without a number, each of `processes` on this machine takes its part of those there are.
    """
    if threads or processes > 1:
        torch.set_num_threads(threads or max(1, torch.get_num_threads() // processes))
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cuda.matmul.allow_tf32 = False
    return int(torch.get_num_threads())


def surroundings(threads: int, device: torch.device, processes: int = 1) -> dict[str, Any]:
    """What must be the same for a resumed run to give the same bits."""
    there = device.type == "cuda"
    return {
        **({"processes": processes} if processes > 1 else {}),
        "threads": threads,
        "device": torch.cuda.get_device_name() if there else platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }


def placed(model: Any, recipe: Recipe, device: torch.device) -> Any:
    """The base on its device: float32 on the CPU, bfloat16 or 4 bits on a GPU."""
    if device.type == "cpu":
        return model
    if recipe.quantise:
        _in_four_bits(model, recipe)
        return model.to(device)
    return model.to(device=device, dtype=torch.bfloat16)


def _in_four_bits(model: Any, recipe: Recipe) -> None:
    """Replace the linear layers that get adapters by 4-bit ones (NF4, computed in bfloat16)."""
    try:
        import bitsandbytes as bnb
    except ImportError as error:
        raise WrongUse(
            "A base in 4 bits needs bitsandbytes.", "Run `pip install bitsandbytes`."
        ) from error
    for name, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear) or name.rpartition(".")[2] not in recipe.targets:
            continue
        small = bnb.nn.Linear4bit(
            module.in_features,
            module.out_features,
            bias=module.bias is not None,
            compute_dtype=torch.bfloat16,
            quant_type="nf4",
        )
        small.weight = bnb.nn.Params4bit(
            module.weight.data, requires_grad=False, quant_type="nf4"
        )  # quantised when it moves to the GPU
        if module.bias is not None:
            small.bias = module.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, small)
    model.is_loaded_in_4bit = True  # by this PEFT knows which layers to wrap
