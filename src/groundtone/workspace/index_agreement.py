"""Whether a new index is whole and finds what the old one finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from groundtone.errors import GroundtoneError
from groundtone.index import Index
from groundtone.syncing.writing import windows_of

if TYPE_CHECKING:
    import numpy as np

    from groundtone.index import Hit
    from groundtone.workspace.workspace import Workspace

SAMPLE = 24  # windows asked for in both stores
NEAREST = 10
CLOSE = 1e-3  # two cosines this near are the same: stores keep vectors in different precision
LEAST = 0.9  # of the nearest windows that must be found again; graphs find nearly all


def verified(workspace: Workspace, old: Index, new: Index, windows: int) -> tuple[int, float]:
    """See that the new index is whole and finds what the old one finds.

    Counts must be equal, the vectors of sampled windows the same, and of the windows nearest to
    each sampled one, nearly all must be found again (both stores may search by a graph).
    """
    live = workspace.catalog.versions()
    held = new.count()
    if held != windows:
        raise _unlike(f"it holds {held:,} windows, not {windows:,}")
    agreements: list[float] = []
    for id, text in _sampled(workspace):
        first = old.vectors([id]).get(id)
        second = new.vectors([id]).get(id)
        if first is None or second is None or float(_unit(first) @ _unit(second)) < 1 - CLOSE:
            raise _unlike("a sampled window has another vector")
        # Both are asked for more, so that windows of replaced documents do not take places.
        wanted = [hit for hit in old.dense(first, 2 * NEAREST) if hit.version in live][:NEAREST]
        agreements.append(_agreement(wanted, new.dense(first, 2 * NEAREST)))
        words = " ".join(text.split()[-12:])
        if old.lexical(words, NEAREST) and not new.lexical(words, NEAREST):
            raise _unlike("it does not find a sampled window by its words")
    agreement = sum(agreements) / len(agreements) if agreements else 1.0
    if agreement < LEAST:
        raise _unlike(f"it finds only {agreement:.0%} of the windows that the present one finds")
    return len(agreements), agreement


def _agreement(wanted: Sequence[Hit], found: Sequence[Hit]) -> float:
    """Share of the wanted that was found, or is as good as the last that was."""
    if not wanted or not found:
        return float(not wanted)
    places = {(hit.version, hit.chunk, hit.window) for hit in found}
    last = found[-1].score + CLOSE
    met = [(hit.version, hit.chunk, hit.window) in places or hit.score <= last for hit in wanted]
    return sum(met) / len(met) if len(found) >= len(wanted) else 0.0


def _sampled(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Ids and texts of one window of each of some documents, spread over all of them."""
    documents = [one for one in workspace.catalog.documents() if one.chunk_count]
    step = max(1, len(documents) // SAMPLE)
    for number, info in enumerate(documents[::step][:SAMPLE]):
        document = workspace.catalog.stored(info.version)
        windows = list(windows_of(document, "")) if document is not None else []
        if windows:
            window = windows[number % len(windows)]
            yield window.id, window.text


def _unit(vector: np.ndarray) -> np.ndarray:
    import numpy as np

    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _unlike(why: str) -> GroundtoneError:
    return GroundtoneError(
        f"The new index is not like the present one: {why}.",
        "The present one is still in use. Move again, which copies everything anew.",
    )
