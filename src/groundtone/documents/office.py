"""What Word, PowerPoint and Excel files have in common: zip packages of XML with properties."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from groundtone.errors import UnreadableFile

LARGEST_UNPACKED = 1_000_000_000
# XML compresses well, but not like this: a sheet of numbers reaches 30, one of equal rows 100.
_HIGHEST_RATIO = 250
_SMALL = 20_000_000
_MOST_ENTRIES = 20_000
_TYPE_DEFINITION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCRYPTED_ENTRY = 0x1
_PROPERTIES = "docProps/core.xml"
_KNOWN = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "category": "category",
    "description": "description",
    "language": "language",
    "created": "created",
    "modified": "modified",
}
_NO_TITLE = re.compile(
    r"word document|powerpoint[ -]pr[eä]sentation|pr[eé]sentation(?: powerpoint)?|untitled"
    r"|document\d*|workbook|(?:slide|folie|diapositive|diapositiva) ?\d+",
    re.IGNORECASE,
)


def check_package(path: Path, data: bytes) -> dict[str, str]:
    """Refuse packages that would fill the memory or that no Office program writes.

    Returns:
        The file's own properties, as far as set: title, author, subject, keywords, category,
        description, language, created and modified (ISO dates). A title that says nothing
        ("Word Document") is left out.

    Raises:
        UnreadableFile: unpacks to more than 1 GB, or to over 250 times its size; has thousands of
            parts; encrypted parts; XML with a document type definition (the way of XML bombs and
            of references to outside; the standard, ECMA-376 part 2, forbids it).
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise UnreadableFile(
                path, f"has {len(entries)} parts inside; no document needs as many"
            )
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > LARGEST_UNPACKED:
            raise UnreadableFile(path, f"too large: it unpacks to {unpacked / 1e6:.0f} MB")
        if unpacked > max(_SMALL, _HIGHEST_RATIO * len(data)):
            raise UnreadableFile(
                path, f"a zip bomb? {len(data)} bytes unpack to {unpacked / 1e6:.0f} MB"
            )
        for entry in entries:
            if entry.flag_bits & _ENCRYPTED_ENTRY:
                raise UnreadableFile(path, "encrypted with a password; save it without one")
            if not entry.filename.endswith((".xml", ".rels", ".vml")):
                continue
            with archive.open(entry) as part:
                beginning = part.read(4096).replace(b"\0", b"")  # UTF-16 is XML too
            if _TYPE_DEFINITION.search(beginning):
                raise UnreadableFile(
                    path, f"{entry.filename} inside has a document type definition; refused"
                )
        try:
            return _properties(archive.read(_PROPERTIES))
        except KeyError:
            return {}


def _properties(xml: bytes) -> dict[str, str]:
    from lxml import etree

    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return {}
    found = {}
    for element in root:
        if not isinstance(element.tag, str):
            continue
        name = _KNOWN.get(etree.QName(element).localname)
        value = " ".join((element.text or "").split())
        if name and value and not (name == "title" and _NO_TITLE.fullmatch(value)):
            found[name] = value
    return found
