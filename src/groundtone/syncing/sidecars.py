"""What is said of a file in another beside it: ``report.pdf.meta.toml`` speaks of ``report.pdf``.

Together they count as one file: a change in either is a change of both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from groundtone.documents.front_matter import fields
from groundtone.errors import UnreadableFile

FORMS = {".meta.toml": "toml", ".meta.yaml": "yaml", ".meta.yml": "yaml", ".meta.json": "json"}
LONGEST = 200_000  # bytes


def owner(name: str) -> str:
    """The name of the file that a sidecar's name speaks of; "" for any other name."""
    for ending in FORMS:
        if name.endswith(ending):
            return name.removesuffix(ending)
    return ""


def beside(name: str, names: Collection[str]) -> str:
    """The name of a file's sidecar among the names in its folder; "" without one."""
    return next((name + ending for ending in FORMS if name + ending in names), "")


def status(place: str, sidecar: str) -> tuple[int, int]:
    """Size and time of a file with its sidecar ("" for none): the sum, and the later one."""
    both = [os.stat(one) for one in (place, sidecar) if one]  # noqa: PTH116  (a Path takes longer)
    return sum(one.st_size for one in both), max(one.st_mtime_ns for one in both)


def hashed(sha256: str, sidecar: str) -> str:
    """The hash of a file with its sidecar; the file's own without one, or where it has none."""
    if not sidecar or not sha256:
        return sha256
    return hashlib.sha256(sha256.encode() + Path(sidecar).read_bytes()).hexdigest()


def told(sidecar: str) -> dict[str, Any]:
    """What a sidecar says: names in lower case, values such as JSON can hold.

    Raises:
        UnreadableFile: it is too large, or is no table of names and values. The file is not read
            without it: it may say who may see the file.
        OSError: it cannot be opened.
    """
    path = Path(sidecar)
    form = FORMS[path.name.removeprefix(owner(path.name))]
    data = path.read_bytes()
    try:
        if len(data) > LONGEST:
            raise ValueError(f"it has more than {LONGEST:,} bytes")
        return fields(data.decode("utf-8-sig"), form)
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise UnreadableFile(
            path.name, f"what {path.name} says of it cannot be read as {form.upper()}: {why}"
        ) from error
