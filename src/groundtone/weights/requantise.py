"""GGUF in one quantisation -> the same model as Q8_0, byte for byte the same on every machine.

Why Q8_0: LoRA adapters are trained against the dequantised weights, and the engine's Q8_0
kernels are the fastest of its exact-enough ones on CPU. Nothing is gained over the source's
precision; what is gained is speed and one fixed set of weights for training and serving.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_MOSTLY_Q8_0 = 7  # general.file_type, llama.cpp's LLAMA_FTYPE_MOSTLY_Q8_0
_WRITTEN_BY_THE_WRITER = ("GGUF.version", "GGUF.tensor_count", "GGUF.kv_count")


def to_q8_0(
    source: Path, target: Path, *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write ``source`` again with every matrix in Q8_0, vectors (norms) in F32.

    All metadata goes over unchanged, tokenizer and chat template included; only
    ``general.file_type`` is set to what the file now is. Matrices that are Q8_0 already are
    copied as they are. A matrix whose rows are no multiple of 32 stays F32.

    Args:
        source: a GGUF file of any quantisation that the ``gguf`` package can read.
        target: written whole; the caller moves it to its place.
        progress: called with tensors done and tensors in all.

    Raises:
        ValueError: ``source`` is not a GGUF file.
    """
    from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
    from gguf.quants import dequantize, quantize

    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(target, architecture)
    for key, field in reader.fields.items():
        if key in _WRITTEN_BY_THE_WRITER or key == "general.architecture":
            continue
        if key == "general.file_type":
            writer.add_file_type(_MOSTLY_Q8_0)
            continue
        is_array = field.types[0] == GGUFValueType.ARRAY
        writer.add_key_value(
            key, field.contents(), field.types[0], field.types[-1] if is_array else None
        )

    count = len(reader.tensors)
    for done, tensor in enumerate(reader.tensors, start=1):
        q8, f32 = GGMLQuantizationType.Q8_0, GGMLQuantizationType.F32
        is_matrix = len(tensor.shape) > 1 and int(tensor.shape[0]) % 32 == 0
        wanted = q8 if is_matrix else f32
        data = tensor.data
        if tensor.tensor_type != wanted:
            data = dequantize(tensor.data, tensor.tensor_type)
            if wanted is q8:
                data = quantize(data, q8)
        writer.add_tensor(tensor.name, data, raw_dtype=wanted)
        if progress is not None:
            progress(done, count)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
