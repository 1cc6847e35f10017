"""Files to documents: one module per family of formats, imported when a file asks for it."""

from __future__ import annotations

import importlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

from groundtone.documents.decoding import NotText
from groundtone.documents.document import Block, BlockKind, Box, Document, Part, Reading
from groundtone.documents.families import BY_SUFFIX, FAMILIES
from groundtone.documents.intake import load
from groundtone.errors import UnreadableFile

__all__ = [
    "SUPPORTED",
    "Block",
    "BlockKind",
    "Box",
    "Document",
    "Part",
    "Reading",
    "read",
    "read_all",
]

SUPPORTED: frozenset[str] = frozenset(BY_SUFFIX)
"""File name endings, in lower case, that `read` understands."""

_OFFICE = {
    "docx": "word/document.xml",
    "pptx": "ppt/presentation.xml",
    "xlsx": "xl/workbook.xml",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


def read(path: Path, *, max_bytes: int = 100_000_000) -> Document:
    """Turn one file into a document.

    The family is chosen by name, and by content where the content is unmistakable (a PDF named
    ``.txt`` is read as the PDF it is).

    Args:
        path: the file.
        max_bytes: larger files are refused.

    Raises:
        UnreadableFile: for any file that cannot be read, whatever is wrong with it; its
            ``reason`` says what.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUPPORTED and os.path.isfile(path):  # noqa: PTH113  (Path.is_file may raise)
        kind = f"{suffix} files are" if suffix else "files without a name ending are"
        known = " ".join(sorted(SUPPORTED))
        raise UnreadableFile(path, f"{kind} not supported (supported: {known})")
    data = load(path, max_bytes)
    family = _family(path, suffix, data)
    try:
        reader = importlib.import_module(f"groundtone.documents.{family}")
        document: Document = reader.read(path, data)
    except (UnreadableFile, KeyboardInterrupt, SystemExit):
        raise
    except NotText as error:
        raise UnreadableFile(path, str(error)) from None
    except ImportError as error:
        raise UnreadableFile(
            path, f"reading {FAMILIES[family].label} needs a package that is not installed: {error}"
        ) from error
    except MemoryError:
        raise UnreadableFile(path, "needs more memory than this machine has left") from None
    except RecursionError:
        raise UnreadableFile(path, f"damaged {FAMILIES[family].label}: nested too deeply") from None
    except Exception as error:  # a parser's own exceptions are many, and none may stop a sync
        detail = " ".join(str(error).split())[:200] or "no detail given"
        raise UnreadableFile(
            path, f"damaged or not {FAMILIES[family].label}: {type(error).__name__}: {detail}"
        ) from error
    if not document.text.strip():
        raise UnreadableFile(path, "holds no text")
    if not document.blocks:
        # A page of front matter alone is normal in documentation trees, and no fault.
        return replace(document, notes=(*document.notes, "nothing to index: no text in its body"))
    return document


def read_all(path: Path, *, max_bytes: int = 100_000_000) -> Reading:
    """Read everything that a file holds: itself, and the documents inside it.

    Args:
        path: the file.
        max_bytes: larger files, and larger parts of them, are refused.

    Raises:
        UnreadableFile: nothing in it can be read.
    """
    return Reading((Part("", read(path, max_bytes=max_bytes)),))


def _family(path: Path, suffix: str, data: bytes) -> str:
    """Name of the reader's module."""
    named = BY_SUFFIX.get(suffix, "text")
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(_OLE):
        if _ENCRYPTED_OFFICE in data:
            raise UnreadableFile(path, "encrypted with a password; save it without one")
        raise UnreadableFile(
            path, "an old binary Office file (.doc, .xls, .ppt or .msg); save it as .docx"
        )
    if data.startswith(b"PK\x03\x04"):
        return _inside_archive(path, named, data)
    if named == "pdf" and b"%PDF-" not in data[:1024]:
        raise UnreadableFile(path, f"named {suffix} but is not a PDF (no %PDF header)")
    if named == "docx":
        raise UnreadableFile(path, f"named {suffix} but is not a Word document (no zip archive)")
    return named


def _inside_archive(path: Path, named: str, data: bytes) -> str:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(path, f"a damaged zip archive: {error}") from None
    for family, needed in _OFFICE.items():
        if needed in names and family in FAMILIES:
            return family
    if named == "docx":
        raise UnreadableFile(path, "a zip archive without a Word document in it")
    raise UnreadableFile(path, "binary content: a zip archive, not text")
