"""Header fields of mail as readable text, however broken."""

from __future__ import annotations

import email.header
import email.utils
import re
from datetime import UTC, datetime
from email.message import Message
from typing import Any

from groundtone.documents.decoding import NotText, decode

_LONGEST = 10_000
_ID = re.compile(r"<[^<>\s]{1,500}>")
_MOST_REFERENCES = 200


def text(message: Message, name: str) -> str:
    """A field's text on one line, encoded words decoded; several of one name joined by commas."""
    values = [value for key, value in message.raw_items() if key.lower() == name.lower()]
    return ", ".join(filter(None, (readable(str(value)) for value in values[:20])))


def readable(value: str) -> str:
    """Any raw field value as text: encoded words (RFC 2047), raw bytes, line folds."""
    value = value[:_LONGEST]
    raw = value.encode("utf-8", "surrogateescape")
    value = _decoded(raw, None) if any("\ud800" <= sign <= "\udfff" for sign in value) else value
    try:
        pieces = email.header.decode_header(value)
    except Exception:  # bad base64 inside an encoded word
        pieces = [(value, None)]
    words = (
        piece if isinstance(piece, str) else _decoded(piece, charset) for piece, charset in pieces
    )
    return " ".join("".join(words).replace("\0", "").split())


def _decoded(data: bytes, charset: str | None) -> str:
    try:
        return decode(data, charset)[0]
    except NotText:
        return data.decode("utf-8", "replace")


def metadata(message: Message) -> dict[str, Any]:
    """From, to, cc, subject, date, message ids and the thread they make; only what is there.

    ``date`` is ISO 8601 in UTC where the field can be understood. ``thread`` is the id of the
    message that began it, as far as this message knows (RFC 5322, 3.6.4).
    """
    found: dict[str, Any] = {}
    for name in ("from", "to", "cc", "subject"):
        if value := text(message, name):
            found[name] = value
    if date := _date(message):
        found["date"] = date
    own, before = identities(message)
    if own:
        found["message_id"] = own
    if before:
        found["references"] = before
    if thread := (before[0] if before else own):
        found["thread"] = thread
    return found


def identities(message: Message) -> tuple[str, list[str]]:
    """(the message's id or "", ids of the messages before it in its thread, the first first)."""
    own = _ID.search(text(message, "message-id"))
    before = _ID.findall(text(message, "references")) or _ID.findall(text(message, "in-reply-to"))
    return own[0] if own else "", list(dict.fromkeys(before))[:_MOST_REFERENCES]


def _date(message: Message) -> str:
    stated = text(message, "date")
    try:
        try:
            date = email.utils.parsedate_to_datetime(stated)
        except ValueError:
            date = datetime.fromisoformat(stated)
        return date.astimezone(UTC).isoformat() if date.tzinfo else date.isoformat()
    except Exception:  # dates of every shape exist
        return stated[:100]
