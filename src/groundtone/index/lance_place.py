"""Where a LanceDB table is: in a folder, or in a bucket that many machines reach."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from groundtone.buckets.addresses import is_bucket, normal
from groundtone.buckets.reaching import Access, why_known
from groundtone.buckets.s3 import table_options
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index.lance_snapshot import Asked, Versions
from groundtone.index.resident_files import FOLDER, ResidentFiles

if TYPE_CHECKING:
    pass

P = ParamSpec("P")
R = TypeVar("R")
FAULTS = (OSError, RuntimeError, ValueError)  # what LanceDB raises, of its own and of its client


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, or a prefix of a bucket.

    Attributes:
        uri: its path, or its address.
        options: what LanceDB's own client of the bucket is told; None: it is a folder.
    """

    uri: str
    options: Mapping[str, str] | None = None

    @property
    def remote(self) -> bool:
        """Whether it is in a bucket."""
        return self.options is not None

    def connected(self, connect: Callable[..., Any], **how: Any) -> Any:
        """What ``lancedb.connect`` gives, or ``lancedb.connect_async``."""
        if self.options is not None:
            how["storage_options"] = dict(self.options)
        return connect(self.uri, **how)

    def versions(self, table: str, loop: Any, reading: Any) -> Versions | Asked:
        """What tells whether a version of the table is the last."""
        return Asked(loop, reading) if self.remote else Versions(Path(self.uri) / f"{table}.lance")

    def resident_files(self, versions: Versions | Asked) -> ResidentFiles | None:
        """Where processes of this machine share the table; None: each has its own of a bucket's."""
        if isinstance(versions, Asked):
            return None
        return ResidentFiles(Path(self.uri) / FOLDER, versions.mark)

    def named(self, error: BaseException) -> GroundtoneError | None:
        """What is said of a bucket that cannot be reached; None: that is not the fault."""
        reason = why_known(self.uri, error) if self.remote else None
        if reason is None:
            return None
        return GroundtoneError(
            f"The index in {self.uri} cannot be reached: {reason[0]}.", reason[1]
        )


def bucket(url: str, collection: str, access: Access) -> Place:
    """The place of a collection under an address.

    Raises:
        WrongUse: that is no address of a bucket.
    """
    try:
        if not (is_bucket(url) and url.startswith("s3://")):
            raise ValueError("is none of S3")
        return Place(f"{normal(url)}/{collection}", table_options(access.s3))
    except ValueError as error:
        raise WrongUse(
            f"{url} cannot be where LanceDB keeps an index: the address {error}.",
            "Leave [index] url empty for a folder of the workspace, or name a bucket: "
            '"s3://BUCKET/PREFIX".',
        ) from None


def drop(url: str, collection: str, access: Access, table: str) -> None:
    """Remove a table from a bucket; one that is not there is fine.

    Raises:
        GroundtoneError: the bucket cannot be reached.
    """
    from groundtone.index.lance_import import lancedb

    place = bucket(url, collection, access)
    try:
        place.connected(lancedb().connect).drop_table(table, ignore_missing=True)
    except FAULTS as error:
        raise place.named(error) or GroundtoneError(
            f"The index in {place.uri} cannot be removed: {first_line(error)}.", "Try again later."
        ) from error


def reached(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A method of an index, which says so where its bucket cannot be reached."""

    @functools.wraps(method)
    def call(self: Any, *given: P.args, **named: P.kwargs) -> R:
        try:
            return method(self, *given, **named)
        except FAULTS as error:
            told = self.place.named(error)
            if told is None:
                raise
            raise told from error

    return call  # type: ignore[return-value]


def first_line(error: BaseException) -> str:
    """The beginning of what an error says."""
    return str(error).strip().partition("\n")[0][:300]
