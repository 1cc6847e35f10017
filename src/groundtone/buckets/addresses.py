"""Addresses of buckets: one spelling for each, and which lies in which."""

from __future__ import annotations

from groundtone.buckets.az import AZ
from groundtone.buckets.gs import GS
from groundtone.buckets.provider import Provider
from groundtone.buckets.s3 import S3

PROVIDERS = {f"{one.scheme}://": one for one in (S3, GS, AZ)}
"""By what addresses begin with."""
SHAPES = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"


def is_bucket(source: str) -> bool:
    """Whether a source is a bucket, or a part of one."""
    return source.startswith(tuple(PROVIDERS))


def split(address: str) -> tuple[Provider, str]:
    """Whose a bucket is, and its name with what follows, as pyarrow takes it.

    >>> split("s3://manuals/2026")[1]
    'manuals/2026'
    """
    scheme, slashes, rest = address.partition("://")
    return PROVIDERS[scheme + slashes], rest


def normal(address: str) -> str:
    """The one spelling of a bucket's address: without a slash at its end.

    >>> normal("s3://manuals/2026/")
    's3://manuals/2026'

    Raises:
        ValueError: it names no bucket; its text says why.
    """
    provider, rest = split(address)
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        raise ValueError("holds keys, which each citation would show")
    if not provider.name.fullmatch(bucket):
        raise ValueError("names no valid bucket")
    prefix = prefix.strip("/")
    if "//" in prefix or "?" in prefix:
        raise ValueError("has a prefix with // or ?")
    place = f"{bucket}/{prefix}" if prefix else bucket
    return f"{provider.scheme}://{place}"


def within(inner: str, outer: str) -> bool:
    """Whether one normal address is another, or a part of it."""
    return inner == outer or inner.startswith(outer + "/")
