"""A LanceDB table at one moment, as `resident` reads it, and whether that was the last one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.index.segment import COLUMNS

if TYPE_CHECKING:
    import numpy as np

_LAST = (1 << 64) - 1


class LanceSnapshot:
    """One version of a table that has stable row ids.

    Args:
        loop: runs its calls.
        table: opened by lancedb's asynchronous interface; it does not move on by itself.
    """

    def __init__(self, loop: Any, table: Any) -> None:
        self._loop, self._table = loop, table
        self.version: int = loop.run(table.version())

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all rows, and in which version each was written last: uint64."""
        columns = ["_rowid", "_row_last_updated_at_version"]
        found = self._loop.run(self._table.query().select(columns).to_arrow())
        numbers, written = (found.column(name).to_numpy().astype("uint64") for name in columns)
        return numbers, written

    def read(self, numbers: Sequence[int]) -> Iterator[Any]:
        """These rows, as Arrow batches."""
        search = self._table.take_row_ids(numbers).select(["_rowid", *COLUMNS])
        yield from self._loop.run(search.to_arrow()).combine_chunks().to_batches()


class Versions:
    """The versions of a table, from the names of its files: it is asked before every search.

    Args:
        table: the table's folder.
    """

    def __init__(self, table: Path) -> None:
        self._folder = str(table / "_versions")
        self._seen = (0, 0)

    def is_last(self, version: int) -> bool:
        """Whether no later version was written, by whatever process."""
        try:
            # Two versions may be written in one tick of the clock that folders are stamped by.
            if any(os.path.exists(path) for path in self._paths(version + 1)):  # noqa: PTH110
                return False
            seen = version, os.stat(self._folder).st_mtime_ns  # noqa: PTH116
            if self._seen == seen:
                return True
            written = (_version(name) for name in os.listdir(self._folder))  # noqa: PTH208
            if max(filter(None, written), default=0) != version:
                return False
        except OSError:  # rebuilt meanwhile
            return False
        self._seen = seen
        return True

    def mark(self, version: int) -> str:
        """What no other table's version of this number has in common with it: a digest of the file
        that names its data.

        Raises:
            FileNotFoundError: it is not there any more.
        """
        for path in map(Path, self._paths(version)):
            if path.exists():
                return hashlib.sha256(path.read_bytes()).hexdigest()
        raise FileNotFoundError(f"version {version} of {self._folder}")

    def _paths(self, version: int) -> tuple[str, str]:
        return tuple(f"{self._folder}/{name}" for name in _names(version))  # type: ignore[return-value]


class Asked:
    """The same for a table in a bucket: its list of versions is asked for, in one request.

    Args:
        loop: runs its calls.
        table: opened by lancedb's asynchronous interface; it moves on by itself.
    """

    def __init__(self, loop: Any, table: Any) -> None:
        self._loop, self._table = loop, table

    def is_last(self, version: int) -> bool:
        """Whether no later version was written, by whatever process."""
        try:
            last: int = self._loop.run(self._table.version())
        except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile, or away
            return False
        return last == version


def _names(version: int) -> tuple[str, str]:
    """As files are called now, and as they were."""
    return f"{_LAST - version:020}.manifest", f"{version}.manifest"


def _version(name: str) -> int | None:
    number, _, suffix = name.partition(".")
    if suffix != "manifest" or not number.isdecimal():
        return None
    return _LAST - int(number) if len(number) == 20 else int(number)
