"""Mailboxes (mbox, RFC 4155): each message a document, threads known to all of its messages."""

from __future__ import annotations

import email.parser
import re
from collections.abc import Iterator
from pathlib import Path

from groundtone.documents import mail_headers
from groundtone.documents.limits import Budget, Member
from groundtone.errors import UnreadableFile

# A header field must follow, and an empty line come before.
_BEGINNING = re.compile(rb"(?m)^From [^\r\n]*\r?\n(?=>?[!-9;-~]+[ \t]*:)")
_EMPTY_LINE = (b"\n\n", b"\n\r\n")
_MASKED = re.compile(rb"(?m)^>(>*From )")
_HEADERS_END = re.compile(rb"\r?\n\r?\n")


def open_parts(path: Path, data: bytes, budget: Budget) -> Iterator[Member]:
    """The messages, "message-0001" first.

    The metadata of each has ``message`` (its number) and ``thread``: the id of the message that
    began its thread, found through the references of all messages.

    Raises:
        UnreadableFile: no message begins anywhere.
    """
    data = data.lstrip(b"\r\n")
    begins = [
        match.span()
        for match in _BEGINNING.finditer(data)
        if data[max(0, match.start() - 3) : match.start()].endswith(_EMPTY_LINE)
        or match.start() == 0
    ]
    if not begins:
        raise UnreadableFile(path, 'not a mailbox: no line "From …" followed by a mail header')
    ends = [start for start, _ in begins[1:]] + [len(data)]
    width = max(4, len(str(len(begins))))
    threads: dict[str, str] = {}
    for number, ((_, start), end) in enumerate(zip(begins, ends, strict=True), 1):
        message = data[start:end]
        thread = _thread(message, threads)
        details: dict[str, object] = {"message": number}
        if thread:
            details["thread"] = thread
        budget.take(len(message))
        content = _MASKED.sub(rb"\1", message)
        yield Member(f"message-{number:0{width}d}", content, "mail", "", details)


def _thread(message: bytes, threads: dict[str, str]) -> str:
    """The thread of a message; remembers it for those that refer to it."""
    end = _HEADERS_END.search(message)
    header = email.parser.BytesHeaderParser().parsebytes(message[: end.end() if end else None])
    own, before = mail_headers.identities(header)
    known = next((threads[name] for name in before if name in threads), None)
    thread = known or (before[0] if before else own)
    for name in (*before, own):
        threads.setdefault(name, thread)
    return thread
