"""Joining a Ray cluster, and saying why it cannot be."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groundtone.errors import GroundtoneError, MissingExtra

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # hides no GPU from those who asked for none
}


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module ``ray``, connected; a connection that is there already is used and left alone.

    Args:
        address: "auto" for the cluster that runs here or that RAY_ADDRESS names, "ray://HOST:PORT"
            or "HOST:PORT" for another.

    Raises:
        MissingExtra: Ray is not installed.
        GroundtoneError: no cluster is there.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise MissingExtra("Syncing on Ray", "ray") from None
    if ray.is_initialized():
        yield ray
        return
    # Through ray:// these would be settings of the server's side, which refuses them.
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address=address, **({} if address.startswith("ray://") else quiet))
    except Exception as error:  # a wrong address, no cluster, another version: each its own kind
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".: ")
        raise GroundtoneError(
            f"The Ray cluster at {address} cannot be reached: {said}.",
            "Start it (`ray start --head`), correct [scale] ray, or leave it out to sync here.",
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()
