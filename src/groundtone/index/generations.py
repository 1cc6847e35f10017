"""Which index is the current one, so that another can be built beside it and take its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from groundtone.index import Index, drop_index, open_index

FIRST = "1"


class Indexes:
    """The indexes of one workspace: one is current, a rebuild makes the next.

    Args:
        folder: holds a folder for each.
        store: what keeps them, "lancedb".
        current: asks which is current; None before the first rebuild. Asked again at each use,
            because another process may have rebuilt.
        url: of the store's server, if it has one.
        collection: the first index's name there; a rebuild's carries its number.
    """

    def __init__(
        self,
        folder: Path,
        store: str,
        current: Callable[[], str | None],
        *,
        url: str = "",
        collection: str = "groundtone",
    ) -> None:
        self._folder = folder
        self._store = store
        self._current = current
        self._url = url
        self._collection = collection
        self._lock = Lock()
        self._opened: tuple[str, int, Index] | None = None

    def current(self, dimensions: int) -> Index:
        """The current index, opened; the same object until another takes its place."""
        name = self._name()
        with self._lock:
            if self._opened is None or self._opened[:2] != (name, dimensions):
                self._opened = (name, dimensions, self._open(name, dimensions))
            return self._opened[2]

    def exists(self) -> bool:
        """Whether the current index has a folder; it is not opened."""
        return self._path(self._name()).is_dir()

    def beside(self, dimensions: int) -> tuple[str, Index]:
        """A new, empty index and its name; it is current once that name is remembered."""
        name = str(int(self._name()) + 1)
        if self._path(name).exists():  # left by a rebuild that was killed
            self._drop(self._path(name))
        return name, self._open(name, dimensions)

    def sweep(self) -> None:
        """Remove indexes of this store that are not current; only under the writing lock."""
        keep = self._path(self._name())
        for path in self._folder.glob(f"{self._store}-*"):
            if path != keep:
                self._drop(path)

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

    def _open(self, name: str, dimensions: int) -> Index:
        path = self._path(name)
        path.mkdir(parents=True, exist_ok=True)  # for a server too: it says that the index is there
        return open_index(
            self._store,
            path,
            dimensions,
            url=self._url,
            collection=self._collection if name == FIRST else f"{self._collection}-{name}",
        )

    def _drop(self, path: Path) -> None:
        if self._url:
            name = path.name.removeprefix(f"{self._store}-")
            collection = self._collection if name == FIRST else f"{self._collection}-{name}"
            drop_index(self._store, self._url, collection)
        shutil.rmtree(path, ignore_errors=True)
