"""What an assistant can do with a workspace: search it, ask it, open a document of it.

Everything goes through one set of limits, so that a server for one group never shows another's
documents, whichever tool is called.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse
from groundtone.retrieval.visibility import visible

if TYPE_CHECKING:
    from groundtone.catalog import DocumentInfo
    from groundtone.index.filters import Filter
    from groundtone.workspace import Workspace

MOST_PASSAGES = 20
MOST_CHARACTERS = 20_000
"""Of a document at once; an assistant's context is worth more than one file."""


class Tools:
    """The tools of one workspace.

    Args:
        collections: whose documents alone are shown; None: of all.
        groups: of whoever asks; None is the owner, who sees everything.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        collections: Collection[str] | None = None,
        groups: Collection[str] | None = None,
    ) -> None:
        self._workspace = workspace
        self._collections = collections
        self._groups = groups

    def search(self, question: str, k: int = 5, where: list[str] | None = None) -> dict[str, Any]:
        """The passages for a question, best first, as ``search --json`` prints them.

        Raises:
            WrongUse: an empty question, or a condition that is none.
        """
        if not question.strip():
            raise WrongUse("The question is empty.", "Write a question.")
        found = self._workspace.search(
            question, min(max(k, 1), MOST_PASSAGES), limits=self._limits(where)
        )
        return {"passages": [passage.to_json() for passage in found]}

    def ask(self, question: str, where: list[str] | None = None) -> dict[str, Any]:
        """The answer with its citations, as ``ask --json`` prints it, without the passages."""
        told = self._workspace.ask(question, limits=self._limits(where)).to_json()
        return {key: value for key, value in told.items() if key != "passages"}

    def open_document(
        self, document: str, start: int = 0, end: int | None = None, source: str | None = None
    ) -> dict[str, Any]:
        """Text of a document, characters `start` to `end`, at most `MOST_CHARACTERS` of them.

        Args:
            document: its path under its source, as passages and citations give it.
            source: where two sources have a document of this path.

        Raises:
            WrongUse: no such document for whoever asks, or several.
        """
        found = self._find(document, source)
        start = max(0, min(start, found.characters))
        last = found.characters if end is None else max(start, min(end, found.characters))
        last = min(last, start + MOST_CHARACTERS)
        return {
            "document": found.path,
            "title": found.title,
            "media_type": found.media_type,
            "modified": found.modified or None,
            "start": start,
            "end": last,
            "characters": found.characters,
            "text": self._workspace.catalog.text(found.version, start, last),
        }

    def _limits(self, where: list[str] | None = None) -> Filter:
        return self._workspace.limits(
            where or (), collections=self._collections, groups=self._groups
        )

    def _find(self, path: str, source: str | None) -> DocumentInfo:
        """The document; one that may not be seen does not exist."""
        limits, catalog = self._limits(), self._workspace.catalog
        sources = {one.id: one.path for one in catalog.sources()}
        if source is not None:
            named = self._workspace.limits([f"source={source}"])
            limits = replace(limits, every=(*limits.every, *named.every))
        found = [
            one
            for one in catalog.documents()
            if one.path == path and visible(limits, one, sources[one.source])
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise WrongUse(f"There is no document {path!r}.", "Take a path that a search gave.")
        several = ", ".join(sorted(sources[one.source] for one in found))
        raise WrongUse(f"{path!r} is in several sources: {several}.", "Name one as `source`.")
