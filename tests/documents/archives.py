"""Archives for tests, honest and hostile; all made here, none larger than a few kilobytes."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes | str], mode: str = "w") -> bytes:
    """A tar archive of names and contents; mode "w:gz" and so on compress it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def overlapping_zip(entries: int = 50, size: int = 2_000_000) -> bytes:
    """A zip whose entries all point at the same compressed bytes."""
    content = b"a" * size
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    checksum = zlib.crc32(content)
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, checksum, len(packed), size, 5, 0
    )
    body = local + b"a.txt" + packed
    directory = b""
    for number in range(entries):
        name = f"{number:03}.txt".encode()
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            *(b"PK\1\2", 20, 20, 0, 8, 0, 33, checksum, len(packed), size, len(name)),
            *(0, 0, 0, 0, 0, 0),
        )
        directory += name
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, entries, entries, len(directory), len(body), 0)
    return body + directory + end


def nested_zip(depth: int, wide: int = 1, core: bytes = b"deep inside") -> bytes:
    """Archives inside archives, each holding `wide` copies of the next."""
    data = zipped({"core.txt": core})
    for _ in range(depth):
        data = zipped({f"inner-{number}.zip": data for number in range(wide)})
    return data


def encrypted_flag(data: bytes) -> bytes:
    """A zip archive that says its files are encrypted."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)
