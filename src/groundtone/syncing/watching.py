"""When to look at which source again: told by the system where it can, else by the clock."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from groundtone.syncing.ignoring import NAMES

WAKE_MS = 250  # between two looks at the clock and at single files
STILL_MS = 100  # without a further change before a change is told
LONGEST_MS = 800  # a change is told after this time though others follow
LOOK_S = 60.0  # all folders are looked at this often: for links out of them, for network drives
POLL_S = (1.0, 10.0)  # and this often where the system tells nothing: at most, at least
SHARE = 10  # times as long as the last look took, between these two

Source = Path | str
"""A folder, a file, or a web address."""


class Watch:
    """Waits until sources may have changed.

    Folders are followed by the system's own events (inotify, FSEvents, …, through watchfiles).
    Where that is not possible, because too many folders are watched already or the file system
    tells nothing, they are looked at every second or less often if looking takes long. Single
    files are looked at four times a second: editors replace them, and an event for a file that was
    replaced never comes. Pages are due at an interval. All folders are due at once the first time:
    they may have changed before anyone listened.

    Args:
        sources: folders, files and web addresses.
        state: the workspace's own folder, whose changes mean nothing.
        recheck: seconds between two looks at web addresses.

    Attributes:
        told: whether the system tells changes; False: folders are polled.
    """

    def __init__(self, sources: Sequence[Source], state: Path, recheck: float) -> None:
        self._paths = [source for source in sources if isinstance(source, Path)]
        self._pages = [source for source in sources if isinstance(source, str)]
        self._state = os.path.realpath(state)
        self._recheck = recheck
        self.told = True
        self._wakes = self._wake()
        self._files = self._look_at_files()
        self._rechecked = self._began = time.monotonic()
        self._looked = float("-inf")
        self._retry: tuple[float, list[Source]] | None = None
        self._failures = 0
        next(self._wakes)  # from here on, nothing is missed

    def wait(self, seconds: float = float("inf")) -> list[Source]:
        """Wait until something is due, and return what; nothing when so many seconds are over."""
        started = time.monotonic()
        took = started - self._began
        while time.monotonic() - started < seconds:
            changed = next(self._wakes)
            now = time.monotonic()
            due: list[Source] = []
            if self._retry is not None and now >= self._retry[0]:
                due += self._retry[1]
                self._retry = None
            files = self._look_at_files()
            often = LOOK_S if self.told else min(max(POLL_S[0], SHARE * took), POLL_S[1])
            if changed or files != self._files or now - self._looked >= often:
                self._files = files
                self._looked = now
                due += self._paths
            if self._pages and now - self._rechecked >= self._recheck:
                self._rechecked = now
                due += self._pages
            if due:
                self._began = time.monotonic()
                return list(dict.fromkeys(due))
        return []

    def again(self, due: Sequence[Source]) -> None:
        """Have what was returned last due once more, because syncing it failed.

        After a second, and twice as long after each further failure, a minute at most.
        """
        wait = min(2.0**self._failures, LOOK_S)
        self._failures += 1
        self._retry = (time.monotonic() + wait, list(due))

    def done(self) -> None:
        """Syncing has worked."""
        self._failures = 0

    def _look_at_files(self) -> list[tuple[int, int] | None]:
        """Size and time of single files, and which folders are there."""
        seen: list[tuple[int, int] | None] = []
        for path in self._paths:
            try:
                status = os.stat(path)  # noqa: PTH116  (four times a second)
            except OSError:
                seen.append(None)
            else:
                folder = stat.S_ISDIR(status.st_mode)
                seen.append(
                    (status.st_dev, status.st_ino)
                    if folder
                    else (status.st_size, status.st_mtime_ns)
                )
        return seen

    def _folders(self) -> dict[Path, tuple[int, int] | None]:
        return {
            path: seen
            for path, seen in zip(self._paths, self._look_at_files(), strict=True)
            if path.is_dir()
        }

    def _wake(self) -> Iterator[bool]:
        """Yields four times a second: whether folders may have changed."""
        from watchfiles import watch

        while True:
            folders = self._folders()
            if folders and self.told:
                fresh = True  # something may have changed before anyone listened
                try:
                    for changes in watch(
                        *folders,
                        watch_filter=lambda _change, path: self._matters(path),
                        debounce=LONGEST_MS,
                        step=STILL_MS,
                        rust_timeout=WAKE_MS,
                        yield_on_timeout=True,
                        ignore_permission_denied=True,
                    ):
                        yield fresh or bool(changes)
                        fresh = False
                        if self._folders() != folders:
                            break  # one has come or gone, or is another one: watch what is there
                except OSError:
                    self.told = False
            else:
                time.sleep(WAKE_MS / 1000)
                yield False

    def _matters(self, path: str) -> bool:
        """Whether a change may be one of a document: not in our own state, not hidden."""
        if path == self._state or path.startswith(self._state + os.sep):
            return False
        return not all(_hidden(os.path.relpath(path, source)) for source in self._paths)


def _hidden(inner: str) -> bool:
    """Whether a path under a source is passed over when it is scanned; ignore files are not."""
    parts = Path(inner).parts
    if parts and parts[-1] in NAMES:
        parts = parts[:-1]
    return any(part.startswith(".") for part in parts)
