"""What a page is, by its declared type and its address."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from groundtone.documents import SUPPORTED
from groundtone.documents.families import BY_TYPE, FAMILIES

_MADE_OF = "application/vnd.openxmlformats-officedocument."
_OFFICE = {
    f"{_MADE_OF}wordprocessingml.document": ".docx",
    f"{_MADE_OF}presentationml.presentation": ".pptx",
    f"{_MADE_OF}spreadsheetml.sheet": ".xlsx",
}
# Types that servers send for files they know nothing about: the address knows more.
_VAGUE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
_LISTS = ("application/xml", "text/xml", "application/gzip", "application/x-gzip")


def ending(media_type: str, address: str) -> str | None:
    """The file name ending for a page; None: no kind that can be read.

    >>> ending("text/html", "https://example.com/guide.pdf")
    '.html'
    """
    own = PurePosixPath(urlsplit(address).path.lower()).suffix
    found: str | None = None
    if media_type in _VAGUE:
        found = own if own in SUPPORTED else (".txt" if media_type == "text/plain" else None)
        if media_type == "" and found is None:
            found = ".html"
    elif media_type in BY_TYPE:
        suffixes = FAMILIES[BY_TYPE[media_type]].suffixes.split()
        found = own if own in suffixes else suffixes[0]
    else:
        found = _OFFICE.get(media_type, own if own in SUPPORTED else None)
        if media_type.startswith(("image/", "audio/", "video/", "font/")):
            found = None
    return found if found in SUPPORTED else None


def may_list_pages(media_type: str, address: str) -> bool:
    """Whether this may be a sitemap."""
    path = urlsplit(address).path.lower()
    return media_type in _LISTS or media_type.endswith("+xml") or path.endswith((".xml", ".xml.gz"))
