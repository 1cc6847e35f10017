"""Which index is the current one, so that another can be built beside it and take its place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from groundtone.buckets.reaching import Access
from groundtone.errors import GroundtoneError
from groundtone.index import Index, drop_index, open_index, shown

FIRST = "1"
LEFT = "left.json"
"""In the folder of an index that was moved elsewhere: what the next sync removes."""


class Indexes:
    """The indexes of one workspace: one is current, a rebuild makes the next.

    Args:
        folder: holds a folder for each.
        store: what keeps them, "lancedb".
        current: asks which is current; None before the first rebuild. Asked again at each use,
            because another process may have rebuilt.
        url: of the store's server or bucket, if it has one.
        collection: the first index's name there; a rebuild's carries its number.
        access: how buckets are reached.
    """

    def __init__(
        self,
        folder: Path,
        store: str,
        current: Callable[[], str | None],
        *,
        url: str = "",
        collection: str = "groundtone",
        access: Access | None = None,
    ) -> None:
        self._folder = folder
        self._store = store
        self._current = current
        self._url = url
        self._collection = collection
        self._access = access
        self._lock = Lock()
        self._opened: tuple[str, int, Index] | None = None
        self._former: list[Index] = []

    @property
    def served(self) -> bool:
        """Whether a server searches them, and not this process."""
        return bool(self._url) and self._store != "lancedb"

    @property
    def path(self) -> Path:
        """The current index's folder: of its data, or of what stands beside a server."""
        return self._path(self._name())

    @property
    def collection(self) -> str:
        """The current index's name on a server."""
        return self._named(self._name())

    def current(self, dimensions: int) -> Index:
        """The current index, opened; the same object until another takes its place."""
        name = self._name()
        with self._lock:
            if self._opened is None or self._opened[:2] != (name, dimensions):
                if self._opened is not None:
                    self._former.append(self._opened[2])  # a search may still be using it
                self._opened = (name, dimensions, self._open(name, dimensions))
            return self._opened[2]

    @property
    def place(self) -> str:
        """Store and place, to see whether settings still name the index that was filled."""
        return f"{self._store}{self._place()}"

    def exists(self) -> bool:
        """Whether the current index has a folder, or needs none; it is not opened."""
        return bool(self._url) or self.path.is_dir()

    def beside(self, dimensions: int) -> tuple[str, Index]:
        """A new, empty index and its name; it is current once that name is remembered."""
        name = str(int(self._name()) + 1)
        if self._path(name).exists():  # left by a rebuild that was killed
            self._drop(name)
        return name, self._open(name, dimensions)

    def leave(self) -> None:
        """Mark the current index as moved elsewhere: another store's `sweep` removes it."""
        told = {"store": self._store, "url": self._url, "collection": self.collection}
        (self.path / LEFT).write_text(json.dumps(told), "utf-8")

    @property
    def left(self) -> bool:
        """Whether the current index was marked by `leave`."""
        return (self.path / LEFT).exists()

    def take(self) -> None:
        """Keep the current index after all, if it was marked by `leave`."""
        (self.path / LEFT).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove rebuilds of this index that are not current, and what was moved to here.

        Only under the writing lock.
        """
        keep = self.path
        for path in self._folder.glob(f"{self._store}-*{self._place()}"):
            name = path.name.removeprefix(f"{self._store}-").removesuffix(self._place())
            if path != keep and name.isdigit():
                self._drop(name)
        for left in self._folder.glob(f"*/{LEFT}"):
            if left.parent != keep:
                _remove_left(left, self._access)

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            while self._former:
                self._former.pop().close()
            if self._opened is not None:
                self._opened[2].close()
                self._opened = None

    def _name(self) -> str:
        return self._current() or FIRST

    def _named(self, name: str) -> str:
        return self._collection if name == FIRST else f"{self._collection}-{name}"

    def _place(self) -> str:
        """Of a server's collection, so that what stands beside two of them is kept apart."""
        if not self._url:
            return ""
        place = f"{shown(self._url)} {self._collection}"
        return "-" + hashlib.sha256(place.encode()).hexdigest()[:8]

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._store}-{name}{self._place()}"

    def _open(self, name: str, dimensions: int) -> Index:
        path = self._path(name)
        path.mkdir(parents=True, exist_ok=True)  # for a server too: it says that the index is there
        return open_index(
            self._store,
            path,
            dimensions,
            url=self._url,
            collection=self._named(name),
            access=self._access,
        )

    def _drop(self, name: str) -> None:
        if self._url:
            drop_index(self._store, self._url, self._named(name), self._access)
        shutil.rmtree(self._path(name), ignore_errors=True)


def _remove_left(left: Path, access: Access | None) -> None:
    """A server that is away by now keeps its collection: it is not asked again and again."""
    with suppress(OSError, ValueError, KeyError, GroundtoneError):
        told = json.loads(left.read_text("utf-8"))
        if told["url"]:
            drop_index(told["store"], told["url"], told["collection"], access)
    shutil.rmtree(left.parent, ignore_errors=True)
