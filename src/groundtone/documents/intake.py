"""From a path to bytes, refusing what cannot become a document before any parser sees it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from groundtone.errors import UnreadableFile

_NOT_REGULAR = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def load(path: Path, max_bytes: int) -> bytes:
    """Read a whole file, or say in one sentence why that is not possible.

    Args:
        path: the file; links are followed.
        max_bytes: larger files are refused without being opened.

    Raises:
        UnreadableFile: missing, not a regular file, no permission, empty, too large, or changed
            while it was read.
    """
    try:
        before = path.stat()
        if not stat.S_ISREG(before.st_mode):
            what = _NOT_REGULAR.get(stat.S_IFMT(before.st_mode), "something else")
            raise UnreadableFile(path, f"not a regular file but {what}")
        if before.st_size == 0:
            raise UnreadableFile(path, "the file is empty")
        if before.st_size > max_bytes:
            raise UnreadableFile(
                path, f"too large: {_megabytes(before.st_size)}, limit {_megabytes(max_bytes)}"
            )
        with path.open("rb") as file:
            # One byte more than expected, so that a file that grows is noticed and never drags
            # in more than the limit.
            data = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
        replaced = path.stat()
    except FileNotFoundError:
        reason = "a link that leads nowhere" if path.is_symlink() else "the file does not exist"
        raise UnreadableFile(path, reason) from None
    except PermissionError:
        raise UnreadableFile(path, "no permission to read it") from None
    except OSError as error:
        raise UnreadableFile(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise UnreadableFile(path, f"not a usable file name: {error}") from None
    if len(data) != before.st_size or not _same(before, after) or not _same(before, replaced):
        raise UnreadableFile(path, "changed while it was being read; sync again when it is at rest")
    return data


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size} bytes"
