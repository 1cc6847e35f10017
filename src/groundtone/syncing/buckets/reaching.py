"""Reaching a bucket: with which keys, what its errors mean, and objects as files for a while."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from groundtone.syncing.buckets.addresses import SCHEME

if TYPE_CHECKING:
    from groundtone.syncing.reading import Job

_CODE = re.compile(r"AWS Error ([A-Z_]+|\[code \d+\])")
_KEYS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, of somebody who may list and "
    "read it; for a public bucket, `anonymous = true` under [s3]."
)
_NOTHING = ("there is nothing there", "Correct the address, or [s3] endpoint.")
_REASONS = {
    "NO_SUCH_BUCKET": _NOTHING,
    "ACCESS_DENIED": ("access is denied", _KEYS),
    "INVALID_ACCESS_KEY_ID": ("the access key is not known there", _KEYS),
    "INVALID_CLIENT_TOKEN_ID": ("the access key is not known there", _KEYS),
    "SIGNATURE_DOES_NOT_MATCH": ("the secret key is not the access key's", _KEYS),
    "NETWORK_CONNECTION": (
        "the server does not answer",
        "Correct [s3] endpoint, or try again later.",
    ),
}
"""What is said of a code of AWS's client, and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """How buckets are reached; keys come from the environment or from AWS's own files.

    Attributes:
        endpoint: of a server that is not AWS's; empty: AWS, or what AWS_ENDPOINT_URL says.
        region: of the buckets; empty: what AWS's environment and files say.
        anonymous: whether no keys are looked for.
    """

    endpoint: str = ""
    region: str = ""
    anonymous: bool = False


def why(error: OSError) -> tuple[str, str]:
    """Why something could not be had, and what to do, in a user's words."""
    said = str(error)
    code = _CODE.search(said)
    if code and code[1] in _REASONS:
        return _REASONS[code[1]]
    if "PermanentRedirect" in said or "HTTP status 301" in said:
        return "the bucket is in another region", "Set [s3] region, or AWS_REGION."
    if isinstance(error, FileNotFoundError):
        return _NOTHING
    return said.strip().splitlines()[0][:300].rstrip("."), "Try again later."


@contextmanager
def fetched(job: Job, access: Access, max_bytes: int) -> Iterator[Job]:
    """The same job for files of this machine, which are there as long as the block lasts.

    They have the sizes and times that the objects have now, so that a change since they were
    listed shows as with files.

    Raises:
        OSError: an object cannot be had; its text is the reason alone.
    """
    system = opened(access)
    with tempfile.TemporaryDirectory(prefix="groundtone-") as folder:
        places = []
        for address in (job.place, job.sidecar):
            place = Path(folder) / PurePosixPath(address).name if address else None
            if place is not None:
                try:
                    _fetch(system, address.removeprefix(SCHEME), place, max_bytes)
                except OSError as error:
                    raise OSError(errno.EIO, why(error)[0]) from None
            places.append(os.fspath(place) if place else "")
        yield replace(job, place=places[0], sidecar=places[1])


def _fetch(system: Any, key: str, place: Path, max_bytes: int) -> None:
    info = system.get_file_info(key)
    if not info.is_file:
        raise FileNotFoundError(key)
    with place.open("wb") as file:
        if info.size > max_bytes:  # refused by its size: it need not be fetched
            file.truncate(info.size)
        else:
            with system.open_input_stream(key) as stream:
                shutil.copyfileobj(stream, file, 1 << 20)
    os.utime(place, ns=(info.mtime_ns, info.mtime_ns))


@lru_cache(maxsize=4)
def opened(access: Access) -> Any:
    """A file system of pyarrow's; nothing is asked of the server yet."""
    from pyarrow import fs

    scheme, _, host = access.endpoint.rpartition("://")
    region = access.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if host and not region:
        region = "us-east-1"  # what others' servers expect; AWS's client would look for one
    return fs.S3FileSystem(
        endpoint_override=host or None,
        scheme=scheme or None,
        region=region or None,
        anonymous=access.anonymous,
        connect_timeout=10,
    )
