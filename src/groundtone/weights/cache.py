"""The folder of fetched weights: where it is, what is in it, whether it is still right.

Layout: ``<cache>/models/<name>/`` with the files and ``manifest.json``, which is written
last: without it the weights do not exist. The manifest keeps each file's sha256 with its size
and modification time, so that a load costs two ``stat`` calls; when these differ (a copied
cache, a touched file) the file is hashed again before it is believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundtone.errors import DamagedModel, MissingModel
from groundtone.weights.known import Weights

MANIFEST = "manifest.json"
_PIECE = 1 << 20


def cache_dir() -> Path:
    """``$GROUNDTONE_CACHE``, or groundtone's folder in the user's cache of this system."""
    if told := os.environ.get("GROUNDTONE_CACHE"):
        return Path(told).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "groundtone" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "groundtone"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "groundtone"


def folder(entry: Weights) -> Path:
    """Where these weights are, or will be."""
    return cache_dir() / "models" / entry.name


def wanted_files(entry: Weights) -> tuple[str, ...]:
    """Names of the files that stay in the cache."""
    if entry.derived is not None:
        return (entry.derived.name,)
    return tuple(file.name for file in entry.files)


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The file's sha256 in hex; ``progress`` gets the bytes read so far."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done)
    return digest.hexdigest()


def read_manifest(entry: Weights) -> dict[str, Any]:
    """What the last fetch wrote down.

    Raises:
        MissingModel: never fetched, or a fetch was interrupted.
    """
    try:
        manifest = json.loads((folder(entry) / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        complete = all(name in files for name in wanted_files(entry))
    except (OSError, ValueError, KeyError, TypeError):
        raise MissingModel(entry.name) from None
    if not complete:
        raise MissingModel(entry.name)
    return dict(manifest)


def write_manifest(entry: Weights, manifest: dict[str, Any]) -> None:
    """Put the manifest in place in one step."""
    target = folder(entry) / MANIFEST
    draft = target.with_name(f".{MANIFEST}.{os.getpid()}")
    draft.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    draft.replace(target)


def stamp(path: Path) -> dict[str, int]:
    """Size and modification time of a file."""
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def check(entry: Weights, *, full: bool = False) -> None:
    """Are these weights here and right?

    Args:
        full: hash every file (a second or less), instead of trusting unchanged stamps.

    Raises:
        MissingModel: not fetched, or a file is gone.
        DamagedModel: a file's sha256 is not the pinned one.
    """
    manifest = read_manifest(entry)
    pinned = {file.name: file.sha256 for file in entry.files}
    stale = False
    for name in wanted_files(entry):
        path, record = folder(entry) / name, manifest["files"][name]
        expected = pinned.get(name, record.get("sha256"))
        try:
            now = stamp(path)
        except FileNotFoundError:
            raise MissingModel(entry.name) from None
        unchanged = all(record.get(key) == value for key, value in now.items())
        if unchanged and not full and record.get("sha256") == expected:
            continue
        if sha256_of(path) != expected:
            raise DamagedModel(entry.name, path)
        if not unchanged:
            record.update(now)
            stale = True
    if stale:
        # A read-only cache is as good: it is only hashed again next time.
        with contextlib.suppress(OSError):
            write_manifest(entry, manifest)
