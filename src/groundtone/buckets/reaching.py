"""Reaching a bucket: how the settings say so, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from groundtone.buckets.addresses import split
from groundtone.buckets.az import AZAccess
from groundtone.buckets.gs import GSAccess
from groundtone.buckets.provider import Reason
from groundtone.buckets.s3 import S3Access

if TYPE_CHECKING:
    from groundtone.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """How buckets are reached: a section of the settings for each provider."""

    s3: S3Access = field(default_factory=S3Access)
    gs: GSAccess = field(default_factory=GSAccess)
    az: AZAccess = field(default_factory=AZAccess)

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """What the settings say of it."""
        return cls(
            S3Access(**settings.s3.model_dump()),
            GSAccess(**settings.gs.model_dump()),
            AZAccess(**settings.az.model_dump()),
        )


@contextmanager
def asking() -> Iterator[None]:
    """Whatever pyarrow raises of a server meanwhile is an OSError."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


def opened(address: str, access: Access) -> tuple[Any, str]:
    """A file system of pyarrow's, and what the address is called there; nothing is asked yet.

    Raises:
        OSError: it is not known whose it is; `why` says what to do.
    """
    provider, path = split(address)
    return _system(provider.scheme, getattr(access, provider.scheme)), path


def why(address: str, error: BaseException) -> Reason:
    """Why something at an address could not be had, and what to do, in a user's words."""
    if reason := why_known(address, error):
        return reason
    if isinstance(error, FileNotFoundError):
        scheme = split(address)[0].scheme
        return "there is nothing there", f"Correct the address, or [{scheme}] endpoint."
    return (str(error).strip() or "?").splitlines()[0][:300].rstrip("."), "Try again later."


def why_known(address: str, error: BaseException) -> Reason | None:
    """The same, where it is one of the usual reasons."""
    return split(address)[0].why(str(error))


@lru_cache(maxsize=4)
def _system(scheme: str, access: Any) -> Any:
    return split(f"{scheme}://")[0].open(access)
