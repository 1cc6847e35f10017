"""Pages as files: where they are kept, and what is needed to ask whether they have changed.

Each page is a file and a JSON record beside it, written whole and renamed: a kill leaves the old
page or the new one. The record is written last; a page without one is fetched again.
"""

from __future__ import annotations

import calendar
import codecs
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from email.utils import parsedate
from pathlib import Path

from groundtone.syncing.web.fetching import Answer

RECORD = ".record"  # a name ending that no page has


@dataclass(frozen=True, slots=True)
class Kept:
    """A page that was fetched.

    Attributes:
        address: as it was asked for.
        final: where it was after redirects.
        ending: of the file's name, which says what kind it is.
        etag, modified: what to send to learn whether it has changed, or "".
        sitemap: whether it lists pages and is none itself.
        size, mtime_ns: of its file; another file than the one recorded proves nothing.
    """

    address: str
    final: str
    ending: str
    etag: str
    modified: str
    sitemap: bool
    size: int
    mtime_ns: int


class Downloads:
    """The pages of one source, in a folder of their own.

    Args:
        folder: where; made when the first page is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, address: str) -> Kept | None:
        """What is known of a page, if its file is there as it was written."""
        try:
            values = json.loads(self._place(address, RECORD).read_text("utf-8"))
            kept = Kept(**values)
            status = self.path(kept).stat()
        except (OSError, ValueError, TypeError):
            return None
        same = (kept.address, kept.size, kept.mtime_ns)
        return kept if same == (address, status.st_size, status.st_mtime_ns) else None

    def path(self, kept: Kept) -> Path:
        """Where a page's file is."""
        return self._place(kept.address, kept.ending)

    def keep(self, address: str, answer: Answer, ending: str, *, sitemap: bool) -> Kept:
        """Write a page that was fetched; the same bytes as before leave its file untouched."""
        self.folder.mkdir(parents=True, exist_ok=True)
        past = self.record(address)
        if past is not None and past.ending != ending:
            self.path(past).unlink(missing_ok=True)
        path = self._place(address, ending)
        body = _in_utf8(answer)
        if not path.is_file() or path.read_bytes() != body:
            _write(path, body, _moment(answer.modified, body))
        status = path.stat()
        kept = Kept(
            address=address,
            final=answer.address,
            ending=ending,
            etag=answer.etag,
            modified=answer.modified,
            sitemap=sitemap,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )
        _write(self._place(address, RECORD), json.dumps(asdict(kept)).encode("utf-8"))
        return kept

    def sweep(self, addresses: Collection[str]) -> None:
        """Remove all pages but these."""
        if not self.folder.is_dir():
            return
        named = {_key(address) for address in addresses}
        for path in self.folder.iterdir():
            if path.name.partition(".")[0] not in named:
                path.unlink(missing_ok=True)

    def _place(self, address: str, ending: str) -> Path:
        return self.folder / (_key(address) + ending)


def _key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def _write(path: Path, data: bytes, mtime_ns: int | None = None) -> None:
    """A whole file or none, with the given time."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if mtime_ns is not None:
            os.utime(name, ns=(mtime_ns, mtime_ns))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _moment(modified: str, body: bytes) -> int | None:
    """The page's own time for its file, if it tells one that has passed.

    Last-Modified counts seconds. The rest of the time is made of the content, so that two versions
    of one second still differ in size or time.
    """
    parsed = parsedate(modified)
    try:
        seconds = calendar.timegm(parsed) if parsed else 0
    except (ValueError, OverflowError):
        seconds = 0
    if not 0 < seconds < time.time():
        return None
    digest = hashlib.sha256(body).digest()
    return seconds * 10**9 + int.from_bytes(digest[:4], "big") % 10**9


def _in_utf8(answer: Answer) -> bytes:
    """A text in UTF-8 where the server declares another encoding, which the file could not tell.

    What HTTP declares wins over what HTML says inside (HTML standard, "encoding sniffing"), and
    so does the byte order mark that carries it here.
    """
    text = answer.media_type.startswith("text/") or answer.media_type.endswith("xhtml+xml")
    if not text or answer.charset in ("", "utf-8", "utf8", "us-ascii"):
        return answer.body
    if answer.body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return answer.body
    # As browsers read it: what is called Latin-1 or ASCII on the web is Windows-1252.
    charset = "cp1252" if answer.charset in ("iso-8859-1", "latin-1", "latin1") else answer.charset
    try:
        return codecs.BOM_UTF8 + answer.body.decode(charset).encode("utf-8")
    except (LookupError, ValueError):
        return answer.body
