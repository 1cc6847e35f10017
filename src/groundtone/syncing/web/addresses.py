"""Web addresses: one spelling for each, and which machines may be reached by them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit, urlunsplit

PORTS = {"http": 80, "https": 443}
# Prefixes that carry an IPv4 address in their last 32 bits, which is what is reached (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def is_address(text: str) -> bool:
    """Whether a source is named by an address, ``scheme://…``, and not by a path."""
    return _SCHEME.match(text) is not None


def normal(address: str) -> str:
    """The one spelling of an address: without fragment, host in ASCII, path percent-encoded.

    >>> normal("HTTPS://Example.com:443/a b#top")
    'https://example.com/a%20b'

    Raises:
        ValueError: no http(s) address, or one with a password; its text says which.
    """
    try:
        parts = urlsplit(address.strip())
        scheme, port = parts.scheme.lower(), parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise ValueError(f"is no valid address ({error})") from None
    if scheme not in PORTS:
        raise ValueError("is no http or https address")
    if not host or any(letter in host for letter in " \\<>^|%") or not host.isprintable():
        raise ValueError("names no valid host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password, which each citation would show")
    if ":" in host:
        host = f"[{host}]"
    if port not in (None, PORTS[scheme]):
        host = f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:=&?~+!$,;'@()*[]")
    query = quote(parts.query, safe="/%:=&?~+!$,;'@()*[]")
    return urlunsplit((scheme, host, path, query, ""))


def site(address: str) -> str:
    """Host and port of a normal address; http and https on their own ports are one site."""
    return urlsplit(address).netloc


def is_public(ip: str) -> bool:
    """Whether an IP address is of the public internet: not private, local, shared or reserved.

    Addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are judged by that too.

    >>> is_public("8.8.8.8"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None or address in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        carried = [address.sixtofour, *(address.teredo or ())]
        if not all(is_public(str(inner)) for inner in carried if inner is not None):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
