"""What documents are made with, in a word: when it changes, they are made again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from groundtone.settings import Settings

READERS = 4
"""To be raised whenever a reader, or chunking, makes something else of the same bytes. The next
sync of every workspace then reads its files again; only windows whose text is new are embedded."""
LABELS = 3
"""To be raised whenever `groundtone.index.attributes` gives other labels to the same document."""
MOVED = "+moved"
"""Behind the recipe of documents that came to another source, and before the folder where they lie
there: their labels are still the old."""


def recipe(settings: Settings) -> str:
    """What documents are made with: readers, sizes and labels."""
    sizes = json.dumps(settings.chunking.model_dump(), sort_keys=True)
    rules = json.dumps([rule.model_dump(mode="json") for rule in settings.attributes])
    labels = f"{LABELS}.{_short(rules)}" if settings.attributes else str(LABELS)
    return f"{READERS}-{_short(sizes)}-{labels}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def same_labels(one: str, other: str) -> bool:
    """Whether two recipes give a document the same labels."""
    return one.split("-", 2)[-1] == other.split("-", 2)[-1]


def changed(before: str, now: str) -> list[str]:
    """What makes a recipe another one, in the words of a user."""
    old, new = unmoved(before).split("-", 2), now.split("-", 2)
    if len(old) != len(new):  # of documents that the rules were told over without reading them
        return ["[[attributes]]"]
    (readers, sizes, labels), (readers_now, sizes_now, labels_now) = old, new
    kinds, _, rules = labels.partition(".")
    kinds_now, _, rules_now = labels_now.partition(".")
    found = {
        "the readers": (readers, kinds) != (readers_now, kinds_now),
        "[chunking]": sizes != sizes_now,
        "[[attributes]]": rules != rules_now,
    }
    return [what for what, differs in found.items() if differs]


def moved_to(folder: str) -> str:
    """The mark behind the recipe of documents that came into this folder of another source."""
    return MOVED + quote(folder)  # it has no plus sign then, so that marks can be told apart


def unmoved(recipe: str) -> str:
    """A recipe without such marks."""
    return recipe.partition(MOVED)[0]


def labelled_at(recipe: str, path: str) -> str:
    """The path at which a document got its labels.

    Args:
        path: where it is now.
    """
    for folder in reversed(recipe.split(MOVED)[1:]):
        path = path.removeprefix(f"{unquote(folder)}/")
    return path


def attempt(settings: Settings) -> str:
    """What a file that failed was tried with: the recipe, and the limits of reading."""
    limits = settings.sync
    return f"{recipe(settings)}-{limits.max_bytes}-{limits.read_seconds:g}-{limits.read_mb}"


def version(
    source: int, path: str, sha256: str, fingerprint: str, made_with: str, again: int = 0
) -> str:
    """The id of this content in this place: two clean builds make the same index.

    Args:
        again: counts up while the id is taken: by a document that was moved away from here.
    """
    parts = (source, path, sha256, fingerprint, made_with, *([again] if again else ()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
