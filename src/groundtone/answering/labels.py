"""Citation labels: rendered from a template by code, found and removed in what models write.

A template holds any of ``{n}``, ``{title}``, ``{section}``, ``{document}``, ``{page}``. One with
``{n}`` is set after each sentence (``[1]``); one without closes the answer once per cited section
(``[Source: Account Management Guide, Section 2.1]``). ``[^{n}]`` is a Markdown footnote: the
sources stand as a list below the answer. An empty template shows no labels.

A label that the model wrote itself is a hint where to look, checked like any other place.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBERED = re.compile(r"\s*\[\^?[1-9]\d*(?:\s*[,;–-]\s*\d+)*\](?!\()")
# What a label is never glued to, but an index is: a dotted or compound name.
_IDENTIFIER = re.compile(r"(?:\w\.[^\W\d]\w*|_\w*|\w_|[a-z][A-Z]\w*)$")
_MEMBER = re.compile(r"\.\w|\s?[-+*/]?=")
_SOURCE = re.compile(r"\s*\[(?:source|quelle|see)s?\b[^\[\]\n]*\]?", re.IGNORECASE)
FOOTNOTE = "[^{n}]"


@dataclass(frozen=True, slots=True)
class LabelTemplate:
    """A label template, its fields already checked by the settings."""

    template: str

    @property
    def per_sentence(self) -> bool:
        """Whether the label follows each sentence rather than closing the answer."""
        return "{n}" in self.template

    @property
    def footnotes(self) -> bool:
        """Whether the sources are listed below the answer."""
        return FOOTNOTE in self.template

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


def footnote(*, n: int, title: str, section: str, document: str, page: int | None) -> str:
    """One line of the list below an answer with footnotes.

    >>> footnote(n=1, title="Guide", section="2.1", document="guide.md", page=None)
    '[^1]: Guide, Section 2.1 (guide.md)'
    """
    place = f", Section {section}" if section else ""
    return f"[^{n}]: {title}{place} ({document}{'' if page is None else f', page {page}'})"


def hints(text: str, places: Sequence[tuple[str, str]]) -> frozenset[int]:
    """The passages that the model's own labels in a text name.

    Args:
        text: as the model wrote it.
        places: (title, section) of each passage shown, in the order of their numbers.

    >>> sorted(hints("Press N [2]. [Source: Guide, Section 1]", [("Guide", "1"), ("FAQ", "")]))
    [0, 1]
    """
    found = set()
    for label in _NUMBERED.finditer(text):
        if not _is_index(label):
            found |= {int(n) - 1 for n in re.findall(r"\d{1,4}", label[0])}
    for label in _SOURCE.findall(text):
        named = label.casefold()
        for index, (title, section) in enumerate(places):
            tail = re.search(r"section\s+([\w.]+?)[\]\s.,]*$", named)
            if title and title.casefold() in named and (tail is None or tail[1] == section):
                found.add(index)
    return frozenset(index for index in found if 0 <= index < len(places))


def strip(text: str) -> str:
    """Remove every label, complete or cut short, that a model or an example wrote.

    >>> strip("Go to Settings. [Source: Guide, Section 2.1]")
    'Go to Settings.'
    """
    plain = _SOURCE.sub("", text)
    return _NUMBERED.sub(lambda label: label[0] if _is_index(label) else "", plain).strip()


def _is_index(label: re.Match[str]) -> bool:
    """Whether what looks like a label is an index in code: ``sys.argv[1]``, ``row[2].name``."""
    if label[0][0].isspace():
        return False
    before, after = label.string[: label.start()], label.string[label.end() :]
    line = before.rpartition("\n")[2]
    inside = line.count("`") % 2 == 1 and "`" in after.partition("\n")[0]
    return inside or bool(_IDENTIFIER.search(before[-80:]) or _MEMBER.match(after))


def attach(
    sentences: Sequence[str], markers: Sequence[Sequence[str]], *, per_sentence: bool
) -> str:
    """Join sentences and their labels, none or several each, into the text to show."""
    if per_sentence:
        shown = [f"{s} {''.join(m)}" if m else s for s, m in zip(sentences, markers, strict=True)]
        return " ".join(shown)
    closing = list(dict.fromkeys(marker for own in markers for marker in own if marker))
    return " ".join([*sentences, *closing])
