"""Who looks at a page, and what they may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundtone.index.attributes import wanted
from groundtone.retrieval.visibility import visible

if TYPE_CHECKING:
    from groundtone.catalog import DocumentInfo, Source
    from groundtone.catalog.keys import ApiKey
    from groundtone.index.filters import Filter
    from groundtone.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at a browser.

    Attributes:
        key: id of the key they signed in with; None is the owner of a workspace without keys.
        scopes: of ``chat``, ``files``, ``tune``, ``admin``; ``admin`` holds the others.
        collections, groups: what they may see; None is everything.
    """

    key: str | None = None
    scopes: frozenset[str] = frozenset({"admin"})
    collections: frozenset[str] | None = None
    groups: frozenset[str] | None = None

    @classmethod
    def of(cls, key: ApiKey) -> Visitor:
        """Whoever holds this key."""
        return cls(
            key.id,
            frozenset(key.scopes),
            None if key.collections is None else frozenset(key.collections),
            None if key.groups is None else frozenset(key.groups),
        )

    def may(self, scope: str) -> bool:
        """Whether something that needs this scope is allowed."""
        return bool({scope, "admin"} & self.scopes)

    @property
    def unlimited(self) -> bool:
        """Whether they see every document."""
        return self.collections is None and self.groups is None

    @property
    def only_own(self) -> str | None:
        """The key whose models alone they see beside everybody's; None: all models."""
        return None if self.unlimited or "admin" in self.scopes else self.key

    def may_see(self, document: DocumentInfo, source: Source) -> bool:
        """Whether a document is theirs to see: its collection, and one of its groups."""
        if self.collections is not None and source.collection not in self.collections:
            return False
        return visible(wanted(groups=self.groups), document, source.path)

    def limits(self, workspace: Workspace, collection: str = "") -> Filter:
        """What their questions may draw on; `collection` narrows it to one."""
        wanted = self.collections
        if collection:
            wanted = frozenset({collection} & wanted if wanted is not None else {collection})
        return workspace.limits(
            groups=self.groups, collections=None if wanted is None else tuple(sorted(wanted))
        )


class Sight:
    """The documents that a visitor may see, looked up once for one view of a page."""

    def __init__(self, workspace: Workspace, visitor: Visitor) -> None:
        self._workspace, self._visitor = workspace, visitor
        self._sources = {source.id: source for source in workspace.catalog.sources()}

    def document(self, version: str) -> DocumentInfo | None:
        """A live document, or None where there is none that they may see."""
        found = self._workspace.catalog.document(version)
        return found if found is not None and self.allows(found) else None

    def allows(self, document: DocumentInfo) -> bool:
        """Whether they may see it."""
        source = self._sources.get(document.source)
        return source is not None and self._visitor.may_see(document, source)

    def source(self, document: DocumentInfo) -> Source:
        """Where it comes from."""
        return self._sources[document.source]

    def answer(self, answer: dict[str, Any]) -> bool:
        """Whether every passage that an answer drew on is theirs to see."""
        if self._visitor.unlimited:
            return True
        versions: Iterable[str] = {str(p.get("version", "")) for p in answer["passages"]}
        return all(self.document(version) is not None for version in versions)
