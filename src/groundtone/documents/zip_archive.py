"""Zip archives: each file inside is a document of its own."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from groundtone.documents.limits import Budget, Member, read_within, too_dense, too_large
from groundtone.documents.recognising import refuse_early
from groundtone.errors import UnreadableFile

_ENCRYPTED = 0x1
_HEAD = 4_096


def open_parts(path: Path, data: bytes, budget: Budget) -> Iterator[Member]:
    """The files of a zip archive, in its order.

    Raises:
        UnreadableFile: its directory is damaged, or its entries overlap.
    """
    with opened(path, data) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield Member(entry.filename, _content(archive, entry, budget))


def opened(path: Path, data: bytes) -> zipfile.ZipFile:
    """A zip archive whose directory is sound.

    Raises:
        UnreadableFile: damaged, or several entries claim the same bytes: that is how the densest
            bombs are made.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(path, f"a damaged zip archive: {error}") from None
    if sum(entry.compress_size for entry in archive.infolist()) > len(data):
        raise UnreadableFile(path, "looks like a bomb: files in it overlap")
    return archive


def _content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget
) -> bytes | UnreadableFile:
    name = entry.filename
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        return UnreadableFile(name, "a link or device inside an archive; it is not followed")
    if entry.flag_bits & _ENCRYPTED:
        return UnreadableFile(name, "encrypted with a password; pack it without one")
    if entry.file_size > budget.limits.member_bytes:
        return too_large(name, budget.limits)
    if budget.limits.suspicious(entry.file_size, entry.compress_size):
        return too_dense(name)
    try:
        with archive.open(entry) as file:
            head = file.read(_HEAD)
            refuse_early(name, head)
            file.seek(0)
            return read_within(cast(BinaryIO, file), name, entry.compress_size, budget)
    except UnreadableFile as error:
        return error
    except NotImplementedError as error:
        return UnreadableFile(name, f"packed in a way that is not known here: {error}")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        return UnreadableFile(name, f"damaged in the archive: {error or type(error).__name__}")
