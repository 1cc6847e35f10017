"""How much may come out of one file, and what comes out of it: the guard against bombs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from groundtone.errors import UnreadableFile

_UNSUSPICIOUS = 10_000_000
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may unpack to.

    Attributes:
        depth: containers inside containers ("archive in a mail in an archive" is 3).
        members: parts of all containers together.
        member_bytes: size of one part, unpacked.
        total_bytes: size of all parts together, those of inner archives included.
        ratio: unpacked to packed size, judged from 10 MB on.
    """

    depth: int = 5
    members: int = 50_000
    member_bytes: int = 100_000_000
    total_bytes: int = 500_000_000
    ratio: int = 200

    def suspicious(self, unpacked: int, packed: int) -> bool:
        """Whether no honest data shrinks as much."""
        return unpacked > _UNSUSPICIOUS and unpacked > self.ratio * max(1, packed)


class TooMuch(Exception):
    """A limit on the whole file is reached; the message says which."""


@dataclass(slots=True)
class Budget:
    """What a file has used up of its limits."""

    limits: Limits
    members: int = 0
    bytes: int = 0

    def take_member(self) -> None:
        self.members += 1
        if self.members > self.limits.members:
            raise TooMuch(f"it holds more than {self.limits.members:,} files")

    def take(self, count: int) -> None:
        self.bytes += count
        if self.bytes > self.limits.total_bytes:
            raise TooMuch(f"it unpacks to more than {megabytes(self.limits.total_bytes)}")


@dataclass(frozen=True, slots=True)
class Member:
    """One thing found inside a container.

    Attributes:
        name: as the container calls it; whoever takes it makes it harmless.
        content: its bytes, or why there are none.
        family: the reader, where the container knows it for certain.
        media_type: what the container says it is, or "".
        metadata: what the container knows about it; joins the document's own.
    """

    name: str
    content: bytes | UnreadableFile
    family: str | None = None
    media_type: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def megabytes(size: int) -> str:
    """ "12.3 MB", "100 MB", or "800 bytes"."""
    if size < 100_000:
        return f"{size} bytes"
    return f"{size / 1_000_000:.1f} MB".replace(".0 MB", " MB")


def read_within(file: BinaryIO, name: str, packed: int, budget: Budget) -> bytes:
    """All of a file that unpacks while it is read; never more in memory than the limit.

    Args:
        packed: its size before unpacking.

    Raises:
        UnreadableFile: this part is too large, or shrinks too much.
        TooMuch: all parts together are.
    """
    limits = budget.limits
    pieces: list[bytes] = []
    size = 0
    while piece := file.read(_STEP):
        size += len(piece)
        budget.take(len(piece))
        if size > limits.member_bytes:
            raise too_large(name, limits)
        if limits.suspicious(size, packed):
            raise too_dense(name)
        pieces.append(piece)
    return b"".join(pieces)


def too_large(name: str, limits: Limits) -> UnreadableFile:
    return UnreadableFile(
        name, f"too large: it unpacks to more than {megabytes(limits.member_bytes)}"
    )


def too_dense(name: str) -> UnreadableFile:
    return UnreadableFile(name, "looks like a bomb: it unpacks to hundreds of times its size")
