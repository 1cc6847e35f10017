"""What the settings say of documents by their paths: ``[[attributes]]`` in ``groundtone.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from groundtone.index.attributes import GROUP, GROUPS
from groundtone.syncing.patterns import matches, whole

if TYPE_CHECKING:
    from groundtone.settings import Settings


@dataclass(frozen=True, slots=True)
class PathRules:
    """Which attributes the documents at which paths get; can be pickled.

    Attributes:
        rules: patterns of paths, and what is told of those that match; later ones win.
    """

    rules: tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the settings."""
        return cls(tuple((whole(rule.path), rule.told()) for rule in settings.attributes))

    def told(self, path: str) -> dict[str, Any]:
        """What is said of a path."""
        said: dict[str, Any] = {}
        for pattern, told in self.rules:
            if matches(path, [pattern]):
                said = overruled(said, told)
        return said

    def over(self, path: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of a document: by itself, and over that by the rules."""
        return overruled(metadata, self.told(path))

    def alike(self, before: str, now: str, names: Iterable[str]) -> bool:
        """Whether a file's documents are told the same at two paths of the file.

        Args:
            names: of the documents inside it; "" for the file itself.
        """
        if not self.rules or before == now:
            return True
        return all(
            self.told(inside(before, name)) == self.told(inside(now, name)) for name in names
        )

    def again(self, before: str, now: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of a document that cannot be read again, at another path or by other rules.

        What it says itself of a name that the rules told at its path before is not known any more.
        Where that is its groups, nobody may see it until it has been read.
        """
        then, told = self.told(before), self.told(now)
        if then == told:
            return overruled(metadata, told)
        lost = _names(then) - _names(told)
        kept = {name: value for name, value in metadata.items() if name.casefold() not in lost}
        if lost & {GROUP, GROUPS}:
            kept[GROUPS] = []
        return overruled(kept, told)


def inside(file: str, name: str) -> str:
    """The path of a document in a file; the file's own where it is the file itself."""
    return f"{file}!/{name}" if name else file


def overruled(metadata: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata, and over that what something else says of the document."""
    names = _names(told)
    return {k: v for k, v in metadata.items() if k.casefold() not in names} | dict(told)


def _names(told: Mapping[str, Any]) -> set[str]:
    names = {name.casefold() for name in told}
    return names | {GROUP, GROUPS} if names & {GROUP, GROUPS} else names
