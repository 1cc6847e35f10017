"""Objects as files of this machine, for as long as they are read."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from groundtone.buckets.reaching import Access, asking, opened, why

if TYPE_CHECKING:
    from groundtone.syncing.reading import Job


@contextmanager
def fetched(job: Job, access: Access, max_bytes: int) -> Iterator[Job]:
    """The same job for files of this machine, which are there as long as the block lasts.

    They have the sizes and times that the objects have now, so that a change since they were
    listed shows as with files.

    Raises:
        OSError: an object cannot be had; its text is the reason alone.
    """
    with tempfile.TemporaryDirectory(prefix="groundtone-") as folder:
        places = []
        for address in (job.place, job.sidecar):
            place = Path(folder) / PurePosixPath(address).name if address else None
            if place is not None:
                try:
                    _fetch(address, access, place, max_bytes)
                except OSError as error:
                    raise OSError(errno.EIO, why(address, error)[0]) from None
            places.append(os.fspath(place) if place else "")
        yield replace(job, place=places[0], sidecar=places[1])


def _fetch(address: str, access: Access, place: Path, max_bytes: int) -> None:
    system, key = opened(address, access)
    with asking(), place.open("wb") as file:
        info = system.get_file_info(key)
        if not info.is_file:
            raise FileNotFoundError(key)
        if info.size > max_bytes:  # refused by its size: it need not be fetched
            file.truncate(info.size)
        else:
            with system.open_input_stream(key) as stream:
                shutil.copyfileobj(stream, file, 1 << 20)
    os.utime(place, ns=(info.mtime_ns, info.mtime_ns))
