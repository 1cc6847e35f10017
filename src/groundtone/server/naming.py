"""What a model's name means: plain chat, or answers from collections by a model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundtone.errors import WrongUse
from groundtone.server.auth import Principal
from groundtone.server.errors import ApiError
from groundtone.workspace.owners import hidden_models

if TYPE_CHECKING:
    from groundtone.catalog import NamedCollection
    from groundtone.index.filters import Filter
    from groundtone.workspace import Workspace

DOCS = "docs"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for.

    Attributes:
        name: the model as the client named it.
        model: the chat model that writes.
        documents: whether it answers from documents.
        collection: the one named; None: all that the asker may use.
    """

    name: str
    model: str
    documents: bool
    collection: str | None = None


def named(workspace: Workspace, principal: Principal, name: str) -> Target:
    """The target of this name.

    Args:
        name: ``docs``, ``docs:COLLECTION``, either with ``+MODEL``; or a chat model: the base, a
            tuned one by its name, suffix or id.

    Raises:
        ApiError: 404, if there is none that this asker may use. Which of both, is not told. 400, if
            it embeds and writes nothing.
    """
    if name == workspace.settings.embedding.model:
        raise ApiError(400, f"The model {name!r} only embeds; it cannot chat.", param="model")
    place, plus, model = name.partition("+")
    if place == DOCS or place.startswith(f"{DOCS}:"):
        collection = place.partition(":")[2] or None
        if place == DOCS or (collection and exists(workspace, principal, collection)):
            chat = _chat(workspace, principal, name, model if plus else None)
            return Target(name, chat, True, collection)
        raise unknown(name)
    return Target(name, _chat(workspace, principal, name, name), False)


def exists(workspace: Workspace, principal: Principal, collection: str) -> bool:
    """Whether there is such a collection for this asker."""
    return found(workspace, principal, collection) is not None


def found(workspace: Workspace, principal: Principal, name: str) -> NamedCollection | None:
    """The collection of this name; None if there is none for this asker.

    One that the asker may not use is not looked up at all: how long that takes tells nothing.
    """
    return workspace.catalog.collection(name) if principal.may_use(name) else None


def collections(workspace: Workspace, principal: Principal) -> list[str]:
    """The names of the collections that this asker may use; no others are looked up."""
    if principal.collections is None:
        return [one.name for one in workspace.collections()]
    return [name for name in principal.collections if exists(workspace, principal, name)]


def limits(
    workspace: Workspace,
    principal: Principal,
    collection: str | None = None,
    where: Sequence[str] = (),
) -> Filter:
    """What an answer or a search of this asker may draw on.

    Args:
        collection: one that exists for the asker; None: all that it may use.
        where: further conditions, as in `Workspace.limits`.
    """
    names: Collection[str] | None = None
    if collection is not None:
        names = (collection,)
        if principal.collections is None and _is_all(workspace, collection):
            names = None  # nothing to leave out; comparing labels takes a store most of its time
    elif principal.collections is not None:
        names = collections(workspace, principal)  # one of its own may be gone
    return workspace.limits(where, groups=principal.groups, collections=names)


def _is_all(workspace: Workspace, collection: str) -> bool:
    return all(source.collection == collection for source in workspace.catalog.sources())


def unknown(name: str) -> ApiError:
    """That there is no such model for whoever asks."""
    return ApiError(
        404, f"The model {name!r} does not exist here.", param="model", code="model_not_found"
    )


def _chat(workspace: Workspace, principal: Principal, whole: str, model: str | None) -> str:
    try:
        name = workspace.model_name(model)
    except WrongUse:
        raise unknown(whole) from None
    if model is not None and name in hidden_models(workspace, principal.only_own):
        raise unknown(whole)
    return name
