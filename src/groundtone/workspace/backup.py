"""A workspace in one file, taken while others go on using it, and put back after being checked.

Catalog and index belong together: both are taken as they are while no sync is at work, which takes
a moment (the catalog by SQLite's backup, an index of files by links to them), and packed
afterwards. Documents themselves stay where they are; their texts are in the catalog.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from groundtone import __version__
from groundtone.errors import Busy, GroundtoneError, WrongUse
from groundtone.index import resident_files
from groundtone.syncing.guarding import alone, is_full
from groundtone.syncing.remembering import DIMENSIONS

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

FORM = 1
MANIFEST = "manifest.json"
BESIDE = ("groundtone.toml", "style.toml", "prices.toml")
STATE = ".groundtone"
CATALOG = f"{STATE}/catalog.db"
WAIT_S = 600.0
PIECE = 1 << 20
LINKED = ("lancedb",)
"""Stores whose files are never changed once written, so that a link to one is a copy."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a way of packing that we do not use
    RuntimeError,  # encrypted
)
_LEFT_OUT = ("backup-", "calibration-", "crash.log", "catalog.db", "index")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds.

    Attributes:
        files, size: how many, and their bytes before packing.
        documents, chunks: in its catalog.
        index: whether the index is inside; it is not when a server keeps it.
    """

    path: Path
    files: int
    size: int
    documents: int
    chunks: int
    index: bool
    created_at: str


class Damaged(GroundtoneError):
    """An archive that is not what was written."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} cannot be restored: {what}.", "Take another backup; nothing was written."
        )


def backup(workspace: Workspace, path: Path, *, wait: float = WAIT_S) -> Kept:
    """Write the workspace into one file.

    Args:
        path: a new file; it is there only once it is whole.
        wait: seconds to wait for a sync that is at work.

    Raises:
        WrongUse: the file exists, cannot be written, or the catalog is on a server.
        Busy: a sync was at work all that time.
        GroundtoneError: the disk of the workspace or of the file is full, or the catalog damaged.
    """
    if workspace.settings.catalog.url:
        raise WrongUse(
            "The catalog of this workspace is on a server.", "Back it up there, with pg_dump."
        )
    if path.exists():
        raise WrongUse(f"{path} exists already.", "Name a new file.")
    partial = path.with_name(f"{path.name}.partial")
    with tempfile.TemporaryDirectory(dir=workspace.state, prefix="backup-") as name:
        staged = Path(name)
        with _named(workspace):
            index = _stage(workspace, staged, wait)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = _pack(workspace, staged, partial, index)
            partial.replace(path)
        except OSError as error:
            if is_full(error):
                raise _full(path.parent) from error
            raise WrongUse(f"{path} cannot be written: {error.strerror or error}.") from None
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()
    return Kept(path, **kept)


def restore(path: Path, folder: Path) -> Kept:
    """Put a backup into a folder, which must be new or empty; all of it, or nothing.

    Raises:
        WrongUse: there is no such file, or the folder holds something.
        Damaged: the archive is not whole, not ours, or says otherwise than its contents.
    """
    if not path.is_file():
        raise WrongUse(f"There is no file {path}.", "Name one that `groundtone backup` wrote.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongUse(f"{folder} is not empty.", "Name a new folder.")
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name}-")
        made = Path(beside) / "made"
        made.mkdir()
    except OSError as error:
        raise WrongUse(f"{folder} cannot be written: {error.strerror}.") from None
    try:
        with _opened(path) as archive:
            manifest = _manifest(path, archive)
            _unpack(path, archive, manifest, made)
        _check(path, manifest, made)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    sizes = [told["size"] for told in manifest["files"].values()]
    told = {key: manifest[key] for key in ("documents", "chunks", "index", "created_at")}
    return Kept(path, len(sizes), sum(sizes), **told)


# -- taking -------------------------------------------------------------------------------------


def _stage(workspace: Workspace, staged: Path, wait: float) -> bool:
    """Take catalog and index as they are at one moment; whether there was an index to take."""
    with _alone(workspace, wait):
        source = sqlite3.connect(workspace.state / "catalog.db")
        copy = sqlite3.connect(staged / "catalog.db")
        with contextlib.closing(source), contextlib.closing(copy):
            source.backup(copy)
        index = workspace.settings.index
        folder = workspace.indexes.path
        if index.url or not folder.is_dir():
            return False
        take = _link if index.store in LINKED else shutil.copy2
        shutil.copytree(
            folder,
            staged / "index" / folder.name,
            copy_function=take,
            ignore=shutil.ignore_patterns(resident_files.FOLDER),
        )
    return True


@contextlib.contextmanager
def _named(workspace: Workspace) -> Iterator[None]:
    """Turn what goes wrong while catalog and index are taken into the user's words."""
    try:
        yield
    except sqlite3.Error as error:
        if "disk is full" in str(error) or "disk I/O error" in str(error):
            raise _full(workspace.state) from error
        raise GroundtoneError(
            f"The catalog of this workspace cannot be copied: {error}.",
            "See what `groundtone doctor` says; no backup was written.",
        ) from error
    except OSError as error:
        if is_full(error):
            raise _full(workspace.state) from error
        raise


def _full(folder: Path) -> GroundtoneError:
    return GroundtoneError(
        f"The disk is full: {folder} could not be written.",
        "Free some space there and back up again; the workspace is as it was. A backup takes room "
        "for the catalog beside the workspace, and for the file.",
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


@contextlib.contextmanager
def _alone(workspace: Workspace, wait: float) -> Iterator[None]:
    """No sync at work; waits for one that is."""
    end = time.monotonic() + wait
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(alone(workspace.state, workspace.catalog))
                break
            except Busy:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.05)  # a sync in a loop leaves short gaps
        yield


def _files(workspace: Workspace, staged: Path) -> Iterator[tuple[str, Path]]:
    """Names in the archive, and where the bytes are."""
    for name in BESIDE:
        if (workspace.folder / name).is_file():
            yield name, workspace.folder / name
    for path in sorted(staged.rglob("*")):
        if path.is_file():
            yield f"{STATE}/{path.relative_to(staged).as_posix()}", path
    for path in sorted(workspace.state.rglob("*")):
        inside = path.relative_to(workspace.state)
        if inside.parts[0].startswith(_LEFT_OUT) or not path.is_file() or path.is_symlink():
            continue
        if path.suffix not in (".lock", ".partial") and path.name != "pid":
            yield f"{STATE}/{inside.as_posix()}", path


def _pack(workspace: Workspace, staged: Path, partial: Path, index: bool) -> dict[str, Any]:
    files: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in _files(workspace, staged):
            try:
                file = path.open("rb")
            except FileNotFoundError:  # of a run that was removed just now
                continue
            with file, archive.open(name, "w", force_zip64=True) as out:
                files[name] = _copy(file, out)
        told = {
            "documents": _count(staged / "catalog.db", "documents"),
            "chunks": _count(staged / "catalog.db", "chunks"),
            "index": index,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        manifest = {"form": FORM, "groundtone": __version__, **told, "files": files}
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return {"files": len(files), "size": sum(one["size"] for one in files.values()), **told}


def _copy(source: IO[bytes], target: IO[bytes], limit: int | None = None) -> dict[str, Any]:
    """Copy to the end, or until more than `limit` came; size and digest of what came."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        size += len(piece)
        if limit is not None and size > limit:
            break
        digest.update(piece)
        target.write(piece)
    return {"size": size, "sha256": digest.hexdigest()}


def _count(catalog: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(catalog)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# -- putting back -------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _BROKEN as error:
        raise Damaged(path, f"the archive is damaged ({error})") from error


def _manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        manifest = json.loads(archive.read(MANIFEST))
        files = {
            str(name): (int(m["size"]), str(m["sha256"])) for name, m in manifest["files"].items()
        }
        known = {"documents", "chunks", "index", "created_at"} <= manifest.keys()
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Damaged(path, "it holds no list of its files, so it is no backup") from None
    if manifest.get("form") != FORM or not known:
        raise Damaged(path, f"it was written by another version ({manifest.get('groundtone')})")
    names = [info.filename for info in archive.infolist() if info.filename != MANIFEST]
    if sorted(names) != sorted(files) or CATALOG not in files:
        raise Damaged(path, "its files are not those that it lists")
    for name in names:
        parts = PurePosixPath(name).parts
        safe = name in BESIDE or (parts[0] == STATE and len(parts) > 1)
        if not safe or ".." in parts or "\\" in name or "\0" in name:
            raise Damaged(path, f"it names a file outside of a workspace ({name!r})")
    return dict(manifest)


def _unpack(path: Path, archive: zipfile.ZipFile, manifest: dict[str, Any], made: Path) -> None:
    for name, told in manifest["files"].items():
        target = made / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, target.open("wb") as out:
            found = _copy(source, out, limit=told["size"])
        if found != {"size": told["size"], "sha256": told["sha256"]}:
            raise Damaged(path, f"{name} is not what was written")


def _check(path: Path, manifest: dict[str, Any], made: Path) -> None:
    """Whether catalog and index open, are whole, and belong together."""
    from groundtone.workspace.workspace import Workspace

    try:
        with contextlib.closing(sqlite3.connect(made / CATALOG)) as connection:
            (state,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        state = str(error)
    if state != "ok":
        raise Damaged(path, f"its catalog is damaged ({state})")
    with Workspace.open(made) as workspace:
        if workspace.catalog.counts() != (manifest["documents"], manifest["chunks"]):
            raise Damaged(path, "its catalog holds other documents than it says")
        dimensions = workspace.catalog.fact(DIMENSIONS)
        if not manifest["index"] or dimensions is None:
            return
        needed = {one.version for one in workspace.catalog.documents() if one.chunk_count}
        if not needed <= workspace.indexes.current(int(dimensions)).versions():
            raise Damaged(path, "its index lacks documents of its catalog")
