"""Tar archives, plain or compressed, and single compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from groundtone.documents.limits import Budget, Member, too_dense, too_large
from groundtone.documents.recognising import is_tar
from groundtone.errors import UnreadableFile

_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
_TAR_NAMES = (".tar", ".tgz", ".tbz", ".tbz2", ".txz")
_PACKED_NAMES = (".gz", ".bz2", ".xz")
_XZ_MEMORY = 256_000_000
_BLOCK = 512
_STEP = 1 << 20


def open_parts(path: Path, data: bytes, budget: Budget) -> Iterator[Member]:
    """The files of a tar archive, or the one file that was compressed.

    Raises:
        UnreadableFile: damaged (files before the damage have been yielded), or a bomb.
        TooMuch: it unpacks to more than the limit.
    """
    try:
        stream = _Stream(_unpacking(data), path.name, len(data), budget)
        if is_tar(stream.beginning) or (
            path.name.lower().endswith(_TAR_NAMES) and not stream.beginning.strip(b"\0")
        ):
            yield from _members(stream, budget)
        else:
            name = path.stem if path.suffix.lower() in _PACKED_NAMES else path.name
            yield Member(name, _read(stream, name, budget))
    except (*_BROKEN, tarfile.TarError) as error:
        reason = f"a damaged archive: {error or type(error).__name__}"
        raise UnreadableFile(path, reason) from None


class _Stream:
    """Unpacks while it is read, and stops where a limit is reached."""

    def __init__(self, file: BinaryIO, name: str, packed: int, budget: Budget) -> None:
        self._file, self._name, self._packed, self._budget = file, name, packed, budget
        self._size = 0
        self.beginning = b""
        self.beginning = self._left = self.read(_BLOCK)

    def read(self, count: int) -> bytes:
        if self.beginning and self._left:
            piece, self._left = self._left[:count], self._left[count:]
            return piece
        piece = self._file.read(count)
        self._size += len(piece)
        if self._budget.limits.suspicious(self._size, self._packed):
            raise too_dense(self._name)
        self._budget.take(len(piece))
        return piece


def _unpacking(data: bytes) -> BinaryIO:
    file = io.BytesIO(data)
    if data.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if data.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(file))
    if data.startswith(b"\xfd7zXZ"):
        # The stream states how much memory unpacking takes: a hostile one says gigabytes.
        lzma.LZMADecompressor(memlimit=_XZ_MEMORY).decompress(data[:_STEP], max_length=1)
        return cast(BinaryIO, lzma.LZMAFile(file))
    return file


def _members(stream: _Stream, budget: Budget) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_STEP) as archive:  # type: ignore[call-overload]
        for entry in archive:
            if entry.isdir():
                continue
            if not entry.isreg() or entry.issparse():
                reason = "a link or device inside an archive; it is not followed"
                if entry.issparse():
                    reason = "a sparse file inside an archive; pack it without holes"
                yield Member(entry.name, UnreadableFile(entry.name, reason))
                continue
            file = archive.extractfile(entry)
            content: bytes | UnreadableFile
            if entry.size > budget.limits.member_bytes or file is None:
                content = too_large(entry.name, budget.limits)
            else:
                data = file.read()
                content = data
                if len(data) != entry.size:
                    content = UnreadableFile(entry.name, "cut off: the archive ends inside it")
            yield Member(entry.name, content)


def _read(stream: _Stream, name: str, budget: Budget) -> bytes | UnreadableFile:
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_STEP):
        size += len(piece)
        if size > budget.limits.member_bytes:
            return too_large(name, budget.limits)
        pieces.append(piece)
    return b"".join(pieces)
