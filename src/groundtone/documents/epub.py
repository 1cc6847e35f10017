"""EPUB books: the chapters in reading order, with their headings."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from groundtone.documents import hypertext, plain_xml
from groundtone.documents.composing import Composer
from groundtone.documents.decoding import NotText
from groundtone.documents.document import Document
from groundtone.documents.hypertext_tables import squeeze
from groundtone.documents.limits import Budget, Limits, TooMuch, read_within, too_dense
from groundtone.errors import UnreadableFile

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/html")
# Fonts scrambled so that they cannot be taken from a book: no protection of the text.
_FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_FIELDS = {"creator": "author", "date": "date", "language": "language", "publisher": "publisher"}
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError)
_LARGEST_PAGE = 50_000_000


def read(path: Path, data: bytes) -> Document:
    """Read a book's text in the order of its spine (EPUB 2 and 3).

    Navigation and pages outside the reading order are left out; so are pages that are damaged or
    missing, with a note. A chapter without a heading of its own gets the one from the table of
    contents.

    Raises:
        UnreadableFile: protected by DRM, damaged, a bomb, or without any readable page.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (*_BROKEN, ValueError) as error:
        raise UnreadableFile(path, f"a damaged zip archive: {error}") from None
    with archive:
        book = _Book(path, archive, len(data))
        book.refuse_protected()
        return book.read()


@dataclass(slots=True)
class _Item:
    name: str
    media_type: str
    is_navigation: bool


@dataclass(slots=True)
class _Book:
    path: Path
    archive: zipfile.ZipFile
    size: int
    notes: list[str] = field(default_factory=list)
    budget: Budget = field(default_factory=lambda: Budget(Limits(member_bytes=_LARGEST_PAGE)))

    def part(self, name: str) -> bytes:
        """One file of the book.

        Raises:
            KeyError: it is not there.
            ValueError: damaged.
        """
        entry = self.archive.getinfo(name)
        if self.budget.limits.suspicious(entry.file_size, entry.compress_size):
            raise too_dense(str(self.path))
        try:
            with self.archive.open(entry) as file:
                return read_within(
                    cast(BinaryIO, file), str(self.path), entry.compress_size, self.budget
                )
        except TooMuch as error:
            raise UnreadableFile(self.path, str(error)) from None
        except _BROKEN as error:
            raise ValueError(f"{name} is damaged: {error}") from None

    def refuse_protected(self) -> None:
        try:
            root = plain_xml.parse(self.part(_ENCRYPTION))
        except KeyError:
            return
        for element in root.iter():
            method = plain_xml.local_name(element) == "EncryptionMethod"
            if method and element.get("Algorithm") not in _FONTS_ONLY:
                raise UnreadableFile(
                    self.path, "protected by DRM; only a copy without it can be read"
                )

    def read(self) -> Document:
        folder, package = self._package()
        items, spine = self._contents(package, folder)
        labels = self._labels(package, items, folder)
        composer = Composer()
        for identifier in spine:
            item = items.get(identifier)
            if item is None or item.is_navigation or item.media_type not in _PAGES:
                continue
            try:
                text, notes = hypertext.decode_markup(self.part(item.name))
                page = hypertext.parse(text, page=False)
            except KeyError:
                self.notes.append(f"{item.name} is missing")
                continue
            except (ValueError, NotText, RecursionError) as error:
                self.notes.append(f"{item.name} cannot be read: {error}")
                continue
            self.notes.extend(notes)
            label = labels.get(item.name, "")
            if label and page.pieces and not any(piece.level for piece in page.pieces):
                if squeeze(page.pieces[0].text).casefold() == label.casefold():
                    page.pieces.pop(0)
                composer.add("heading", label, level=1)
            page.add_to(composer)
        metadata, title = _described(package)
        if not composer:
            reason = f"; {self.notes[0]}" if self.notes else ""
            raise UnreadableFile(self.path, f"holds no text{reason}")
        title = title or composer.first_heading or self.path.stem
        notes = tuple(dict.fromkeys(self.notes[:20]))
        return composer.document(title, "application/epub+zip", notes, metadata)

    def _package(self) -> tuple[str, Element]:
        """(folder of the package file, its root)."""
        root = plain_xml.parse(self.part(_CONTAINER))
        for element in root.iter():
            name = element.get("full-path")
            if plain_xml.local_name(element) == "rootfile" and name:
                return posixpath.dirname(name), plain_xml.parse(self.part(name))
        raise ValueError("its container names no package")

    def _contents(self, package: Element, folder: str) -> tuple[dict[str, _Item], list[str]]:
        items: dict[str, _Item] = {}
        spine: list[str] = []
        for element in package.iter():
            kind = plain_xml.local_name(element)
            if kind == "item" and element.get("href"):
                navigation = "nav" in (element.get("properties") or "").split()
                name = _inside(folder, element.get("href") or "")
                media_type = (element.get("media-type") or "").lower()
                items[element.get("id") or ""] = _Item(name, media_type, navigation)
            elif kind == "itemref" and element.get("linear") != "no":
                spine.append(element.get("idref") or "")
        return items, spine

    def _labels(self, package: Element, items: dict[str, _Item], folder: str) -> dict[str, str]:
        """Page -> its line in an EPUB 2 table of contents, the first where there are several."""
        labels: dict[str, str] = {}
        for item in items.values():
            if item.media_type != "application/x-dtbncx+xml":
                continue
            try:
                root = plain_xml.parse(self.part(item.name))
            except (KeyError, ValueError):
                continue
            label = ""
            for element in root.iter():
                kind = plain_xml.local_name(element)
                if kind == "text":
                    label = squeeze(element.text or "")
                elif kind == "content" and label:
                    target = _inside(posixpath.dirname(item.name), element.get("src") or "")
                    labels.setdefault(target, label)
        return labels


def _inside(folder: str, reference: str) -> str:
    """The file a reference leads to, as the archive names it."""
    return posixpath.normpath(posixpath.join(folder, unquote(reference.partition("#")[0])))


def _described(package: Element) -> tuple[dict[str, str], str]:
    metadata: dict[str, str] = {}
    title = ""
    for element in package.iter():
        name = plain_xml.local_name(element)
        value = squeeze(element.text or "")[:1_000]
        if not value or "purl.org/dc/" not in element.tag:
            continue
        if name == "title":
            title = title or value
        elif name == "creator" and "author" in metadata:
            metadata["author"] += f", {value}"
        elif name in _FIELDS:
            metadata.setdefault(_FIELDS[name], value)
    return metadata, title
