"""A search in vector stores: passages, with the names and attributes of the files they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundtone.catalog.attached import AttachedFile
from groundtone.retrieval import Passage
from groundtone.server import citing, filtering
from groundtone.server.stores import StoreView

if TYPE_CHECKING:
    from groundtone.workspace import Workspace


def searched(
    workspace: Workspace,
    views: list[StoreView],
    queries: list[str],
    most: int,
    rule: dict[str, Any] | None,
    threshold: float,
) -> list[dict[str, Any]]:
    """The best passages of these stores for any of the queries, as results.

    Args:
        most: passages.
        rule: filter on attributes, as OpenAI writes it.
        threshold: least score of a result, 0 to 1.
    """
    best: dict[tuple[str, int], Passage] = {}
    for view in views:
        held = view.files() if rule is not None else []
        limits = filtering.limited(view.limits, held, rule)
        for query in queries:
            for passage in workspace.search(query, most, limits=limits):
                key = (passage.version, passage.chunk)
                if key not in best or passage.score > best[key].score:
                    best[key] = passage
    passages = sorted(best.values(), key=lambda passage: (-passage.score, passage.rank))[:most]
    passages = [passage for passage in passages if passage.score >= threshold]
    found = citing.results(passages)
    files = {citing.file_id(p.document, p.version) for p in passages if citing.uploaded(p.document)}
    attached: dict[str, AttachedFile] = {}
    for view in views if files else ():
        name = view.collection.name
        attached |= {one.file: one for one in workspace.catalog.attached(name, files=files)}
    for one in found:
        if one["file_id"] in attached:
            one["attributes"] = dict(attached[one["file_id"]].attributes)
    return found
