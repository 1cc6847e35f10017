"""Citation labels: rendered from a template by code, found and removed in what models write.

A template holds any of ``{n}``, ``{title}``, ``{section}``, ``{document}``, ``{page}``. One with
``{n}`` is set after each sentence (``[1]``); one without closes the answer once per cited section
(``[Source: Account Management Guide, Section 2.1]``). An empty template shows no labels.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBERED = re.compile(r"\s*\[\^?\d+(?:\s*[,;–-]\s*\d+)*\](?!\()")
_SOURCE = re.compile(r"\s*\[(?:source|quelle|see)s?\b[^\[\]\n]*\]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LabelTemplate:
    """A label template, its fields already checked by the settings."""

    template: str

    @property
    def per_sentence(self) -> bool:
        """Whether the label follows each sentence rather than closing the answer."""
        return "{n}" in self.template

    def render(self, *, n: int, title: str, section: str, document: str, page: int | None) -> str:
        """Return one label; without a section, ``, Section {section}`` falls away."""
        template = self.template
        if not section:
            template = re.sub(r"[,;]?\s*(?:[Ss]ection|§)?\s*\{section\}", "", template)
        if page is None:
            template = re.sub(r"[,;]?\s*(?:[Pp]age|p\.)?\s*\{page\}", "", template)
        return template.format(n=n, title=title, section=section, document=document, page=page)

    def pattern(self) -> re.Pattern[str]:
        """Return a regex that finds such labels; each field is a named group."""
        pieces = []
        for literal, name, _, _ in string.Formatter().parse(self.template):
            pieces.append(re.escape(literal))
            if name is not None:
                pieces.append(rf"(?P<{name}>\d+)" if name == "n" else rf"(?P<{name}>[^\[\]\n]+?)")
        return re.compile("".join(pieces))


def strip(text: str) -> str:
    """Remove every label, complete or cut short, that a model or an example wrote.

    >>> strip("Go to Settings. [Source: Guide, Section 2.1]")
    'Go to Settings.'
    """
    return _NUMBERED.sub("", _SOURCE.sub("", text)).strip()


def attach(sentences: Sequence[str], markers: Sequence[str], *, per_sentence: bool) -> str:
    """Join sentences and their labels ("" for none) into the text to show."""
    if per_sentence:
        shown = [f"{s} {m}" if m else s for s, m in zip(sentences, markers, strict=True)]
        return " ".join(shown)
    closing = list(dict.fromkeys(marker for marker in markers if marker))
    return " ".join([*sentences, *closing])
