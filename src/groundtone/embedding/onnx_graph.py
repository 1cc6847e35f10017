"""MiniLM's weights -> an ONNX graph: one text's words in, its normalised vector out.

One text a run, on purpose. There is no padding to compute and no mask to add; its working set
stays in a core's cache; and the 8-bit scales are those of the text alone, so that a text has the
same vector whatever it is embedded beside. Cores are kept busy by running several texts at once.

The words' own vectors stay outside: they are half of the model, and mapped from its file all
processes share them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from groundtone.embedding.bert import Array, Shape
from groundtone.onnx_format import Graph

VERSION = 2
"""Part of the cached file's name: raise it with every change to the graph."""

WORDS = "embeddings.word_embeddings.weight"
"""The tensor with each word's vector, which the graph does without."""

_FUSED = "com.microsoft"  # ONNX Runtime's own operators, stable since their version 1
_OPSETS = {"": 17, _FUSED: 1}
_GELU_FLOOR = 0.17  # GELU is never below -0.17
_ZERO = 16  # the byte that means 0 in a GELU's output


def build(
    weights: Mapping[str, Array],
    shape: Shape,
    *,
    smoothing: Mapping[str, Array] | None,
    expected: Array,
) -> bytes:
    """The graph: ``words`` float32 [s, width], rows of `WORDS` -> ``vector`` float32 [width].

    Args:
        smoothing: the factors of ``calibration.smoothing`` for 8-bit products; None for float32.
        expected: right answers to the probes, float32 [probes, width]; carried in the file as
            the output ``expected``, so that a file can always be checked against itself.
    """
    return _Builder(weights, shape, smoothing).build(expected)


class _Builder:
    def __init__(
        self, weights: Mapping[str, Array], shape: Shape, smoothing: Mapping[str, Array] | None
    ) -> None:
        self.g = Graph("minilm")
        self.weights = weights
        self.shape = shape
        self.smoothing = smoothing

    def build(self, expected: Array) -> bytes:
        g, shape = self.g, self.shape
        x = self._embed(g.input("words", "float32", ["s", shape.width]))
        for layer in range(shape.layers):
            name = f"encoder.layer.{layer}"
            x = self._feed(self._attend(x, name), name)
        # The sum in place of the mean: normalising undoes the difference.
        total = g.node("ReduceSum", [x, self._ints(0)], attributes={"keepdims": 0})
        size = g.node("ReduceL2", [total], attributes={"axes": [0], "keepdims": 1})
        g.node("Div", [total, g.node("Clip", [size, self._float(1e-12)])], name="vector")
        g.output("vector", "float32", [shape.width])
        g.node("Identity", [g.constant(expected)], name="expected")
        g.output("expected", "float32", list(expected.shape))
        return g.model(_OPSETS)

    def _embed(self, words: str) -> str:
        g = self.g
        table = self.weights["embeddings.position_embeddings.weight"]
        table = table + self.weights["embeddings.token_type_embeddings.weight"][0]
        length = g.node("Shape", [words], attributes={"start": 0, "end": 1})
        places = g.node("Slice", [g.constant(table), self._ints(0), length, self._ints(0)])
        return self._norm(g.node("Add", [words, places]), "embeddings.LayerNorm")

    def _attend(self, x: str, layer: str) -> str:
        g, shape = self.g, self.shape
        depth = shape.width // shape.heads
        # q, k and v share their input: one smoothing and one rounding serve all three.
        shared = self._smoothed(x, f"{layer}.attention.self.query")
        apart = self._ints(-1, shape.heads, depth)

        def head(part: str, order: list[int]) -> str:
            made = self._dense(
                shared, f"{layer}.attention.self.{part}", f"{layer}.attention.self.query"
            )
            split = g.node("Reshape", [made, apart])
            return g.node("Transpose", [split], attributes={"perm": order})

        q, k, v = head("query", [1, 0, 2]), head("key", [1, 2, 0]), head("value", [1, 0, 2])
        scores = g.node("Mul", [g.node("MatMul", [q, k]), self._float(1 / math.sqrt(depth))])
        mixed = g.node("MatMul", [g.node("Softmax", [scores], attributes={"axis": -1}), v])
        mixed = g.node("Transpose", [mixed], attributes={"perm": [1, 0, 2]})
        mixed = g.node("Reshape", [mixed, self._ints(-1, shape.width)])
        name = f"{layer}.attention.output.dense"
        mixed = self._dense(self._smoothed(mixed, name), name, name)
        return self._norm(g.node("Add", [x, mixed]), f"{layer}.attention.output.LayerNorm")

    def _feed(self, x: str, layer: str) -> str:
        g, name = self.g, f"{layer}.intermediate.dense"
        inner = self._dense(self._smoothed(x, name), name, name)
        inner = g.node("Gelu", [inner], domain=_FUSED)
        inner = self._dense_after_gelu(inner, f"{layer}.output.dense")
        return self._norm(g.node("Add", [x, inner]), f"{layer}.output.LayerNorm")

    def _smoothed(self, x: str, name: str) -> str:
        if self.smoothing is None:
            return x
        return self.g.node("Mul", [x, self.g.constant(1 / self.smoothing[name])])

    def _dense(self, x: str, name: str, smoothed_as: str) -> str:
        """``x`` times a layer's weights plus its bias; in 8 bits, one scale for all of ``x``."""
        g, bias = self.g, self._weight(f"{name}.bias")
        matrix = self.weights[f"{name}.weight"]
        if self.smoothing is None:
            return g.node("Gemm", [x, g.constant(matrix), bias], attributes={"transB": 1})
        rounded, scale, zero = self._rounded(matrix * self.smoothing[smoothed_as])
        return g.node("DynamicQuantizeMatMul", [x, rounded, scale, zero, bias], domain=_FUSED)

    def _dense_after_gelu(self, x: str, name: str) -> str:
        """The same with one scale a token: a few tokens are tens of times larger than the rest.

        This layer alone made half of all rounding error (mean cosine .9946 -> .9975) and the
        finer scales cost no measurable time here.
        """
        g, bias = self.g, self._weight(f"{name}.bias")
        matrix = self.weights[f"{name}.weight"]
        if self.smoothing is None:
            return g.node("Gemm", [x, g.constant(matrix), bias], attributes={"transB": 1})
        peak = g.node("ReduceMax", [x], attributes={"axes": [1], "keepdims": 0})
        scale = g.node("Mul", [peak, self._float(1 / (255 - _ZERO))])
        scale = g.node("Max", [scale, self._float(_GELU_FLOOR / _ZERO)])
        byte = g.constant(np.array(_ZERO, dtype=np.uint8))
        zeros = g.node("Expand", [byte, g.node("Shape", [scale])])
        q = g.node("QuantizeLinear", [x, scale, zeros], attributes={"axis": 0})
        rounded, columns, zero = self._rounded(matrix)
        product = g.node(
            "MatMulIntegerToFloat",
            [q, rounded, self._float(1.0), columns, byte, zero],
            domain=_FUSED,
        )
        product = g.node("Mul", [product, g.node("Unsqueeze", [scale, self._ints(1)])])
        return g.node("Add", [product, bias])

    def _rounded(self, matrix: Array) -> tuple[str, str, str]:
        """Weights [out, in] as int8 [in, out], with a scale and a zero for each output."""
        scale = (np.abs(matrix).max(1) / 127).astype(np.float32)
        rounded = np.rint(matrix / scale[:, None]).astype(np.int8)
        zero = np.zeros(len(matrix), dtype=np.int8)
        g = self.g
        return g.constant(rounded.T), g.constant(scale), g.constant(zero)

    def _norm(self, x: str, name: str) -> str:
        parts = [self._weight(f"{name}.{part}") for part in ("weight", "bias")]
        attributes = {"axis": -1, "epsilon": self.shape.epsilon}
        return self.g.node("LayerNormalization", [x, *parts], attributes=attributes)

    def _weight(self, name: str) -> str:
        return self.g.constant(self.weights[name])

    def _ints(self, *values: int) -> str:
        return self.g.constant(np.array(values, dtype=np.int64))

    def _float(self, value: float) -> str:
        return self.g.constant(np.array(value, dtype=np.float32))
