"""Questions cut out of documents, for a workspace without questions of people.

Three kinds: a section's heading, to be found in its document; a passage's first sentence, to be
found in what the document says besides (the window that holds the sentence is hidden); and "What
is X?" for a sentence that says what X is. They share words with their documents more than people's
questions do, so they say little about the balance of words and vectors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from groundtone.catalog.records import Place, StoredChunk
from groundtone.sentences import split

Kind = Literal["heading", "opening", "definition"]
KINDS: tuple[Kind, ...] = ("heading", "opening", "definition")
LONGEST = 300  # characters of a sentence that is still a question
_WORD = re.compile(r"[^\W\d_]{3,}")
_DEFINED = re.compile(
    r"(?:An?|The)?\s*(?P<term>[`*]*[A-Za-z][\w-]*[`*]*(?: [`*]*[\w-]+[`*]*){0,3}) "
    r"(?:is|are|means|refers to|describes) (?:an?|the|one|any) "
)
_VAGUE = frozenset(
    (
        "this",
        "that",
        "it",
        "its",
        "these",
        "those",
        "there",
        "here",
        "he",
        "she",
        "they",
        "you",
        "we",
        "what",
        "which",
        "such",
    )
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A text to search with, and the document that should be found.

    Attributes:
        hidden: windows that do not count as found: they hold the text itself.
    """

    kind: Kind
    text: str
    document: str
    hidden: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """A live document: its path, version, text and chunks."""

    path: str
    version: str
    text: str
    chunks: Sequence[StoredChunk]


def weak_pairs(sources: Iterable[Source], *, each: int, seed: int = 0) -> list[Pair]:
    """Pairs of all kinds, at most ``each`` of a kind, drawn by the seed.

    A text that several documents give is left out: it asks for none of them.
    """
    found: dict[tuple[Kind, str], list[Pair]] = {}
    for source in sources:
        for pair in (*_headings(source), *_openings(source), *_definitions(source)):
            found.setdefault((pair.kind, pair.text.casefold()), []).append(pair)
    single = [some[0] for some in found.values() if len({pair.document for pair in some}) == 1]
    single.sort(key=lambda pair: _drawn(pair, seed))
    return [pair for kind in KINDS for pair in [one for one in single if one.kind == kind][:each]]


def _headings(source: Source) -> Iterator[Pair]:
    for chunk in source.chunks:
        if chunk.headings and len(_WORD.findall(chunk.headings[-1])) >= 2:
            yield Pair("heading", " ".join(chunk.headings[-1].split()), source.path)


def _openings(source: Source) -> Iterator[Pair]:
    windows = sum(len(chunk.windows) for chunk in source.chunks)
    for chunk in source.chunks:
        text = source.text[chunk.start : chunk.end]
        for start, end in split(text):
            said = " ".join(text[start:end].split())
            if said.startswith(("#", "|", "```")) or len(_WORD.findall(said)) < 6:
                continue
            begin, stop = chunk.start + start, chunk.start + end
            hidden = frozenset(
                (source.version, chunk.ordinal, number)
                for number, window in enumerate(chunk.windows)
                if window[0] < stop and begin < window[1]
            )
            if len(said) <= LONGEST and hidden and len(hidden) < windows:
                yield Pair("opening", said, source.path, hidden)
            break  # only the first sentence of prose


def _definitions(source: Source) -> Iterator[Pair]:
    for chunk in source.chunks:
        text = source.text[chunk.start : chunk.end]
        for start, end in split(text):
            match = _DEFINED.match(text, start, end)
            if match is None:
                continue
            term = re.sub(r"[`*]", "", match["term"])
            if term.split()[0].casefold() not in _VAGUE and _WORD.search(term):
                yield Pair("definition", f"What is {term}?", source.path)


def _drawn(pair: Pair, seed: int) -> bytes:
    told = f"{seed} {pair.kind} {pair.document} {pair.text}"
    return hashlib.sha256(told.encode("utf-8", "replace")).digest()
