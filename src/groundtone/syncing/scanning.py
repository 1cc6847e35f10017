"""What is in a source: its files, in a fixed order, looked at without opening any."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from groundtone.documents import SUPPORTED
from groundtone.syncing import sidecars
from groundtone.syncing.ignoring import NAMES, Rules, outside
from groundtone.syncing.patterns import matches, whole

TOOLS = frozenset(("__pycache__", "node_modules"))
"""Folders that programs fill and nobody writes documents in; their hidden ones go as hidden."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to keep in step.

    Attributes:
        name: posix path under its source, or the page's address.
        place: where it is; `path` makes a `Path` of it, for the few files that are opened.
        size, mtime_ns: of it and of its sidecar.
        sidecar: where that is, "" without one; see `sidecars`.
    """

    name: str
    place: str
    size: int
    mtime_ns: int
    sidecar: str = ""

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.place)


@dataclass(slots=True)
class Scan:
    """A source as it is now.

    Attributes:
        files: by name, sorted.
        failed: (name, reason) of what could not be looked at.
        notes: further things worth telling.
        unknown: folders whose contents are unknown ("" is all): nothing there counts as deleted.
        skipped: how many files of which ending are of no supported kind.
    """

    files: list[File] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def may_still_exist(self, name: str) -> bool:
        """Whether a file that was not found stands where nothing could be looked at."""
        failed = {failed for failed, _ in self.failed}
        return name in failed or any(
            not folder or name.startswith(folder + "/") for folder in self.unknown
        )


def scan(
    source: Path,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    gitignore: bool = True,
) -> Scan:
    """Look at all files of a source.

    Hidden files and folders, folders of tools, the lock files of office programs and what ignore
    files name are left out. Links are followed, but no folder is visited twice. A source that is
    one file is always taken. A sidecar goes with its file, whatever the globs say.

    Args:
        source: a folder, or one file.
        include: globs; empty: every supported kind.
        exclude: globs that win.
        gitignore: whether ``.gitignore`` files count; ``.groundtoneignore`` files always do.
    """
    found = Scan()
    if not os.path.isdir(source):  # noqa: PTH112  (Path.is_dir may raise)
        beside = sidecars.beside(source.name, _names(source.parent))
        _look(source, source.name, found, beside and os.fspath(source.with_name(beside)))
        return found
    wanted = [whole(glob) for glob in include]
    unwanted = [whole(glob) for glob in exclude]
    visited: set[tuple[int, int]] = set()
    rules = outside(source, found.failed, git=gitignore)
    folders, links = [("", source, rules)], list[tuple[str, Path, Rules]]()
    while folders or links:
        # Links last: where two ways lead to a folder, its files keep their real names.
        folder, path, rules = folders.pop() if folders else links.pop()
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            shown = _shown(folder or source.name)
            found.failed.append((shown, f"folder cannot be read: {_why(error)}"))
            found.unknown.append(folder)
            continue
        names = {entry.name for entry in ordered}
        told = {owner for name in names if (owner := sidecars.owner(name)) in names}
        if ruling := names.intersection(NAMES):
            rules = rules.inside(folder, path, ruling, found.failed)
        ruled = bool(rules.git_specs or rules.own_specs)
        for entry in ordered:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith((".", "~$")) or matches(name, unwanted):
                continue
            is_folder = _is_folder(entry)
            if ruled and rules.ignores(name, folder=is_folder):
                continue
            ending = _ending(entry.name)
            if is_folder:
                if entry.name not in TOOLS:
                    place = (name, path / entry.name, rules)
                    (links if entry.is_symlink() else folders).append(place)
            elif sidecars.owner(entry.name) in told or (wanted and not matches(name, wanted)):
                continue
            elif ending in SUPPORTED:
                beside = sidecars.beside(entry.name, names) if entry.name in told else ""
                _look(entry, name, found, beside and os.fspath(path / beside))
            else:
                found.skipped[ending or "no ending"] += 1
    found.files.sort(key=lambda file: file.name)
    found.failed.sort()
    return found


def _look(entry: os.DirEntry[str] | Path, name: str, found: Scan, sidecar: str = "") -> None:
    try:
        name.encode("utf-8")
        status = entry.stat()
    except UnicodeEncodeError:
        found.failed.append((_shown(name), "its name is not valid UTF-8"))
    except FileNotFoundError:
        found.failed.append((name, "a link to a file that does not exist"))
    except OSError as error:
        found.failed.append((name, _why(error)))
    else:
        if stat.S_ISREG(status.st_mode):
            place, size, mtime = os.fspath(entry), status.st_size, status.st_mtime_ns
            if sidecar:
                with suppress(OSError):  # reading it will say why
                    size, mtime = sidecars.status(place, sidecar)
            found.files.append(File(name, place, size, mtime, sidecar))
        else:
            found.failed.append((name, "not a regular file"))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _shown(name: str) -> str:
    """A name that can be printed, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "replace")


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122  (a Path for each name takes longer)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
