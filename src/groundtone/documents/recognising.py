"""Which reader a file is for: by its content where that is unmistakable, else by its name."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import PurePath

from groundtone.documents import compound
from groundtone.documents.families import BY_SUFFIX, BY_TYPE
from groundtone.documents.signatures import signature
from groundtone.errors import UnreadableFile

_OUTLOOK = "__properties_version1.0"
# Names of the streams that tell old Office files apart.
_OLE_KINDS = (
    ("EncryptedPackage", "encrypted with a password; save it without one"),
    ("WordDocument", "an old binary Office file (.doc); save it as .docx"),
    ("Workbook", "an old binary Office file (.xls); save it as .xlsx"),
    ("Book", "an old binary Office file (.xls); save it as .xlsx"),
    ("PowerPoint Document", "an old binary Office file (.ppt); save it as .pptx"),
)
_OFFICE = (
    ("docx", "word/document.xml"),
    ("pptx", "ppt/presentation.xml"),
    ("xlsx", "xl/workbook.xml"),
    ("epub", "META-INF/container.xml"),
)
_BROKEN_ZIP = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError),
    *(ValueError, NotImplementedError, RuntimeError),
)
_RTF = b"{\\rtf"
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_PACKED = re.compile(rb"\x1f\x8b|BZh[1-9](?:1AY&SY|\x17rE8P\x90)|\xfd7zXZ\0")
# What a name of such a family promises, for the reason when the content is something else.
_PROMISES = {
    "pdf": "a PDF (no %PDF header)",
    "docx": "a Word document (no zip archive)",
    "pptx": "a PowerPoint presentation (no zip archive)",
    "xlsx": "an Excel workbook (no zip archive)",
    "epub": "an EPUB book (no zip archive)",
    "rtf": "an RTF document",
    "outlook": "an Outlook message",
    "opendocument": "an OpenDocument file (no zip archive)",
    "zip_archive": "a zip archive",
    "tar_archive": "a tar archive or compressed file",
}
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):(?:\s|$)")
_ONLY_MAIL = {"message-id", "received", "mime-version", "return-path", "delivered-to"}
_MAIL_FIELDS = _ONLY_MAIL | {
    *("from", "to", "cc", "date", "subject", "reply-to", "sender", "content-type"),
    *("x-mailer", "in-reply-to", "references"),
}
_MAILBOX = re.compile(r"From \S+.{0,60}\b\d{4}\s*\r?\n[A-Za-z-]+:")
_HEAD = 8_192


class UnsupportedKind(UnreadableFile):
    """Not damaged, but of a kind that no reader reads and nobody takes for a document."""


def recognise(name: str, data: bytes, media_type: str = "", *, any_text: bool = True) -> str:
    """The module that reads a file.

    Args:
        name: its name, for the ending.
        data: its content, whole.
        media_type: what its container says it is, for names that say nothing.
        any_text: take text of an unknown kind as plain text.

    Raises:
        UnsupportedKind: a picture, a program, or (without `any_text`) of an unknown kind.
        UnreadableFile: a document of a kind that is not read, with what to do about it.
    """
    suffix = PurePath(name).suffix.lower()
    named = BY_SUFFIX.get(suffix) or BY_TYPE.get(media_type.lower())
    family = _unmistakable(name, named, data)
    if family is None:
        family = _as_text(name, suffix, named, data, any_text)
    return family


def refuse_early(name: str, head: bytes) -> None:
    """Refuse what is no document by its name and first bytes, before the rest is unpacked.

    Raises:
        UnsupportedKind: a picture, a program, or of an unknown kind.
        UnreadableFile: a document of a kind that is not read.
    """
    found = signature(head)
    if found is not None:
        reason, missed = found
        raise (UnreadableFile if missed else UnsupportedKind)(name, reason)
    suffix = PurePath(name).suffix.lower()
    told = (b"%PDF-", compound.MARK, _RTF, *_ZIP_MARKS)
    marked = head.startswith(told) or _PACKED.match(head) or is_tar(head)
    if suffix not in BY_SUFFIX and not marked and not _by_content(_head(head)):
        raise UnsupportedKind(name, f"{_kind(suffix)} are not supported")


def _by_content(head: str) -> str | None:
    if _HTML.match(head):
        return "html"
    if _MAILBOX.match(head):
        return "mbox"
    return "mail" if _is_mail(head) else None


def _unmistakable(name: str, named: str | None, data: bytes) -> str | None:
    if data.startswith(b"%PDF-") or (named == "pdf" and b"%PDF-" in data[:1024]):
        return "pdf"
    if data.startswith(compound.MARK):
        return _inside_compound(name, data)
    if data.startswith(_RTF):
        return "rtf"
    if data.startswith(_ZIP_MARKS):
        return _inside_zip(name, data)
    if _PACKED.match(data) or is_tar(data):
        return "tar_archive"
    found = signature(data)
    if found is not None:
        reason, missed = found
        raise (UnreadableFile if missed else UnsupportedKind)(name, reason)
    return None


def _inside_compound(name: str, data: bytes) -> str:
    try:
        streams = set(compound.opened(data).streams)
    except compound.Damaged:  # the names still stand somewhere in it
        known = (_OUTLOOK, *(stream for stream, _ in _OLE_KINDS))
        streams = {stream for stream in known if stream.encode("utf-16-le") in data}
    if _OUTLOOK in streams:
        return "outlook"
    for stream, reason in _OLE_KINDS:
        if stream in streams:
            raise UnreadableFile(name, reason)
    raise UnreadableFile(name, "an old binary Office file; save it in today's format")


def _inside_zip(name: str, data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:100] if _small(archive, "mimetype") else b""
    except _BROKEN_ZIP as error:
        raise UnreadableFile(name, f"a damaged zip archive: {error}") from None
    for family, needed in _OFFICE:
        if needed in names:
            return family
    if re.search(rb"opendocument\.(?:text|spreadsheet|presentation)", mimetype):
        return "opendocument"
    if b"opendocument" in mimetype:
        raise UnreadableFile(name, "an OpenDocument drawing, formula or database; save it as PDF")
    if "xl/workbook.bin" in names:
        raise UnreadableFile(name, "a binary Excel workbook (.xlsb); save it as .xlsx")
    if any(inside.endswith(".iwa") for inside in names):
        raise UnreadableFile(name, "an Apple iWork document; export it as PDF or Office file")
    if "[Content_Types].xml" in names:
        raise UnreadableFile(name, "an Office file without its main part, or of a rare kind")
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        raise UnsupportedKind(name, "a Java or Android program; programs are not read")
    return "zip_archive"


def _small(archive: zipfile.ZipFile, member: str) -> bool:
    try:
        return archive.getinfo(member).file_size < 1_000
    except KeyError:
        return False


def is_tar(data: bytes) -> bool:
    """Whether bytes begin with a tar header whose checksum is right."""
    header = data[:512]
    if len(header) < 512:
        return False
    stated = header[148:156].strip(b" \0")
    if not stated or not stated.isdigit() or header[0] == 0:
        return False
    try:
        return int(stated, 8) == sum(header) - sum(header[148:156]) + 8 * 32
    except ValueError:
        return False


def _as_text(name: str, suffix: str, named: str | None, data: bytes, any_text: bool) -> str:
    if named is None or named in _PROMISES or named in ("text", "markdown"):
        found = _by_content(_head(data))
        if found is not None and not (named == "markdown" and found != "html"):
            return found
    if named in _PROMISES:
        raise UnreadableFile(name, f"named {suffix} but is not {_PROMISES[named]}")
    if named is not None:
        return named
    if not any_text:
        raise UnsupportedKind(name, f"{_kind(suffix)} are not supported")
    if data.startswith(b"#!"):
        return "source_code"
    return "json_values" if _is_json(data) else "text"


def _head(data: bytes) -> str:
    """The beginning as rough text: good enough for marks, which are ASCII."""
    head = data[: 2 * _HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:64].count(0) * 3 > len(head[:64]):
        head = head.translate(None, b"\0\xff\xfe")
    return head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")[:_HEAD]


def _is_mail(head: str) -> bool:
    """Header fields from the first line on, enough of them mail's own."""
    seen: set[str] = set()
    for line in head.lstrip("\r\n").splitlines():
        if line[:1] in (" ", "\t") and seen:
            continue
        field = _FIELD.match(line)
        if field is None:
            break
        seen.add(field[1].lower())
    if {"mime-version", "content-type"} <= seen:
        return True
    return len(seen & _MAIL_FIELDS) >= 3 and "from" in seen and bool(seen & _ONLY_MAIL)


def _is_json(data: bytes) -> bool:
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _kind(suffix: str) -> str:
    return f"{suffix} files" if suffix else "files without a name ending"
