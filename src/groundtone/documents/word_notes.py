"""Footnotes and endnotes of a Word document, which stand in parts of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_REFERENCES = {f"{_W}footnoteReference": "footnote", f"{_W}endnoteReference": "endnote"}
# Separator lines are kept as notes too, under these types.
_NO_TEXT = ("separator", "continuationSeparator", "continuationNotice")


class Notes:
    """Gives each note where it is first referred to, numbered as Word numbers them.

    Args:
        part: python-docx's document part.
        text_of: paragraph element -> its text.
    """

    def __init__(self, part: Any, text_of: Callable[[Any], str]) -> None:
        self._texts: dict[tuple[str, str], str] = {}
        self._counts = {"footnote": 0, "endnote": 0}
        for relation in part.rels.values():
            kind = relation.reltype.rsplit("/", 1)[-1].removesuffix("s")
            if kind in self._counts and not relation.is_external:
                self._load(kind, relation.target_part.blob, text_of)

    def _load(self, kind: str, xml: bytes, text_of: Callable[[Any], str]) -> None:
        from lxml import etree

        try:
            root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            return  # the text itself is whole; the notes are lost
        for note in root.iter(f"{_W}{kind}"):
            if note.get(f"{_W}type") in _NO_TEXT:
                continue
            text = " ".join(" ".join(text_of(line) for line in note.iter(f"{_W}p")).split())
            self._texts[kind, note.get(f"{_W}id") or ""] = text

    def referred_to_in(self, element: Any) -> list[str]:
        """The notes that a paragraph or table refers to: "Footnote 3: …", in order."""
        if not self._texts:
            return []
        found = []
        for reference in element.iter(*_REFERENCES):
            kind = _REFERENCES[reference.tag]
            self._counts[kind] += 1
            text = self._texts.pop((kind, reference.get(f"{_W}id") or ""), "")
            if text:
                found.append(f"{kind.capitalize()} {self._counts[kind]}: {text}")
        return found
