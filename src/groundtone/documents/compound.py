"""Compound files (OLE2): the little file system that Outlook messages and old Office files are.

Sectors are chained through an allocation table; small streams lie in sectors of 64 bytes inside one
large stream (MS-CFB). Nothing is followed twice, so that chains that bite their tails end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA  # from here on numbers are marks, no sectors
_NONE = 0xFFFFFFFF
_ENTRY = 128
_SMALL_SECTOR = 64
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_DEEPEST = 40


class Damaged(ValueError):
    """Not a compound file, or one whose tables lead nowhere."""


@dataclass(slots=True)
class Storage:
    """A folder of a compound file.

    Attributes:
        streams: its files, by name.
        storages: its folders, by name.
    """

    streams: dict[str, bytes] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)


def opened(data: bytes) -> Storage:
    """The outermost folder, with everything in it.

    A stream that is cut off, or whose chain is broken, is there as far as it can be followed.

    Raises:
        Damaged: there is no directory.
    """
    return _File(data).root()


class _File:
    def __init__(self, data: bytes) -> None:
        if len(data) < 512 or not data.startswith(MARK):
            raise Damaged("not a compound file")
        self._data = data
        shift = int.from_bytes(data[30:32], "little")
        if shift not in (9, 12):
            raise Damaged("its sectors are of an impossible size")
        self._sector = 1 << shift
        self._most = len(data) // self._sector + 1
        (directory, _, self._small_below, small_table, _, more, _) = struct.unpack(
            "<7I", data[48:76]
        )
        self._table = self._allocation(struct.unpack("<109I", data[76:512]), more)
        self._small_table = _numbers(self._chain(small_table))
        self._entries = self._chain(directory)
        if len(self._entries) < _ENTRY:
            raise Damaged("its directory is missing")
        _, _, start, size = self._entry(0)
        self._small = self._chain(start)[:size]
        self._given = 0

    def root(self) -> Storage:
        return self._storage(0, set(), 0)

    def _allocation(self, first: tuple[int, ...], more: int) -> tuple[int, ...]:
        places = [place for place in first if place < _END]
        seen: set[int] = set()
        while more < _END and more not in seen:
            seen.add(more)
            numbers = _numbers(self._at(more))
            if not numbers:
                break
            places += [place for place in numbers[:-1] if place < _END]
            more = numbers[-1]
        return _numbers(b"".join(self._at(place) for place in places[: self._most]))

    def _at(self, number: int) -> bytes:
        start = (number + 1) * self._sector
        return self._data[start : start + self._sector]

    def _chain(self, number: int) -> bytes:
        pieces: list[bytes] = []
        while number < len(self._table) and len(pieces) < self._most:
            piece = self._at(number)
            if not piece:
                break
            pieces.append(piece)
            number = self._table[number]
        return b"".join(pieces)

    def _small_chain(self, number: int, size: int) -> bytes:
        pieces: list[bytes] = []
        while number < len(self._small_table) and len(pieces) * _SMALL_SECTOR < size:
            start = number * _SMALL_SECTOR
            pieces.append(self._small[start : start + _SMALL_SECTOR])
            number = self._small_table[number]
        return b"".join(pieces)[:size]

    def _entry(self, number: int) -> tuple[str, int, int, int]:
        """An entry's name, kind, first sector and size."""
        entry = self._entries[number * _ENTRY : (number + 1) * _ENTRY]
        if len(entry) < _ENTRY:
            return "", 0, _NONE, 0
        length = min(64, int.from_bytes(entry[64:66], "little"))
        name = entry[: max(0, length - 2)].decode("utf-16-le", "replace")
        start, size = struct.unpack("<II", entry[116:124])
        return name, entry[66], start, size

    def _storage(self, number: int, seen: set[int], depth: int) -> Storage:
        storage = Storage()
        waiting = [self._links(number)[2]]
        while waiting:
            at = waiting.pop()
            if at in seen or (at + 1) * _ENTRY > len(self._entries):
                continue
            seen.add(at)
            waiting += self._links(at)[:2]
            name, kind, start, size = self._entry(at)
            if kind == _STORAGE and depth < _DEEPEST:
                storage.storages[name] = self._storage(at, seen, depth + 1)
            elif kind == _STREAM:
                storage.streams[name] = self._stream(start, size)
        return storage

    def _stream(self, start: int, size: int) -> bytes:
        small = size < self._small_below
        content = self._small_chain(start, size) if small else self._chain(start)[:size]
        # Streams that share their sectors would unpack to far more than the file.
        self._given += len(content)
        if self._given > 2 * len(self._data):
            raise Damaged("its streams overlap")
        return content

    def _links(self, number: int) -> tuple[int, int, int]:
        """An entry's neighbours on both sides, and the first entry inside it."""
        place = number * _ENTRY + 68
        left, right, inside = struct.unpack("<3I", self._entries[place : place + 12])
        return left, right, inside


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
