"""Office files with macros, templates and slide shows, made to look like the plain kind.

Their text is stored in the same way; only the content type of the main part differs, and the
packages that read them insist on the plain one. Macros are never looked at.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile

_TYPES = "[Content_Types].xml"
_LARGEST = 5_000_000
_OPEN = rb"application/vnd\.openxmlformats-officedocument\."
_VARIANTS = {
    "docx": (
        re.compile(
            rb"application/vnd\.ms-word\.(?:document|template)\.macroEnabled(?:Template)?\.main\+xml"
            rb"|" + _OPEN + rb"wordprocessingml\.template\.main\+xml"
        ),
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    ),
    "pptx": (
        re.compile(
            rb"application/vnd\.ms-powerpoint\.(?:slideshow|template)\.macroEnabled\.main\+xml"
            rb"|" + _OPEN + rb"presentationml\.(?:slideshow|template)\.main\+xml"
        ),
        b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    ),
}


def as_plain(data: bytes, family: str) -> bytes:
    """The file, its main part declared to be of the plain kind; unchanged if it is, or damaged."""
    if family not in _VARIANTS:
        return data
    variant, plain = _VARIANTS[family]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            with archive.open(_TYPES) as file:
                types = file.read(_LARGEST)
            if not variant.search(types):
                return data
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
            # The later entry of a name is the one that counts.
            warnings.simplefilter("ignore", UserWarning)
            archive.writestr(_TYPES, variant.sub(plain, types))
    except Exception:  # a damaged file; its reader says how
        return data
    return buffer.getvalue()
