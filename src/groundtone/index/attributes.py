"""What can be asked of a document besides its text: where it lies, what it is, who may see it.

Each attribute is one label, ``name=value``, on every window of the document, so that a store can
compare it before it ranks. A document that names no groups is for everybody (``group=*``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from groundtone.errors import WrongUse
from groundtone.index.filters import Filter

BUILT_IN = ("type", "path", "source")
GROUP = "group"
GROUPS = "groups"  # the name in front matter and sidecar files
EVERYBODY = "*"
LONGEST = 200  # a longer value is text, not an attribute


def attributes(
    path: str, source: str, media_type: str, metadata: Mapping[str, Any]
) -> tuple[str, ...]:
    """The labels of one document, in a fixed order.

    Args:
        path: under its source; every folder above it is a label too.
        source: as the workspace knows it.
        media_type: ``application/pdf`` gives ``type=application/pdf`` and ``type=pdf``.
        metadata: front matter or sidecar: text, numbers, truth values and lists of these become
            labels, with names and values in lower case; ``groups`` says who may see it: a list, or
            a text with commas between.
    """
    kind = media_type.rpartition("/")[2].removeprefix("x-").rpartition(".")[2]
    names = [f"type={media_type}", f"type={kind}", f"source={source}"]
    parts = path.split("/")
    names += [f"path={'/'.join(parts[: end + 1])}" for end in range(len(parts))]
    for name, value in metadata.items():
        if name.casefold() not in (GROUPS, GROUP, *BUILT_IN):
            names += [f"{name.casefold()}={text}" for text in _texts(value)]
    named = [
        value.split(",") if isinstance(value, str) else value
        for name, value in metadata.items()
        if name.casefold() in (GROUPS, GROUP)
    ]
    groups = set(_texts(named))
    if not named or groups == {EVERYBODY}:
        names.append(f"{GROUP}={EVERYBODY}")
    else:  # an empty list lets nobody but the owner see it
        names += [f"{GROUP}={text}" for text in groups - {EVERYBODY}]
    return tuple(sorted(set(names)))


def wanted(
    conditions: Sequence[str] = (),
    *,
    groups: Collection[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    known: Iterable[str] = (),
) -> Filter:
    """The filter for what a user asks.

    Args:
        conditions: each ``name=value``, or ``name=one|two`` for either; all must hold.
        groups: of the caller; None is the owner, who sees everything.
        since, until: ISO dates (``2026-03-01``), both included.
        known: names that documents have besides `BUILT_IN`; any, if empty.

    Raises:
        WrongUse: a condition without ``=``, an unknown name, or no date.
    """
    every = []
    names = {*BUILT_IN, *known}
    for condition in conditions:
        name, equals, values = condition.partition("=")
        name = name.strip().casefold()
        if not equals or not name or not values.strip():
            raise WrongUse(
                f"The condition {condition!r} is not of the form name=value.",
                "Write for instance --where type=pdf or --where team=support|sales.",
            )
        if known and name not in names:
            raise WrongUse(
                f"No document has an attribute {name!r} (there are: {', '.join(sorted(names))}).",
                "Correct the name; front matter and sidecar files give documents attributes.",
            )
        every.append(frozenset(f"{name}={_asked(name, v)}" for v in values.split("|") if v.strip()))
    if groups is not None:
        seen = {EVERYBODY, *(group.strip().casefold() for group in groups)}
        every.append(frozenset(f"{GROUP}={group}" for group in seen))
    return Filter(tuple(every), _seconds(since, "since"), _seconds(until, "until", end=True))


def _asked(name: str, value: str) -> str:
    value = value.strip()
    return value.strip("/") if name == "path" else value if name == "source" else value.casefold()


def _texts(value: Any) -> list[str]:
    """A metadata value as label texts; what is no short scalar gives none."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return [str(value).casefold()]
    if isinstance(value, (str, int, float)):
        text = " ".join(str(value).split()).casefold()
        return [text] if 0 < len(text) <= LONGEST else []
    return []


def moment(modified: str) -> int:
    """Seconds since 1970 of an ISO date as the catalog keeps it; 0 where it is not known."""
    return _seconds(modified, "modified") or 0 if modified else 0


def _seconds(date: str | None, field: str, *, end: bool = False) -> int | None:
    if date is None:
        return None
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        raise WrongUse(
            f"{field} {date!r} is not a date.", "Write it like 2026-03-01 or 2026-03-01T12:00."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole_day = end and len(date) <= len("2026-03-01")
    return int(moment.timestamp()) + (86_399 if whole_day else 0)
