"""Trained adapters -> GGUF, for llama.cpp to apply beside the base.

An exported adapter equals the trained one in its answers; the table in tests/tuning/test_gguf.py
holds this up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.chat.metadata import INVOCATION_KEY, tensor_entries
from groundtone.errors import WrongUse
from groundtone.tuning.architectures import FAMILIES
from groundtone.tuning.base_model import (
    check_architecture,
    load_base,
    load_tokenizer,
    matrices,
    permute_for_rope,
)
from groundtone.tuning.dora import MAGNITUDE, difference

__all__ = ["DTYPES", "export_adapter", "load_base", "load_tokenizer"]

DTYPES = ("F16", "Q8_0", "F32")

_KEY = re.compile(
    r"^(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?(?:\.weight)?$"
)


def export_adapter(
    state: Mapping[str, Any],
    config: Any,
    out_path: Path | str,
    *,
    base_gguf: Path | str,
    dtype: str = "F16",
    invocation_tokens: Sequence[int] | None = None,
) -> Path:
    """Write a PEFT LoRA adapter as a GGUF file that llama.cpp applies to `base_gguf`.

    Args:
        state: PEFT's state dict (``get_peft_model_state_dict`` or the saved safetensors).
        config: its ``LoraConfig``, or a mapping with the same fields.
        out_path: the file to write; replaced in one step, or left alone on an error.
        base_gguf: the base it was trained on; gives architecture, heads and tensor names.
        dtype: "F16", "Q8_0" or "F32". Matrices whose rows are no multiple of 32 stay F16 in Q8_0.
        invocation_tokens: for activated LoRA: the ids from whose last occurrence in the prompt
            the adapter works. Default: the config's ``alora_invocation_tokens``.

    Raises:
        WrongUse: an unknown architecture or dtype, no LoRA matrices, a matrix that the base does
            not have or whose shape does not fit, or parts that GGUF cannot hold (biases, extra
            trained modules). Nothing is written then.
    """
    head = check_architecture(base_gguf)
    if dtype not in DTYPES:
        raise WrongUse(f"Adapters are written as {', '.join(DTYPES)}, not {dtype!r}.")
    lengths = {
        name.partition(MAGNITUDE)[0].removeprefix("base_model.model."): _array(value)
        for name, value in state.items()
        if MAGNITUDE in name
    }
    pairs = _pairs({name: value for name, value in state.items() if MAGNITUDE not in name})
    if invocation_tokens is None:
        invocation_tokens = _field(config, "alora_invocation_tokens", None)
    if invocation_tokens is not None and len(invocation_tokens) < 2:
        raise WrongUse("An activated adapter needs an invocation sequence of two tokens or more.")
    alpha = float(_field(config, "lora_alpha", 8))
    shapes = {entry.name: entry.shape for entry in tensor_entries(base_gguf)}
    if lengths:
        pairs, config = _whole(pairs, lengths, config, alpha, Path(base_gguf))
    tensors = _convert(pairs, config, head, alpha, shapes)
    return _write(Path(out_path), tensors, head, alpha, dtype, invocation_tokens)


def _field(config: Any, name: str, default: Any) -> Any:
    if isinstance(config, Mapping):
        return config.get(name, default)
    return getattr(config, name, default)


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.asarray(value, dtype=np.float32)


def _pairs(state: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Group a state dict into module -> (A [rank, in], B [out, rank])."""
    sides: dict[str, dict[str, np.ndarray]] = {}
    for key, value in state.items():
        match = _KEY.match(key)
        if match is None:
            raise WrongUse(
                f"The adapter holds {key}, which a GGUF adapter cannot hold.",
                "Train LoRA or DoRA on linear layers, without biases or modules_to_save.",
            )
        sides.setdefault(match["module"], {})[match["side"]] = _array(value)
    if not sides:
        raise WrongUse("The adapter holds no LoRA matrices.")
    pairs = {}
    for module, found in sides.items():
        if len(found) != 2 or found["A"].shape[0] != found["B"].shape[1]:
            raise WrongUse(f"The LoRA matrices of {module} do not belong together.")
        pairs[module] = (found["A"], found["B"])
    return pairs


def _whole(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
    lengths: Mapping[str, np.ndarray],
    config: Any,
    alpha: float,
    base: Path,
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, Any]]:
    """DoRA's pairs as plain ones of full rank, and the settings by which they have scale 1."""
    if set(lengths) != set(pairs):
        raise WrongUse("The DoRA lengths and the LoRA matrices are not of the same layers.")
    root = bool(_field(config, "use_rslora", False))
    weights = matrices(base, {f"{module}.weight" for module in pairs})
    found = {
        module: difference(
            weights[f"{module}.weight"],
            a,
            b,
            alpha / (a.shape[0] ** 0.5 if root else a.shape[0]),
            lengths[module],
        )
        for module, (a, b) in pairs.items()
    }
    return found, {"alpha_pattern": {module: a.shape[0] for module, (a, _) in found.items()}}


def _convert(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]],
    config: Any,
    head: Mapping[str, Any],
    alpha: float,
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, np.ndarray]:
    """Return GGUF tensor names and matrices, in llama.cpp's row order and scale."""
    import gguf

    architecture = head["general.architecture"]
    heads = int(head[f"{architecture}.attention.head_count"])
    kv_heads = int(head.get(f"{architecture}.attention.head_count_kv", heads))
    names = gguf.get_tensor_name_map(
        next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == architecture),
        int(head[f"{architecture}.block_count"]),
    )
    alpha_of = dict(_field(config, "alpha_pattern", None) or {})
    if set(alpha_of) - set(pairs):
        raise WrongUse("alpha_pattern is read with full module names only.")
    stabilised = bool(_field(config, "use_rslora", False))
    tensors: dict[str, np.ndarray] = {}
    for module, (a, b) in sorted(pairs.items()):
        name = f"{names.get_name(module)}.weight"
        if shapes.get(name) != (b.shape[0], a.shape[1]):
            raise WrongUse(
                f"The adapter changes {module} as a matrix of {b.shape[0]} x {a.shape[1]}; the "
                f"base has {shapes.get(name) or 'no such matrix'}.",
                "Export it for the base it was trained on.",
            )
        rank = a.shape[0]
        # llama.cpp multiplies by alpha / rank of each pair; what differs from that goes into B.
        wanted = float(alpha_of.get(module, alpha)) / (rank**0.5 if stabilised else rank)
        b = b * np.float32(wanted / (alpha / rank))
        if FAMILIES[architecture].paired and module.endswith(("q_proj", "k_proj")):
            b = permute_for_rope(b, heads if module.endswith("q_proj") else kv_heads)
        tensors[f"{name}.lora_a"] = a
        tensors[f"{name}.lora_b"] = b
    return tensors


def _write(
    path: Path,
    tensors: Mapping[str, np.ndarray],
    head: Mapping[str, Any],
    alpha: float,
    dtype: str,
    invocation_tokens: Sequence[int] | None,
) -> Path:
    import gguf

    kinds = gguf.GGMLQuantizationType
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(partial, head["general.architecture"])
    try:
        writer.add_string("general.type", "adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        if invocation_tokens:
            # llama.cpp switches an activated adapter on one token before the sequence in its key
            # (peft: at its first token), so that key holds all but the first.
            _add_uint32s(writer, INVOCATION_KEY, invocation_tokens)
            _add_uint32s(writer, "adapter.alora.invocation_tokens", invocation_tokens[1:])
        for name, matrix in tensors.items():
            matrix = np.ascontiguousarray(matrix)
            if dtype == "F32":
                writer.add_tensor(name, matrix)
            elif dtype == "Q8_0" and matrix.shape[1] % 32 == 0:
                writer.add_tensor(
                    name, gguf.quants.quantize(matrix, kinds.Q8_0), raw_dtype=kinds.Q8_0
                )
            else:
                writer.add_tensor(name, matrix.astype(np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.replace(path)
    except BaseException:
        writer.close()
        partial.unlink(missing_ok=True)
        raise
    return path


def _add_uint32s(writer: Any, key: str, values: Sequence[int]) -> None:
    """Add an array of UINT32; `add_array` would make it INT32, which llama.cpp refuses."""
    import gguf

    kind = gguf.GGUFValueType
    writer.add_key_value(key, [int(value) for value in values], kind.ARRAY, sub_type=kind.UINT32)
