"""MiniLM's weights, and its forward pass in plain numpy: slow, short, and what "right" means.

Every engine's graph is built from these weights and must agree with this forward pass before
it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Watch = Callable[[str, Array], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of a BERT: layers, attention heads, width, epsilon of its layer norms."""

    layers: int
    heads: int
    width: int
    epsilon: float


def read_safetensors(path: Path) -> dict[str, Array]:
    """All tensors of a safetensors file as arrays mapped from disk, read only.

    Only the float types that numpy has; others are left out. The format: eight bytes with the
    length of a JSON header, the header, the data (huggingface/safetensors, README).
    """
    types = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    data = np.asarray(np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length))
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in types:
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = data[begin:end].view(types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def read_shape(path: Path) -> Shape:
    """The shape that a Hugging Face ``config.json`` describes."""
    config = json.loads(path.read_text(encoding="utf-8"))
    return Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        width=config["hidden_size"],
        epsilon=config["layer_norm_eps"],
    )


def forward(
    weights: Mapping[str, Array],
    shape: Shape,
    batch: Sequence[Sequence[int]],
    *,
    watch: Watch | None = None,
) -> Array:
    """Token ids (with special tokens) -> mean-pooled, L2-normalised vectors, float32 [n, width].

    One text after the other, so that padding cannot play a part.

    Args:
        watch: called with the name and the input [tokens, channels] of each dense layer.
    """
    seen = watch or (lambda name, x: None)
    return np.stack([_one(weights, shape, np.asarray(ids, dtype=np.int64), seen) for ids in batch])


def _one(weights: Mapping[str, Array], shape: Shape, ids: Array, watch: Watch) -> Array:
    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + shape.epsilon)
        out: Array = centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return out

    def dense(x: Array, name: str) -> Array:
        watch(name, x)
        out: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return out

    def split(x: Array) -> Array:
        return x.reshape(len(ids), shape.heads, -1).transpose(1, 0, 2)

    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for number in range(shape.layers):
        layer = f"encoder.layer.{number}"
        q, k, v = (
            split(dense(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(shape.width // shape.heads)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(ids), shape.width)
        mixed = dense(mixed, f"{layer}.attention.output.dense")
        x = norm(x + mixed, f"{layer}.attention.output.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    pooled = x.mean(0)
    vector: Array = pooled / max(float(np.linalg.norm(pooled)), 1e-12)
    return vector.astype(np.float32)


def _erf(x: Array) -> Array:
    """Error function within 1.5e-7 (Abramowitz and Stegun 7.1.26): numpy has none."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    out: Array = np.sign(x) * (1 - series * np.exp(-x * x))
    return out
