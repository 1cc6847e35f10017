"""Outlook messages (.msg): the message as one document, each attachment as one of its own.

The properties in the file (MS-OXMSG) are put back into the form of a mail, which is then read as
every other.
"""

from __future__ import annotations

import email.encoders
import email.utils
import struct
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import HeaderParser
from pathlib import Path

from groundtone.documents import rtf_in_mail
from groundtone.documents.compound import Storage, opened
from groundtone.documents.decoding import NotText, decode
from groundtone.documents.document import Document
from groundtone.documents.limits import Member
from groundtone.documents.mail_contents import read_message

_PROPERTIES = "__properties_version1.0"
_STREAM = "__substg1.0_"
_TEXT, _OLD_TEXT, _BYTES, _FOLDER = "001F", "001E", "0102", "000D"
_SUBJECT, _HEADERS, _BODY, _HTML, _RTF = "0037", "007D", "1000", "1013", "1009"
_SENT, _DELIVERED = 0x0039, 0x0E06
_CODE_PAGES = (0x3FDE, 0x3FFD)  # of the page, of the message
_RECIPIENT_KIND, _METHOD = 0x0C15, 0x3705
_KINDS = {1: "To", 2: "Cc", 3: "Bcc"}
_SHOWN_RECIPIENTS = {"To": "0E04", "Cc": "0E03", "Bcc": "0E02"}
_IDS = {"Message-ID": "1035", "In-Reply-To": "1042", "References": "1039"}
_FILE, _LONG_NAME, _NAME, _SHOWN_NAME = "3701", "3707", "3704", "3001"
_MIME, _CONTENT_ID = "370E", "3712"
_INSIDE_MESSAGE = 5
# Of the fields that came with it, those that say nothing of how it is packed here.
_KEPT = (
    *("from", "to", "cc", "bcc", "date", "subject", "reply-to", "sender"),
    *("message-id", "in-reply-to", "references"),
)
_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_LARGEST_RTF = 50_000_000
_DEEPEST = 20


def read(path: Path, data: bytes) -> Document:
    """Read a message without its attachments; see `mail_contents.read_message`."""
    return read_with_parts(path, data)[0]


def read_with_parts(path: Path, data: bytes) -> tuple[Document, list[Member]]:
    """The message as `read` returns it, and its attachments, messages inside it among them."""
    return read_message(_message(opened(data), 32, 0), path, "application/vnd.ms-outlook")


def _message(storage: Storage, header: int, depth: int) -> Message:
    """A message in the form of a mail.

    Args:
        header: bytes before the properties in their stream: 32 of a file, 24 of a message inside.
    """
    item = _Item(storage, header)
    parts: list[Message] = list(_bodies(item))
    if len(parts) > 1:
        parts = [MIMEMultipart("alternative", None, parts)]
    for name, inside in sorted(storage.storages.items()):
        if name.startswith("__attach_version1.0_"):
            parts += _attached(_Item(inside, 8, item.code_page), depth)
    message = MIMEMultipart("mixed", None, parts)
    for name, value in _fields(item).items():
        message[name] = value if value.isascii() else Header(value, "utf-8").encode()
    return message


def _fields(item: _Item) -> dict[str, str]:
    """The header: what came with the message, else what Outlook says of it."""
    fields: dict[str, str] = {"Subject": item.text(_SUBJECT)}
    fields["From"] = email.utils.formataddr(
        (item.text("0C1A", "0042"), item.text("5D01", "5D02", "0C1F", "0065"))
    )
    fields |= _recipients(item)
    fields |= {kind: item.text(name) for kind, name in _IDS.items()}
    moment = item.moment(_SENT) or item.moment(_DELIVERED)
    fields["Date"] = email.utils.format_datetime(moment) if moment else ""
    came = HeaderParser().parsestr(item.text(_HEADERS).lstrip("\r\n"))
    for name, value in came.raw_items():
        if name.lower() in _KEPT:
            kept = next((known for known in fields if known.lower() == name.lower()), name)
            fields[kept] = str(value)
    lines = {name: " ".join(value.replace("\0", "").split()) for name, value in fields.items()}
    return {name: line for name, line in lines.items() if line}


def _recipients(item: _Item) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, inside in sorted(item.storage.storages.items()):
        if name.startswith("__recip_version1.0_"):
            person = _Item(inside, 8, item.code_page)
            kind = _KINDS.get(person.number(_RECIPIENT_KIND) & 0xF, "To")
            who, where = person.text(_SHOWN_NAME), person.text("39FE", "3003")
            shown = email.utils.formataddr((who if who != where else "", where)) if where else who
            found.setdefault(kind, []).append(shown)
    people = {kind: ", ".join(filter(None, names)) for kind, names in found.items()}
    return {kind: people.get(kind) or item.text(name) for kind, name in _SHOWN_RECIPIENTS.items()}


def _bodies(item: _Item) -> list[MIMEText]:
    """The versions of the text: plain first, then HTML; RTF only where there is neither."""
    found = []
    if plain := item.text(_BODY):
        found.append(MIMEText(plain.replace("\r\n", "\n"), "plain", "utf-8"))
    if page := item.bytes(_HTML):
        part = MIMEText("", "html", "utf-8")
        part.set_payload(page)
        email.encoders.encode_base64(_replaced(part, item.charset))
        found.append(part)
    elif page_text := item.text(_HTML):
        found.append(MIMEText(page_text, "html", "utf-8"))
    if not found and (packed := item.bytes(_RTF)):
        rtf = rtf_in_mail.unpacked(packed, _LARGEST_RTF)
        kind = "html" if rtf_in_mail.is_html(rtf) else "plain"
        found.append(MIMEText(rtf_in_mail.text(rtf), kind, "utf-8"))
    return found


def _replaced(part: Message, charset: str) -> Message:
    """The part without an encoding of its own, its characters those of `charset`."""
    del part["Content-Transfer-Encoding"]
    part.set_type("text/html")
    if charset:
        part.set_param("charset", charset)
    else:
        part.del_param("charset")
    return part


def _attached(item: _Item, depth: int) -> list[Message]:
    name = item.text(_LONG_NAME, _NAME, _SHOWN_NAME)
    inside = item.storage.storages.get(f"{_STREAM}{_FILE}{_FOLDER}")
    if inside is not None and item.number(_METHOD) == _INSIDE_MESSAGE:
        return [MIMEMessage(_message(inside, 24, depth + 1))] if depth < _DEEPEST else []
    data = item.bytes(_FILE)
    if inside is not None or not data:  # an embedded object of Office's own, or only a link
        return []
    main, _, sub = item.text(_MIME).partition("/")
    part = MIMEBase(main or "application", sub or "octet-stream")
    part.set_payload(data)
    email.encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=name)
    if item.text(_CONTENT_ID):
        part["Content-ID"] = f"<{item.text(_CONTENT_ID)}>"
    return [part]


class _Item:
    """The properties of a message, a recipient or an attachment.

    Args:
        header: bytes before the first property of fixed size.
        code_page: of texts that are not in Unicode, where the item does not say.
    """

    def __init__(self, storage: Storage, header: int, code_page: int = 0) -> None:
        self.storage = storage
        self._fixed: dict[int, bytes] = {}
        rows = storage.streams.get(_PROPERTIES, b"")[header:]
        for start in range(0, len(rows) - 15, 16):
            tag, _, value = struct.unpack("<II8s", rows[start : start + 16])
            self._fixed[tag >> 16] = value
        self.charset = _charset(self.number(_CODE_PAGES[0]))
        self.code_page = self.number(_CODE_PAGES[1]) or code_page

    def text(self, *names: str) -> str:
        """The first of these properties that says something."""
        for name in names:
            if text := self._text(name).strip("\0"):
                return text
        return ""

    def _text(self, name: str) -> str:
        streams = self.storage.streams
        if (data := streams.get(f"{_STREAM}{name}{_TEXT}")) is not None:
            return data.decode("utf-16-le", "replace")
        data = streams.get(f"{_STREAM}{name}{_OLD_TEXT}", b"")
        try:
            return decode(data, _charset(self.code_page) or None)[0] if data else ""
        except NotText:
            return ""

    def bytes(self, name: str) -> bytes:
        """A property of bytes; b"" without."""
        return self.storage.streams.get(f"{_STREAM}{name}{_BYTES}", b"")

    def number(self, tag: int) -> int:
        """A property that is a number; 0 without."""
        return int.from_bytes(self._fixed.get(tag, b"")[:4], "little")

    def moment(self, tag: int) -> datetime | None:
        """A property that is a time."""
        ticks = int.from_bytes(self._fixed.get(tag, b""), "little")
        try:
            return _1601 + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None


def _charset(code_page: int) -> str:
    """The name of a Windows code page as mails have it."""
    known = {65001: "utf-8", 20127: "us-ascii", 28591: "iso-8859-1", 936: "gb18030"}
    if code_page in known:
        return known[code_page]
    if 28592 <= code_page <= 28606:
        return f"iso-8859-{code_page - 28590}"
    return f"cp{code_page}" if 0 < code_page < 1300 else ""
