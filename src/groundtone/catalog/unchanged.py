"""What the catalog said last, for as long as nobody has written to it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from copy import copy
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from groundtone.catalog.schema import Database

P = ParamSpec("P")
T = TypeVar("T")
Self = TypeVar("Self", bound="Database")

MOST = 1_000  # answers kept


class Unchanged:
    """Answers kept until anybody, of whatever process, has written to an SQLite file.

    A connection that writes nothing asks SQLite's own counter of others' changes, which takes three
    microseconds. Where there is no such file nothing is kept.

    Args:
        path: the file; None for a server's database.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened = 0  # connections count each for itself
        self._kept: tuple[object, dict[Hashable, Any]] = (None, {})

    def answer(self, key: Hashable, ask: Callable[[], T]) -> T:
        """What was answered last under this key; asked anew after any change."""
        now = self._changes()
        if now is None:
            return ask()
        changes, kept = self._kept
        if changes != now or len(kept) > MOST:
            kept = {}
            self._kept = now, kept
        if key not in kept:
            # It may be of a later moment than `now`: then the next call finds another counter.
            kept[key] = ask()
        answer: T = kept[key]
        return answer

    def close(self) -> None:
        """Let go of the file; later calls open it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _changes(self) -> tuple[int, int] | None:
        """Another one after each change of the file by others; None if that is not known."""
        if self._path is None:
            return None
        with self._lock, suppress(sqlite3.Error):
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, check_same_thread=False)
                self._opened += 1
            [(changes,)] = self._connection.execute("PRAGMA data_version").fetchall()
            return self._opened, int(changes)
        return None


def remembered(
    ask: Callable[Concatenate[Self, P], T],
) -> Callable[Concatenate[Self, P], T]:
    """A method of the catalog whose answers are kept while nobody writes; each caller gets a list
    or a dict of its own."""

    @wraps(ask)
    def answered(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (ask.__name__, args, tuple(kwargs.items()))
        found = self.unchanged.answer(key, lambda: ask(self, *args, **kwargs))
        return copy(found) if isinstance(found, list | dict) else found

    return answered
