"""A base and a plain adapter made one GGUF model, the base's tokenizer and chat template inside.

Both files hold matrices in llama.cpp's layout, so the sum needs no reordering. An activated adapter
cannot be merged: the base must read what stands before the question.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from groundtone.chat.metadata import INVOCATION_KEY, metadata, tensor_entries
from groundtone.errors import WrongUse

DTYPES = ("F16", "Q8_0")


def merge(base: Path, adapter: Path, out: Path, *, dtype: str = "F16") -> Path:
    """Write the merged model; replaced in one step, or left alone on an error.

    Args:
        adapter: as `groundtone.tuning.gguf.export_adapter` writes it, for this base.
        dtype: of matrices: "F16" or "Q8_0" (rows that are no multiple of 32 stay F16). With "Q8_0"
            what the adapter leaves alone is copied as it is; vectors are always float32.

    Raises:
        WrongUse: an activated adapter, or one of another base.
        EngineError: one of the files cannot be read.
    """
    import gguf

    if dtype not in DTYPES:
        raise WrongUse(f"Models are merged as {', '.join(DTYPES)}, not {dtype!r}.")
    head = metadata(adapter)
    if INVOCATION_KEY in head:
        raise WrongUse(
            "An activated adapter cannot be merged: the base reads the passages, the adapter "
            "only writes.",
            "Export it with --format gguf or peft, or train with --kind lora.",
        )
    shapes = {entry.name: entry.shape for entry in tensor_entries(base)}
    deltas = _deltas(adapter, float(head["adapter.lora.alpha"]))
    for name, (a, b) in deltas.items():
        if shapes.get(name) != (b.shape[0], a.shape[1]):
            raise WrongUse(f"The adapter changes {name}, which {base.name} does not hold so.")
    reader = gguf.GGUFReader(base)
    partial = out.with_name(out.name + ".part")
    writer = gguf.GGUFWriter(partial, str(metadata(base)["general.architecture"]))
    try:
        _copy_head(reader, writer, dtype)
        for tensor in reader.tensors:
            _add(writer, tensor, deltas.get(tensor.name), dtype)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.replace(out)
    except BaseException:
        writer.close()
        partial.unlink(missing_ok=True)
        raise
    return out


def _deltas(adapter: Path, alpha: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Tensor name -> A [rank, in] and scaled B [out, rank]."""
    import gguf

    sides: dict[str, dict[str, np.ndarray]] = {}
    for tensor in gguf.GGUFReader(adapter).tensors:
        name, _, side = tensor.name.rpartition(".lora_")
        matrix = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        sides.setdefault(name, {})[side] = matrix
    return {
        name: (pair["a"], pair["b"] * np.float32(alpha / pair["a"].shape[0]))
        for name, pair in sides.items()
    }


def _copy_head(reader: Any, writer: Any, dtype: str) -> None:
    import gguf

    array = gguf.GGUFValueType.ARRAY
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in (
            "general.architecture",
            "general.file_type",
        ):
            continue
        inner = field.types[-1] if field.types[0] == array else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    kinds = gguf.LlamaFileType
    writer.add_file_type(kinds.MOSTLY_F16 if dtype == "F16" else kinds.MOSTLY_Q8_0)


def _add(writer: Any, tensor: Any, delta: tuple[np.ndarray, np.ndarray] | None, dtype: str) -> None:
    import gguf

    small = gguf.GGMLQuantizationType.Q8_0
    if delta is None and tensor.tensor_type == small and dtype == "Q8_0":
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=small)
        return
    matrix = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    if delta is not None:
        matrix = matrix + delta[1] @ delta[0]
    if matrix.ndim < 2:
        writer.add_tensor(tensor.name, matrix)
    elif dtype == "Q8_0" and matrix.shape[1] % 32 == 0:
        writer.add_tensor(tensor.name, gguf.quants.quantize(matrix, small), raw_dtype=small)
    else:
        writer.add_tensor(tensor.name, matrix.astype(np.float16))
