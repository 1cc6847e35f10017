"""What a mail says and what it brings, however its file is made: the parts of a MIME message."""

from __future__ import annotations

import email.policy
import mimetypes
import re
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from groundtone.documents import hypertext, mail_headers, quoting
from groundtone.documents.composing import Composer
from groundtone.documents.decoding import NotText, decode
from groundtone.documents.document import Document
from groundtone.documents.limits import Member
from groundtone.errors import UnreadableFile

_SHOWN = ("From", "To", "Cc", "Date")
_MOST_SHOWN = 2_000
_SEALED = "encrypted or sealed (PGP or S/MIME); open it in your mail program and save it without"
_TNEF = "Outlook's own package (winmail.dat); ask for the attachments as ordinary files"
_SIGNATURES = ("pgp-signature", "pkcs7-signature", "x-pkcs7-signature", "pgp-keys")
_REPORTS = ("delivery-status", "disposition-notification", "feedback-report")
_PGP = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
_PGP_SIGNED = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]+: .*\n)*")
_PGP_SIGNATURE = re.compile(r"-----BEGIN PGP SIGNATURE-----.*?(?:-----END PGP SIGNATURE-----|\Z)",
                            re.DOTALL)  # fmt: skip
_FLOWED = re.compile(r"(?m)^(?!>)(.*[^ \n]) \n(?=[^>\s])")
_SHOWN_INSIDE = ("image", "audio", "video")
_MACHINERY = ("css", "javascript", "ecmascript")
_WORD = re.compile(r"\w+")
_UNSHOWN = re.compile(r"<(style|script|head)\b|<!--", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def read_message(
    message: Message, path: Path, media_type: str = "message/rfc822"
) -> tuple[Document, list[Member]]:
    """A message as one document, and its attachments, forwarded messages among them.

    The subject is title and heading; who wrote to whom, when, and the names of attachments follow
    as one paragraph; then the body: the plain text version if it says as much as the HTML one.
    Earlier messages quoted at its end stand each under the line that introduces it. Signatures by
    machines and pictures inside the text are left out, nothing is fetched.

    Args:
        path: the message's file, whose name serves where it has no subject.
        media_type: of that file.
    """
    found = _Contents()
    found.take(message)
    details = mail_headers.metadata(message)
    composer = Composer()
    composer.add("heading", details.get("subject", ""), level=1)
    lines = [f"{name}: {value}" for name in _SHOWN if (value := mail_headers.text(message, name))]
    names = [member.name for member in found.attachments]
    if names:
        lines.append(f"Attachments: {', '.join(names)}")
    composer.add("paragraph", "\n".join(line[:_MOST_SHOWN] for line in lines))
    for body in found.bodies:
        body.add_to(composer)
    notes = found.notes
    if any(isinstance(member.content, UnreadableFile) for member in found.attachments):
        notes = (*notes, "a part of it cannot be read")
    title = details.get("subject") or composer.first_heading or path.stem
    document = composer.document(title, media_type, tuple(dict.fromkeys(notes)), details)
    return document, found.attachments


class _Body:
    """One stretch of a message's own text: plain, or HTML that is parsed when it is needed."""

    def __init__(self, text: str, *, is_html: bool = False) -> None:
        self._text = text
        self._is_html = is_html
        self._pieces: list[hypertext.Piece] | None = None

    def _parsed(self) -> list[hypertext.Piece]:
        if self._pieces is None:
            self._pieces = hypertext.parse(self._text, page=False).pieces
        return self._pieces

    def words(self, *, at_most: bool = False) -> int:
        """How many words it has; `at_most`: or a few more, found without parsing."""
        if not self._is_html:
            return len(_WORD.findall(self._text))
        if at_most and self._pieces is None:
            return len(_WORD.findall(_TAG.sub(" ", _shown(self._text))))
        return sum(len(_WORD.findall(piece.text)) for piece in self._parsed())

    def add_to(self, composer: Composer) -> None:
        if not self._is_html:
            for passage in quoting.passages(self._text):
                if passage.level:
                    composer.add("heading", passage.text, level=passage.level + 1)
                else:
                    composer.add("paragraph", passage.text)
            return
        quoted = 0
        for kind, text, level, header_lines in self._parsed():
            if kind == "paragraph" and quoted < 4 and quoting.introduces(text):
                quoted += 1
                kind, level = "heading", quoted
            elif level:
                level += quoted
            composer.add(kind, text, level=level + 1 if level else None, header_lines=header_lines)


def _shown(markup: str) -> str:
    """HTML without styles, scripts and comments, roughly."""
    small = markup.lower()
    pieces: list[str] = []
    place = 0
    while match := _UNSHOWN.search(small, place):
        end = small.find(f"</{match[1]}" if match[1] else "-->", match.end())
        if end < 0:
            break
        pieces.append(markup[place : match.start()])
        place = end
    return " ".join((*pieces, markup[place:]))


@dataclass(slots=True)
class _Contents:
    """A message's parts, sorted into what it says and what it brings."""

    bodies: list[_Body] = field(default_factory=list)
    attachments: list[Member] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def take(self, part: Message) -> None:
        kind, _, subkind = part.get_content_type().partition("/")
        if kind == "multipart" and subkind == "encrypted":
            self._add("encrypted message", UnreadableFile("", _SEALED))
        elif kind == "multipart" and subkind == "alternative":
            self._take_best(_inside(part))
        elif kind == "message" and subkind in _REPORTS:
            text = "\n\n".join(str(report) for report in _inside(part))
            self.bodies.append(_Body(text))
        elif kind == "message" and subkind in ("rfc822", "global") and _inside(part):
            self._add_message(part)
        elif part.is_multipart():
            for inner in _inside(part):
                self.take(inner)
        elif subkind in _SIGNATURES:
            return
        elif subkind in ("pkcs7-mime", "x-pkcs7-mime"):
            self._add(_name(part) or "smime.p7m", UnreadableFile("", _SEALED))
        elif subkind in ("ms-tnef", "vnd.ms-tnef"):
            self._add(_name(part) or "winmail.dat", UnreadableFile("", _TNEF))
        elif (kind in _SHOWN_INSIDE or subkind in _MACHINERY) and not _attached(part):
            return
        elif (kind == "text" and not _attached(part)) or kind == "multipart":
            self._take_text(part, subkind)
        else:
            self._add_file(part)

    def _take_best(self, versions: list[Message]) -> None:
        """Of several versions of one text the plain one, unless it leaves out most."""
        made = []
        for version in versions:
            contents = _Contents()
            contents.take(version)
            made.append(contents)
        told = [contents for contents in made if contents.bodies]
        if told:
            best = told[0]
            if best.words() * 3 < max(each.words(at_most=True) for each in told):
                most = max(each.words() for each in told)
                best = next(each for each in told if each.words() * 3 >= most)
            self.bodies.extend(best.bodies)
            self.notes += best.notes
        for contents in made:
            self.attachments.extend(contents.attachments)

    def words(self, *, at_most: bool = False) -> int:
        return sum(body.words(at_most=at_most) for body in self.bodies)

    def _take_text(self, part: Message, subkind: str) -> None:
        data = _payload(part)
        if not data.strip():
            return
        try:
            if subkind == "html":
                text, notes = hypertext.decode_markup(data, part.get_content_charset())
                self.bodies.append(_Body(text, is_html=True))
            else:
                text, notes = decode(data, part.get_content_charset())
                text = self._unsealed(text.replace("\r\n", "\n").replace("\r", "\n"))
                if str(part.get_param("format", "")).lower() == "flowed":
                    text = _FLOWED.sub(r"\1 ", text)
                self.bodies.append(_Body(text))
        except NotText:
            self._add_file(part)
            return
        self.notes += notes

    def _unsealed(self, text: str) -> str:
        if _PGP.search(text):
            self._add("encrypted text", UnreadableFile("", _SEALED))
            text = _PGP.sub("", text)
        return _PGP_SIGNATURE.sub("", _PGP_SIGNED.sub("", text))

    def _add(
        self,
        name: str,
        content: bytes | UnreadableFile,
        media_type: str = "",
        family: str | None = None,
    ) -> None:
        self.attachments.append(Member(name, content, family, media_type))

    def _add_file(self, part: Message) -> None:
        media_type = part.get_content_type()
        name = _name(part)
        content = _payload(part)
        if media_type == "application/pgp-encrypted":
            return  # it only says that the part after it is sealed
        if not name:
            ending = mimetypes.guess_extension(media_type) or ""
            name = f"attachment-{len(self.attachments) + 1}{ending}"
        sealed = content[:100].lstrip().startswith(b"-----BEGIN PGP MESSAGE-----")
        self._add(name, UnreadableFile("", _SEALED) if sealed else content, media_type)

    def _add_message(self, part: Message) -> None:
        inner = _inside(part)[0]
        subject = mail_headers.text(inner, "subject").replace("/", "_")[:80]
        try:
            content = inner.as_bytes(policy=email.policy.compat32)
        except Exception:  # what was parsed leniently cannot always be written again
            content = str(part.get_payload()).encode("utf-8", "replace")
        self._add(_name(part) or f"{subject or 'forwarded message'}.eml", content, "", "mail")


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    return (
        [inner for inner in payload if isinstance(inner, Message)]
        if isinstance(payload, list)
        else []
    )


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except Exception:  # a broken transfer encoding
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _name(part: Message) -> str:
    try:
        return mail_headers.readable(part.get_filename() or "")
    except Exception:  # parameters in forms that no standard knows
        return ""


def _attached(part: Message) -> bool:
    """A file of its own, not part of the text."""
    try:
        disposition = part.get_content_disposition()
    except Exception:
        disposition = None
    if part.get_content_maintype() in ("image", "audio", "video"):
        return disposition == "attachment" and "content-id" not in part
    return disposition == "attachment" or bool(_name(part))
