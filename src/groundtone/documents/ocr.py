"""Text from pictures of pages, by whichever engine is installed.

Either RapidOCR (`pip install 'groundtone[ocr]'`: Apache-2.0, its models lie in its package and run
on ONNX Runtime) or the `tesseract` program on the path. Nothing is downloaded at run time: an
engine without its models counts as missing.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundtone.documents.document import Box

REMEDY = "pip install 'groundtone[ocr]' or install tesseract"
_UNSURE = 0.6  # results that the engine itself gives less are left out
_PAGE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Recognised:
    """A word or a line of words, and its box in pixels from the picture's top left corner."""

    text: str
    box: Box


def engine() -> str | None:
    """The name of the engine that `recognise` uses: "rapidocr", "tesseract", or None."""
    if os.environ.get("GROUNDTONE_OCR", "").lower() in ("off", "0", "none", "false"):
        return None
    if _models() is not None:
        return "rapidocr"
    return "tesseract" if shutil.which("tesseract") else None


def recognise(pixels: Any) -> list[Recognised]:
    """Read a picture.

    Args:
        pixels: array of shape (height, width, 3), red, green and blue from 0 to 255.

    Returns:
        what was read, in no order that matters; empty for a picture without text.

    Raises:
        RuntimeError: no engine is installed, or it failed; says why.
    """
    name = engine()
    if name == "rapidocr":
        return _by_rapidocr(pixels)
    if name == "tesseract":
        return _by_tesseract(pixels)
    raise RuntimeError(f"no OCR engine: {REMEDY}")


@cache
def _models() -> dict[str, str] | None:
    """RapidOCR's model files by role, or None where it or one of them is missing."""
    found = importlib.util.find_spec("rapidocr")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "models"
    files = {}
    for role, pattern in (("Det", "*det*.onnx"), ("Rec", "*rec*.onnx"), ("Cls", "*cls*.onnx")):
        names = sorted(folder.glob(pattern))
        if not names:
            return None
        files[role] = str(names[-1])
    return files


_ONE_AT_A_TIME = threading.Lock()


@cache
def _rapidocr() -> Any:
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    models = _models() or {}
    return RapidOCR(
        params={
            "Global.log_level": "error",
            **{f"{role}.model_path": path for role, path in models.items()},
        }
    )


def _by_rapidocr(pixels: Any) -> list[Recognised]:
    with _ONE_AT_A_TIME:
        try:
            result = _rapidocr()(pixels[:, :, ::-1])
        except Exception as error:  # its own and those of the libraries below it
            raise RuntimeError(f"rapidocr failed: {error}") from error
    if result.boxes is None or result.txts is None:
        return []
    found = []
    for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        if score >= _UNSURE and text.strip():
            xs, ys = [float(x) for x, _ in corners], [float(y) for _, y in corners]
            found.append(Recognised(text.strip(), (min(xs), min(ys), max(xs), max(ys))))
    return found


def _by_tesseract(pixels: Any) -> list[Recognised]:
    from groundtone.documents.pdf_pages import png

    command = ["tesseract", "stdin", "stdout", "--psm", "3", "tsv"]
    try:
        done = subprocess.run(
            command,
            input=png(pixels),
            capture_output=True,
            timeout=_PAGE_SECONDS,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(f"tesseract failed: {error}") from error
    rows = csv.DictReader(
        io.StringIO(done.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    found = []
    for row in rows:
        text = (row.get("text") or "").strip()
        if text and float(row.get("conf") or -1) >= 100 * _UNSURE:
            left, top, wide, high = (float(row[k]) for k in ("left", "top", "width", "height"))
            found.append(Recognised(text, (left, top, left + wide, top + high)))
    return found
