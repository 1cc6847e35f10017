"""From ranked chunks to passages that tell where their scores come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from groundtone.catalog import Found, FoundChunk, Key
from groundtone.documents.spots import spot_at
from groundtone.index import Hit
from groundtone.retrieval.dating import asks_latest, end
from groundtone.retrieval.fusion import Parts, Sides
from groundtone.retrieval.naming import SHORT, lowered, strangers
from groundtone.retrieval.passage import Origin, Passage
from groundtone.retrieval.showing import joined, matching


@dataclass(frozen=True, slots=True)
class Trace:
    """What one search did.

    Attributes:
        passages: the first k.
        order: every live chunk that either search found, best first.
        dense, lexical: rank of each in each search, from 1.
        paths: of the live documents, by version.
    """

    passages: tuple[Passage, ...] = ()
    order: tuple[Key, ...] = ()
    dense: Mapping[Key, int] = field(default_factory=dict)
    lexical: Mapping[Key, int] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was found, in order. ``parts``, ``fused``: the score of each, in parts and whole."""

    sides: Sides
    parts: Mapping[Key, Parts]
    fused: Mapping[Key, float]
    order: Sequence[Key]


def by_names(found: Found, question: str, ranked: Ranked) -> Ranked:
    """The same, with less for documents that miss a name or a time which others know."""
    told = {v: one for v, one in found.live.items() if one.chunk_count > SHORT}
    paths = {v: one.path for v, one in told.items()}
    latest = told if asks_latest(question) else {}
    ends = {v: ended for v, one in latest.items() if (ended := end(one))}
    missing = strangers(question, paths, found.mentioning, ends)
    if not missing:
        return ranked
    parts, fused = dict(ranked.parts), dict(ranked.fused)
    for key, score in ranked.fused.items():
        if key[0] in missing:
            less = lowered(score, missing[key[0]])
            parts[key] = parts[key] | {"names": less}
            fused[key] = score + less
    return replace(ranked, parts=parts, fused=fused)


def traced(
    found: Found,
    ranked: Ranked,
    wanted: Sequence[Key],
    dense: Sequence[Hit],
    k: int,
    *,
    rerank: Callable[[Sequence[Key]], Mapping[Key, float]],
    tuned: str | None,
) -> Trace:
    """Look up what is wanted, all of it live; equal scores come in the order of paths.

    Args:
        dense: what the search by vectors found.
        k: passages.
        rerank: gives the first of these, in their order, scores of a re-ranker; none without one.
        tuned: name of the tuned retriever that searched.
    """
    sides, fused = ranked.sides, ranked.fused

    def place(key: Key) -> tuple[str, int, int]:
        document = found.live[key[0]]
        return document.path, document.source, key[1]

    order = sorted(wanted, key=lambda key: (-fused[key], place(key)))
    reranked = rerank(order)
    if reranked:
        first = sorted(reranked, key=lambda key: (-reranked[key], place(key)))
        order = [*first, *order[len(first) :]]
    ranks = _ranks(sides.dense), _ranks(sides.lexical)
    near = matching(dense)
    found.load(order[:k])
    passages = []
    for rank, key in enumerate(order[:k], 1):
        chunk = found.chunk(key)
        origin = Origin(
            ranks[0].get(key),
            ranks[1].get(key),
            ranked.parts[key],
            fused[key],
            reranked.get(key),
            tuned,
        )
        passages.append(
            as_passage(
                chunk,
                found.text(key[0], chunk.chunk.start, chunk.chunk.end),
                rank=rank,
                window=sides.window[key],
                near=near.get(key, set()),
                score=_score(origin, bool(reranked)),
                dense=sides.cosine.get(key),
                lexical=sides.lexical.get(key),
                origin=origin,
            )
        )
    paths = {version: document.path for version, document in found.live.items()}
    return Trace(tuple(passages), tuple(order), *ranks, paths)


def _ranks(scores: Mapping[Key, float]) -> dict[Key, int]:
    return {
        key: rank for rank, key in enumerate(sorted(scores, key=lambda key: (-scores[key], key)), 1)
    }


def _score(origin: Origin, reranking: bool) -> float:
    """0 to 1; with a re-ranker, what it has read is in the upper half."""
    fused = min(1.0, max(0.0, origin.fused))
    if not reranking:
        return fused
    return fused / 2 if origin.reranked is None else (1 + origin.reranked) / 2


def as_passage(
    found: FoundChunk,
    text: str,
    *,
    rank: int,
    window: int,
    near: Collection[int] = (),
    score: float = 0.0,
    dense: float | None = None,
    lexical: float | None = None,
    origin: Origin | None = None,
) -> Passage:
    """A chunk as a passage.

    Args:
        window: the number of the one that matched best.
        near: of others worth showing.
    """
    document, chunk = found.document, found.chunk
    page, box = spot_at(chunk.spots, *chunk.windows[window]) or (chunk.page, chunk.box)
    return Passage(
        rank=rank,
        text=text,
        score=score,
        document=document.path,
        title=document.title,
        section=chunk.section,
        headings=chunk.headings,
        page=page,
        start=chunk.start,
        end=chunk.end,
        box=box,
        version=document.version,
        chunk=chunk.ordinal,
        window=chunk.windows[window],
        dense=dense,
        lexical=lexical,
        origin=origin,
        shown=joined(chunk.windows[number] for number in {window, *near}),
        spots=chunk.spots,
        metadata=document.metadata,
    )
