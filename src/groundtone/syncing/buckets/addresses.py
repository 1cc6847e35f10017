"""Addresses of buckets: one spelling for each, and which lies in which."""

from __future__ import annotations

import re

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def is_bucket(source: str) -> bool:
    """Whether a source is a bucket, or a part of one."""
    return source.startswith(SCHEME)


def normal(address: str) -> str:
    """The one spelling of a bucket's address: without a slash at its end.

    >>> normal("s3://manuals/2026/")
    's3://manuals/2026'

    Raises:
        ValueError: it names no bucket; its text says why.
    """
    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    if "@" in bucket or ":" in bucket:
        raise ValueError("holds keys, which each citation would show")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("names no valid bucket")
    prefix = prefix.strip("/")
    if "//" in prefix or "?" in prefix:
        raise ValueError("has a prefix with // or ?")
    return f"{SCHEME}{bucket}/{prefix}" if prefix else SCHEME + bucket


def within(inner: str, outer: str) -> bool:
    """Whether one normal address is another, or a part of it."""
    return inner == outer or inner.startswith(outer + "/")
