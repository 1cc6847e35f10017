"""MiniLM's weights -> an ONNX graph, token ids in, normalised vectors out."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from groundtone.embedding.bert import Shape
from groundtone.embedding.onnx_format import Graph


def build(weights: Mapping[str, np.ndarray], shape: Shape) -> bytes:
    """The graph: ``ids`` and ``mask`` int32 [b, s] -> ``vectors`` float32 [b, width]."""
    g = Graph("minilm")
    ids = g.input("ids", "int32", ["b", "s"])
    mask = g.input("mask", "int32", ["b", "s"])

    def ints(*values: int) -> str:
        return g.constant(np.array(values, dtype=np.int64))

    def number(value: float) -> str:
        return g.constant(np.float32(value))

    def dense(x: str, name: str) -> str:
        product = g.node("MatMul", [x, g.constant(weights[f"{name}.weight"].T)])
        return g.node("Add", [product, g.constant(weights[f"{name}.bias"])])

    def norm(x: str, name: str) -> str:
        parts = [g.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        return g.node("LayerNormalization", [x, *parts], attributes={"axis": -1, "epsilon": shape.epsilon})

    words = g.node("Gather", [g.constant(weights["embeddings.word_embeddings.weight"]), ids])
    table = (
        weights["embeddings.position_embeddings.weight"]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = g.node("Gather", [g.node("Shape", [ids]), ints(1)])
    positions = g.node("Slice", [g.constant(table), ints(0), length, ints(0)])
    x = norm(g.node("Add", [words, positions]), "embeddings.LayerNorm")
    real = g.node("Cast", [mask], attributes={"to": 1})
    hidden = g.node("Mul", [g.node("Sub", [number(1.0), real]), number(-1e4)])
    hidden = g.node("Unsqueeze", [hidden, ints(1, 2)])
    depth = shape.width // shape.heads
    apart, together = ints(0, 0, shape.heads, depth), ints(0, 0, shape.width)
    for layer in range(shape.layers):
        p = f"encoder.layer.{layer}"

        def head(part: str, perm: list[int], x: str = x, p: str = p) -> str:
            split = g.node("Reshape", [dense(x, f"{p}.attention.self.{part}"), apart])
            return g.node("Transpose", [split], attributes={"perm": perm})

        q, v = head("query", [0, 2, 1, 3]), head("value", [0, 2, 1, 3])
        scores = g.node("MatMul", [q, head("key", [0, 2, 3, 1])])
        scores = g.node("Add", [g.node("Mul", [scores, number(1 / math.sqrt(depth))]), hidden])
        mixed = g.node("MatMul", [g.node("Softmax", [scores], attributes={"axis": -1}), v])
        mixed = g.node("Transpose", [mixed], attributes={"perm": [0, 2, 1, 3]})
        mixed = dense(g.node("Reshape", [mixed, together]), f"{p}.attention.output.dense")
        x = norm(g.node("Add", [x, mixed]), f"{p}.attention.output.LayerNorm")
        inner = g.node("Gelu", [dense(x, f"{p}.intermediate.dense")], domain="com.microsoft")
        inner = dense(inner, f"{p}.output.dense")
        x = norm(g.node("Add", [x, inner]), f"{p}.output.LayerNorm")
    weight = g.node("Unsqueeze", [real, ints(2)])
    # Dividing by the number of tokens would be undone by the normalisation.
    total = g.node("ReduceSum", [g.node("Mul", [x, weight]), ints(1)], attributes={"keepdims": 0})
    size = g.node("ReduceL2", [total], attributes={"axes": [1], "keepdims": 1})
    g.node("Div", [total, g.node("Clip", [size, number(1e-12)])], name="vectors")
    g.output("vectors", "float32", ["b", shape.width])
    return g.model({"": 17, "com.microsoft": 1})
