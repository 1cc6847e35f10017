"""Kinds of files without readable text, told by their first bytes."""

from __future__ import annotations

_IMAGE = "; pictures are not read (put a scanned page into a PDF)"
_SOUND = "; sound is not read (a transcript would be)"
_FILM = "; film is not read (a transcript would be)"
_PROGRAM = "; programs are not read"
_ARCHIVE = "; pack it as .zip or .tar.gz instead"

# (offset, bytes, what it is, what to add)
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", _IMAGE),
    (0, b"\xff\xd8\xff", "a JPEG image", _IMAGE),
    (0, b"GIF87a", "a GIF image", _IMAGE),
    (0, b"GIF89a", "a GIF image", _IMAGE),
    (0, b"II*\0", "a TIFF image", _IMAGE),
    (0, b"MM\0*", "a TIFF image", _IMAGE),
    (0, b"8BPS", "a Photoshop image", _IMAGE),
    (0, b"\0\0\x01\0", "an icon", _IMAGE),
    (0, b"\xff\x0a", "a JPEG XL image", _IMAGE),
    (8, b"WEBP", "a WebP image", _IMAGE),
    (0, b"AT&TFORM", "a DjVu document", "; save it as PDF"),
    (4, b"ftypheic", "a HEIC image", _IMAGE),
    (4, b"ftypheix", "a HEIC image", _IMAGE),
    (4, b"ftypmif1", "a HEIF image", _IMAGE),
    (4, b"ftypavif", "an AVIF image", _IMAGE),
    (4, b"ftypM4A", "an M4A sound file", _SOUND),
    (4, b"ftyp", "an MP4 film", _FILM),
    (8, b"WAVE", "a WAV sound file", _SOUND),
    (8, b"AVI ", "an AVI film", _FILM),
    (0, b"ID3", "an MP3 sound file", _SOUND),
    (0, b"\xff\xfb", "an MP3 sound file", _SOUND),
    (0, b"\xff\xf3", "an MP3 sound file", _SOUND),
    (0, b"fLaC", "a FLAC sound file", _SOUND),
    (0, b"OggS", "an Ogg sound file", _SOUND),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM film", _FILM),
    (0, b"\x7fELF", "a Linux program", _PROGRAM),
    (0, b"\xfe\xed\xfa\xce", "a macOS program", _PROGRAM),
    (0, b"\xfe\xed\xfa\xcf", "a macOS program", _PROGRAM),
    (0, b"\xce\xfa\xed\xfe", "a macOS program", _PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program", _PROGRAM),
    (0, b"\xca\xfe\xba\xbe", "a compiled Java class or macOS program", _PROGRAM),
    (0, b"\0asm", "a WebAssembly program", _PROGRAM),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _ARCHIVE),
    (0, b"Rar!\x1a\x07", "a RAR archive", _ARCHIVE),
    (0, b"(\xb5/\xfd", "a Zstandard archive", _ARCHIVE),
    (0, b"\x04\x22\x4d\x18", "an LZ4 archive", _ARCHIVE),
    (0, b"LZIP", "an lzip archive", _ARCHIVE),
    (0, b"\x1f\x9d", "an archive made by compress (.Z)", _ARCHIVE),
    (0, b"MSCF", "a Windows cabinet", _ARCHIVE),
    (0, b"!<arch>\n", "a library or Debian package", ""),
    (0, b"\xed\xab\xee\xdb", "an RPM package", ""),
    (0, b"SQLite format 3\0", "an SQLite database", "; export what matters as CSV"),
    (0, b"PAR1", "a Parquet table", "; export it as CSV"),
    (0, b"ARROW1", "an Arrow table", "; export it as CSV"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "; export it as CSV"),
    (0, b"GGUF", "model weights (GGUF)", ""),
    (0, b"wOFF", "a font", ""),
    (0, b"wOF2", "a font", ""),
    (0, b"OTTO", "a font", ""),
    (0, b"\0\x01\0\0\0", "a font", ""),
    (0, b"!BDN", "an Outlook mailbox (.pst)", "; export it as .mbox or .eml"),
    (0, b"ITSF", "a compiled help file (.chm)", "; unpack it to HTML"),
    (0, b"%!PS", "a PostScript document", "; save it as PDF"),
    (60, b"BOOKMOBI", "a Mobipocket or Kindle book", "; convert it to EPUB"),
    (60, b"TEXtREAd", "a Palm book", "; convert it to EPUB"),
)
_WRITTEN_AS_TEXT = (b"%!PS", b"!<arch>\n", b"AT&TFORM")
# Documents after all, or holding some: a person wants to hear of each that is not read.
_WANTED = ("archive", "cabinet", "document", "mailbox", "book", "help", "table")


def signature(data: bytes) -> tuple[str, bool] | None:
    """(reason, whether it may hold text that a person misses), or None for an unknown kind."""
    # A text may begin with the same letters, but not go on with a zero or the like.
    binary = any(byte < 8 for byte in data[:128])
    for offset, mark, kind, remedy in _SIGNATURES:
        if (binary or mark in _WRITTEN_AS_TEXT or mark[0] > 127) and data.startswith(mark, offset):
            return kind + remedy, any(word in kind for word in _WANTED)
    if data.startswith(b"MZ") and b"PE\0\0" in data[:2048]:
        return "a Windows program" + _PROGRAM, False
    if data.startswith(b"BM") and int.from_bytes(data[2:6], "little") == len(data):
        return "a BMP image" + _IMAGE, False
    return None
