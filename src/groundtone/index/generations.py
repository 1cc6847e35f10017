"""Which index is the current one, so that another can be built beside it and take its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from groundtone.index import Index, open_index

FIRST = "1"


class Indexes:
    """The indexes of one workspace: one is current, a rebuild makes the next.

    Args:
        folder: holds a folder for each.
        store: what keeps them, "lancedb".
        current: asks which is current; None before the first rebuild. Asked again at each use,
            because another process may have rebuilt.
    """

    def __init__(self, folder: Path, store: str, current: Callable[[], str | None]) -> None:
        self._folder = folder
        self._store = store
        self._current = current
        self._lock = Lock()
        self._opened: tuple[str, int, Index] | None = None

    def current(self, dimensions: int) -> Index:
        """The current index, opened; the same object until another takes its place."""
        name = self._name()
        with self._lock:
            if self._opened is None or self._opened[:2] != (name, dimensions):
                self._opened = (
                    name,
                    dimensions,
                    open_index(self._store, self._path(name), dimensions),
                )
            return self._opened[2]

    def exists(self) -> bool:
        """Whether the current index has a folder; it is not opened."""
        return self._path(self._name()).is_dir()

    def beside(self, dimensions: int) -> tuple[str, Index]:
        """A new, empty index and its name; it is current once that name is remembered."""
        name = str(int(self._name()) + 1)
        shutil.rmtree(self._path(name), ignore_errors=True)
        return name, open_index(self._store, self._path(name), dimensions)

    def sweep(self) -> None:
        """Remove indexes that are not current; only under the writing lock."""
        keep = self._path(self._name())
        for path in self._folder.glob("*"):
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """Close the opened index."""
        with self._lock:
            if self._opened is not None:
                self._opened[2].close()
                self._opened = None

    def _name(self) -> str:
        return self._current() or FIRST

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._store}-{name}"
