"""Mail (RFC 5322, MIME): the message as one document, each attachment as one of its own."""

from __future__ import annotations

import email
import email.policy
from email.message import Message
from pathlib import Path

from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.limits import Member
from groundtone.documents.mail_contents import read_message


def read(path: Path, data: bytes) -> Document:
    """Read a message without its attachments; see `mail_contents.read_message`."""
    return read_with_parts(path, data)[0]


def read_with_parts(path: Path, data: bytes) -> tuple[Document, list[Member]]:
    """The message as `read` returns it, and its attachments, forwarded messages among them."""
    return read_message(_parsed(data), path)


def _parsed(data: bytes) -> Message:
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) or b"\0" in data[:64]:
        data = decode(data)[0].encode("utf-8", "replace")
    # This policy never refuses a header; mail_headers makes text of them.
    return email.message_from_bytes(data.lstrip(b"\r\n"), policy=email.policy.compat32)
