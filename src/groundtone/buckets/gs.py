"""Google Cloud Storage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from groundtone.buckets.provider import Provider, reasons

KEYS = (
    "Set GOOGLE_APPLICATION_CREDENTIALS to the key file of somebody who may list and read it, or "
    "run `gcloud auth application-default login`; for a public bucket, `anonymous = true` under "
    "[gs]."
)
PATIENCE = timedelta(seconds=20)  # its client would try again for fifteen minutes


@dataclass(frozen=True, slots=True)
class GSAccess:
    """The section ``[gs]``.

    Attributes:
        endpoint: of a server that is not Google's; empty: Google.
        anonymous: whether no keys are looked for.
    """

    endpoint: str = ""
    anonymous: bool = False


def _open(access: GSAccess) -> Any:
    from pyarrow import fs

    scheme, _, host = access.endpoint.rpartition("://")
    return fs.GcsFileSystem(
        anonymous=access.anonymous,
        scheme=scheme or None,
        endpoint_override=host or None,
        retry_time_limit=PATIENCE,
    )


GS = Provider(
    scheme="gs",
    name=re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"),
    open=_open,
    reasons=reasons(
        "gs",
        KEYS,
        {
            "unknown": r"UNAUTHENTICATED|invalid_grant|http_status_code=401",
            "none": r"credentials file|OAuth2 access token|metadata\.google\.internal",
            "denied": r"PERMISSION_DENIED",
            "away": r"UNAVAILABLE|CURL error|DEADLINE_EXCEEDED",
            "nothing": r"NOT_FOUND|No such file or directory",
        },
    ),
)
