"""What there is to know of one provider of object storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Reason = tuple[str, str]
"""Why something could not be had, and what to do."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    Attributes:
        scheme: what its addresses begin with, and the section of the settings: ``s3``.
        name: what its buckets may be called.
        open: makes pyarrow's file system; told what the section says. The server is not asked yet.
        reasons: what is said where an error's text matches; the first that does.
    """

    scheme: str
    name: re.Pattern[str]
    open: Callable[[Any], Any]
    reasons: tuple[tuple[re.Pattern[str], Reason], ...]

    def why(self, said: str) -> Reason | None:
        """Why something could not be had, from an error's text; None: it is not known."""
        return next((reason for pattern, reason in self.reasons if pattern.search(said)), None)


def reasons(section: str, keys: str, wordings: Mapping[str, str]) -> tuple[Any, ...]:
    """The usual reasons, as one provider's clients word them.

    Args:
        section: of the settings.
        keys: how keys are set.
        wordings: patterns of errors' texts, by what they mean: ``denied``, ``unknown`` (keys),
            ``wrong`` (keys), ``none`` (there are no keys), ``away``, ``nothing``.
    """
    told = {
        "denied": ("access is denied", keys),
        "unknown": ("the access key is not known there", keys),
        "wrong": ("the secret key is not the access key's", keys),
        "none": ("no keys are set", keys),
        "away": (
            "the server does not answer",
            f"Correct [{section}] endpoint, or try again later.",
        ),
        "nothing": ("there is nothing there", f"Correct the address, or [{section}] endpoint."),
    }
    return tuple((re.compile(pattern), told[meaning]) for meaning, pattern in wordings.items())
