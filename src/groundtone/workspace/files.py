"""Uploaded files: their bytes in ``.groundtone/files``, what is known of them in the catalog.

A file's bytes are whole and on the disk before the catalog knows it, so whatever is killed, a file
that was acknowledged is there. What a killed upload leaves is swept when files are next opened.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from groundtone.catalog import StoredFile
from groundtone.errors import GroundtoneError, WrongUse

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

PIECE = 1 << 20
LEFT_S = 3600.0
"""Bytes that belong to no file, and have not changed for so long, are of no upload at work."""


class Files:
    """The uploaded files of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._catalog = workspace.catalog
        self._folder = workspace.state / "files"

    def add(
        self,
        content: BinaryIO | Iterable[bytes],
        name: str,
        purpose: str,
        *,
        owner: str | None = None,
        expires_at: float | None = None,
        limit: int | None = None,
    ) -> StoredFile:
        """Keep a file. When this returns it is safe.

        Args:
            content: read to its end, in pieces.
            name: what it is called; folders before it are cut off.
            purpose: what it is for.
            limit: bytes it may have.

        Raises:
            WrongUse: it is larger than `limit`.
            GroundtoneError: the disk is full.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        id = f"file-{uuid.uuid4().hex[:24]}"
        partial = self._folder / f"{id}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with partial.open("wb") as out:
                for piece in _pieces(content):
                    size += len(piece)
                    if limit is not None and size > limit:
                        raise WrongUse(
                            f"{name} is larger than the {limit:,} bytes that a file may have.",
                            "Split it.",
                        )
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(self._folder / id)
            _sync_folder(self._folder)
        except OSError as error:
            raise GroundtoneError(
                f"{name} could not be kept: {error.strerror}.", "Free some disk space."
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        file = StoredFile(
            id,
            Path(name.replace("\\", "/")).name or "file",
            purpose,
            size,
            digest.hexdigest(),
            owner=owner,
            expires_at=expires_at,
        )
        self._catalog.put_file(file)
        return file

    def path(self, id: str) -> Path:
        """Where the bytes of a file that the catalog knows are.

        Raises:
            WrongUse: there is no such file.
        """
        if self._catalog.get_file(id) is None:
            raise WrongUse(f"There is no file {id}.")
        return self._folder / id

    def delete(self, id: str) -> bool:
        """Remove a file; returns whether there was one."""
        known = self._catalog.delete_file(id)
        if known:
            (self._folder / id).unlink(missing_ok=True)
        return known

    def sweep(self) -> None:
        """Remove expired files, and bytes that no file of the catalog has."""
        for id in self._catalog.expired_files():
            self.delete(id)
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                old = path.stat().st_mtime < time.time() - LEFT_S
                if old and self._catalog.get_file(path.name) is None:
                    path.unlink()


def _pieces(content: BinaryIO | Iterable[bytes]) -> Iterable[bytes]:
    if not hasattr(content, "read"):
        return content
    return iter(lambda: content.read(PIECE), b"")


def _sync_folder(folder: Path) -> None:
    """Have the file's name on the disk too, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
