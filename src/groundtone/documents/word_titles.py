"""Which paragraphs of a Word document are headings: by style, else by how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFF = ("0", "false", "off", "none")
_LONGEST = 100
_TEXT_ENDS = (".", ",", ";", "?", "!")
# Half points: from 14 points on a bold line is a chapter's.
_LARGE = 28


def heading_level(properties: Any, chain: Sequence[Any]) -> int:
    """1 to 6 by outline level or style name, 0 for other paragraphs.

    Args:
        properties: the paragraph's ``w:pPr`` or None.
        chain: its style and those that one is based on.
    """
    for holder in [properties, *(style.find(f"{_W}pPr") for style in chain)]:
        value = _value(holder, "outlineLvl")
        if value.isdecimal():
            return min(int(value) + 1, 6) if int(value) < 9 else 0
    for style in chain:
        name = _value(style, "name").lower()
        if name.startswith("heading ") and name[8:].strip().isdecimal():
            return max(1, min(int(name[8:]), 6))
    return 0


def apparent_level(paragraph: Any, text: str, chain: Sequence[Any]) -> int:
    """1 or 2 for a short line all in bold that does not end like a sentence, else 0.

    For documents whose author made headings by hand: only where no style says what is one.
    """
    if len(text) > _LONGEST or "\n" in text or text.rstrip().endswith(_TEXT_ENDS):
        return 0
    inherited = any(_is_on(style.find(f"{_W}rPr/{_W}b")) for style in chain)
    size = 0
    for run in paragraph.iter(f"{_W}r"):
        if not any((part.text or "").strip() for part in run.findall(f"{_W}t")):
            continue
        properties = run.find(f"{_W}rPr")
        bold = properties.find(f"{_W}b") if properties is not None else None
        strong = _value(properties, "rStyle").lower() == "strong"
        if not (_is_on(bold) if bold is not None else inherited or strong):
            return 0
        value = _value(properties, "sz")
        size = max(size, int(value) if value.isdecimal() and len(value) < 5 else 0)
    return 1 if size >= _LARGE else 2


def _is_on(mark: Any) -> bool:
    return mark is not None and mark.get(f"{_W}val") not in _OFF


def _value(element: Any, name: str) -> str:
    child = element.find(f"{_W}{name}") if element is not None else None
    return (child.get(f"{_W}val") or "") if child is not None else ""
