"""What a GGUF file says about itself, read without its weights (about 0.1 s).

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The ``gguf`` package takes
about 3 s for the same, because it makes an array of every token of the vocabulary.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from groundtone.errors import EngineError

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9

INVOCATION_KEY = "groundtone.alora.invocation_tokens"
"""Metadata of adapters that we export: the ids from whose last occurrence the adapter works.
llama.cpp starts one token before the sequence in its own key, so that one holds all but the first.
"""


def metadata(path: Path | str) -> dict[str, Any]:
    """Return the key-value head of a GGUF file; arrays become lists.

    Raises:
        EngineError: the file is missing, or is not a little-endian GGUF file of version 2 or 3.
    """
    path = Path(path)
    try:
        stat = path.stat()
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    return _metadata(path, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One matrix of a GGUF file.

    Attributes:
        name: its GGUF name, for example "blk.0.attn_q.weight".
        kind: the number of its ggml type (0 F32, 1 F16, 8 Q8_0, …).
        shape: as numpy has it, rows first.
        offset: its first byte in the file.
    """

    name: str
    kind: int
    shape: tuple[int, ...]
    offset: int


def tensor_entries(path: Path | str) -> list[TensorEntry]:
    """Return where the matrices of a GGUF file are; errors as in `metadata`."""
    with Path(path).open("rb") as file, _damage(Path(path)):
        head, tensors = _head(Path(path), file)
        entries = []
        for _ in range(tensors):
            name = _string(file)
            (dimensions,) = struct.unpack("<I", file.read(4))
            sizes = struct.unpack(f"<{dimensions}Q", file.read(8 * dimensions))
            entries.append((name, sizes[::-1], *struct.unpack("<IQ", file.read(12))))
        align = int(head.get("general.alignment", 32))
        start = -(-file.tell() // align) * align
    return [TensorEntry(name, kind, shape, start + at) for name, shape, kind, at in entries]


@lru_cache(maxsize=8)
def _metadata(path: Path, size: int, mtime_ns: int) -> dict[str, Any]:
    with path.open("rb") as file, _damage(path):
        return _head(path, file)[0]


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (struct.error, UnicodeDecodeError, KeyError, MemoryError, OverflowError) as error:
        raise EngineError(
            f"{path} ends too early or is damaged.", "Fetch or make the file again."
        ) from error


def _head(path: Path, file: BinaryIO) -> tuple[dict[str, Any], int]:
    if file.read(4) != b"GGUF":
        raise EngineError(f"{path} is not a GGUF file.", "Name a model in GGUF format.")
    version, tensors, count = struct.unpack("<IQQ", file.read(20))
    if version not in (2, 3):
        raise EngineError(f"{path} is GGUF version {version}; versions 2 and 3 are read.")
    head = {}
    for _ in range(count):
        key = _string(file)
        head[key] = _value(file, struct.unpack("<I", file.read(4))[0])
    return head, tensors


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    raw = file.read(length)
    if len(raw) != length:
        raise struct.error("short string")
    return raw.decode("utf-8")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        item, length = struct.unpack("<IQ", file.read(12))
        if item in (_STRING, _ARRAY):
            return [_value(file, item) for _ in range(length)]
        code = f"<{length}{_SCALARS[item]}"
        return list(struct.unpack(code, file.read(struct.calcsize(code))))
    code = "<" + _SCALARS[kind]
    return struct.unpack(code, file.read(struct.calcsize(code)))[0]
