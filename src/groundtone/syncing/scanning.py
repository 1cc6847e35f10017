"""What is in a source: its files, in a fixed order, looked at without opening any."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundtone.documents import SUPPORTED


@dataclass(frozen=True, slots=True)
class File:
    """A file to keep in step. ``name``: posix path under its source."""

    name: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Scan:
    """A source as it is now.

    Attributes:
        files: by name, sorted.
        failed: (name, reason) of what could not be looked at.
        unknown: folders whose contents are unknown ("" is all): nothing there counts as deleted.
        skipped: how many files of which ending are of no supported kind.
    """

    files: list[File] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def may_still_exist(self, name: str) -> bool:
        """Whether a file that was not found stands where nothing could be looked at."""
        failed = {failed for failed, _ in self.failed}
        return name in failed or any(
            not folder or name.startswith(folder + "/") for folder in self.unknown
        )


def scan(source: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Scan:
    """Look at all files of a source.

    Hidden files and folders, and the lock files of office programs, are left out. Links are
    followed, but no folder is visited twice. A source that is one file is always taken.

    Args:
        source: a folder, or one file.
        include: globs; empty: every supported kind.
        exclude: globs that win.
    """
    found = Scan()
    if source.is_file():
        _look(source, source.name, found)
        return found
    wanted = [_pattern(glob) for glob in include]
    unwanted = [_pattern(glob) for glob in exclude]
    visited: set[tuple[int, int]] = set()
    folders, links = [("", source)], list[tuple[str, Path]]()
    while folders or links:
        # Links last: where two ways lead to a folder, its files keep their real names.
        folder, path = folders.pop() if folders else links.pop()
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            found.failed.append((folder or source.name, f"folder cannot be read: {_why(error)}"))
            found.unknown.append(folder)
            continue
        for entry in ordered:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith((".", "~$")) or _matches(name, unwanted):
                continue
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append((name, path / entry.name))
            elif wanted and not _matches(name, wanted):
                continue
            elif Path(name).suffix.lower() in SUPPORTED:
                _look(path / entry.name, name, found)
            else:
                found.skipped[Path(name).suffix.lower() or "no ending"] += 1
    found.files.sort(key=lambda file: file.name)
    found.failed.sort()
    return found


def _look(path: Path, name: str, found: Scan) -> None:
    try:
        name.encode("utf-8")
        status = path.stat()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "replace")
        found.failed.append((shown, "its name is not valid UTF-8"))
    except FileNotFoundError:
        found.failed.append((name, "a link to a file that does not exist"))
    except OSError as error:
        found.failed.append((name, _why(error)))
    else:
        if stat.S_ISREG(status.st_mode):
            found.files.append(File(name, path, status.st_size, status.st_mtime_ns))
        else:
            found.failed.append((name, "not a regular file"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _matches(name: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as a pattern for whole paths; one without "/" is for names in any folder.

    ``*`` and ``?`` stay inside a folder, ``**`` crosses them; a folder's glob takes all inside.
    """
    glob = glob.strip("/")
    if "/" not in glob:
        glob = f"**/{glob}"
    parts = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", glob, re.DOTALL):
        match token:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if token.startswith("[") and len(token) > 1:
                inside = token[1:-1].replace("\\", "\\\\")
                parts.append("[^" + inside[1:] + "]" if inside[0] == "!" else f"[{inside}]")
            case _:
                parts.append(re.escape(token))
    return re.compile("".join(parts) + "(?:/.*)?", re.DOTALL)
