"""What a GGUF file says about itself, read without its weights (about 0.1 s).

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only the key-value head is
read; the ``gguf`` package parses every tensor entry as well and takes about 3 s for it.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from groundtone.errors import EngineError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
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


@lru_cache(maxsize=8)
def _metadata(path: Path, size: int, mtime_ns: int) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise EngineError(f"{path} is not a GGUF file.", "Name a model in GGUF format.")
            version, _tensors, count = struct.unpack("<IQQ", file.read(20))
            if version not in (2, 3):
                raise EngineError(f"{path} is GGUF version {version}; versions 2 and 3 are read.")
            head = {}
            for _ in range(count):
                key = _string(file)
                head[key] = _value(file, struct.unpack("<I", file.read(4))[0])
            return head
    except (struct.error, UnicodeDecodeError, KeyError, MemoryError) as error:
        raise EngineError(
            f"{path} ends too early or is damaged.", "Fetch or make the file again."
        ) from error


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
