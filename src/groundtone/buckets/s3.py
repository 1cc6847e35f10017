"""AWS S3, and servers that speak its protocol."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from groundtone.buckets.provider import Provider, reasons

KEYS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, of somebody who may list and "
    "read it; for a public bucket, `anonymous = true` under [s3]."
)


@dataclass(frozen=True, slots=True)
class S3Access:
    """The section ``[s3]``.

    Attributes:
        endpoint: of a server that is not AWS's; empty: AWS, or what AWS_ENDPOINT_URL says.
        region: of the buckets; empty: what AWS's environment and files say.
        anonymous: whether no keys are looked for.
    """

    endpoint: str = ""
    region: str = ""
    anonymous: bool = False


def table_options(access: S3Access) -> dict[str, str]:
    """The same for LanceDB, which has a client of its own; keys it looks for where AWS does."""
    endpoint = access.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")
    told = {
        "aws_endpoint": endpoint,
        "aws_region": _region(access, endpoint),
        "allow_http": "true" if endpoint.startswith("http://") else "",
        "skip_signature": "true" if access.anonymous else "",
        "connect_timeout": "10s",
    }
    return {name: value for name, value in told.items() if value}


def _open(access: S3Access) -> Any:
    from pyarrow import fs

    scheme, _, host = access.endpoint.rpartition("://")
    return fs.S3FileSystem(
        endpoint_override=host or None,
        scheme=scheme or None,
        region=_region(access, host) or None,
        anonymous=access.anonymous,
        connect_timeout=10,
    )


def _region(access: S3Access, endpoint: str) -> str:
    told = access.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    # What others' servers expect; AWS's client would look for one.
    return told or ("us-east-1" if endpoint else "")


S3 = Provider(
    scheme="s3",
    name=re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    open=_open,
    reasons=(
        *reasons(
            "s3",
            KEYS,
            {
                "nothing": r"NO_SUCH_BUCKET|NoSuchBucket",
                "unknown": r"INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID"
                r"|InvalidAccessKeyId|InvalidClientTokenId",
                "wrong": r"SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch",
                "denied": r"ACCESS_DENIED|AccessDenied",
                "none": r"CredentialsNotLoaded|Failed to get AWS credentials",
                "away": r"NETWORK_CONNECTION|kind: (Connect|Timeout)|error sending request",
            },
        ),
        (
            re.compile(r"PermanentRedirect|HTTP status 301|status: 301"),
            ("the bucket is in another region", "Set [s3] region, or AWS_REGION."),
        ),
    ),
)
