"""Writes the ONNX file format: the few protobuf messages that a graph of ours needs.

The ``onnx`` package would be another three packages in every install, to write one file once.
Field numbers are those of ``onnx.proto`` (ONNX IR version 8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Attribute = int | float | str | Sequence[int]
Shape = Sequence[int | str]

_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10}
_IR_VERSION = 8


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are ten bytes of two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _attribute(name: str, value: Attribute) -> bytes:
    out = _bytes(1, name)
    if isinstance(value, float):
        return out + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return out + _number(3, value) + _number(20, 2)
    if isinstance(value, str):
        return out + _bytes(4, value) + _number(20, 3)
    return out + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _value(name: str, dtype: str, shape: Shape) -> bytes:
    dims = (_number(1, dim) if isinstance(dim, int) else _bytes(2, dim) for dim in shape)
    tensor = _number(1, _TYPES[dtype]) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


class Graph:
    """An ONNX graph under construction: every method answers the name of what it made."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._count = 0

    def input(self, name: str, dtype: str, shape: Shape) -> str:
        """Declare an input; a text in ``shape`` is a free dimension of that name."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Shape) -> None:
        """Declare an output, by the name of the value that it is."""
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, array: np.ndarray, name: str = "") -> str:
        """Add a tensor of the graph."""
        name = name or self._fresh("c")
        array = np.ascontiguousarray(array)
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        dims = b"".join(_number(1, dim) for dim in array.shape)
        kind = _number(2, _TYPES[array.dtype.name])
        self._tensors.append(dims + kind + _bytes(8, name) + _bytes(9, array.tobytes()))
        return name

    def node(
        self,
        op: str,
        inputs: Iterable[str],
        *,
        outputs: int = 1,
        domain: str = "",
        attributes: Mapping[str, Attribute] | None = None,
        name: str = "",
    ) -> str:
        """Add an operation; answers its first output, the others end in ``_1``, ``_2``…"""
        first = name or self._fresh("v")
        names = [first, *(f"{first}_{n}" for n in range(1, outputs))]
        message = b"".join(_bytes(1, item) for item in inputs)
        message += b"".join(_bytes(2, item) for item in names)
        message += _bytes(3, f"n_{first}") + _bytes(4, op)
        for key, value in (attributes or {}).items():
            message += _bytes(5, _attribute(key, value))
        if domain:
            message += _bytes(7, domain)
        self._nodes.append(message)
        return first

    def model(self, opsets: Mapping[str, int]) -> bytes:
        """The whole file; ``opsets`` maps operator domains ("" is ONNX's own) to versions."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _bytes(2, self._name)
        graph += b"".join(_bytes(5, tensor) for tensor in self._tensors)
        graph += b"".join(_bytes(11, value) for value in self._inputs)
        graph += b"".join(_bytes(12, value) for value in self._outputs)
        model = _number(1, _IR_VERSION) + _bytes(2, "groundtone") + _bytes(7, graph)
        for domain, version in opsets.items():
            model += _bytes(8, _bytes(1, domain) + _number(2, version))
        return model

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"
