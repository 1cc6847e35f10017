"""OpenAI's filters on attributes: which files pass, decided before anything is ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundtone.server.errors import ApiError

if TYPE_CHECKING:
    from groundtone.index.filters import Filter
    from groundtone.server.stores import Held

DEEPEST = 8
MOST = 20_000  # documents that a filter may leave; a store compares each by its path

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, value: _folded(held) == _folded(value),
    "ne": lambda held, value: _folded(held) != _folded(value),
    "gt": lambda held, value: held > value,
    "gte": lambda held, value: held >= value,
    "lt": lambda held, value: held < value,
    "lte": lambda held, value: held <= value,
    "in": lambda held, value: _folded(held) in [_folded(one) for one in value],
    "nin": lambda held, value: _folded(held) not in [_folded(one) for one in value],
}


def passes(attributes: Mapping[str, Any], rule: Mapping[str, Any], where: str = "filters") -> bool:
    """Whether a file with these attributes passes; one without the attribute passes no comparison.

    Args:
        rule: ``{"type": "eq", "key", "value"}``, or ``{"type": "and" or "or", "filters": […]}``.

    Raises:
        ApiError: 400, naming the part that is none.
    """
    kind = rule.get("type")
    if kind in ("and", "or"):
        parts = rule.get("filters")
        if not isinstance(parts, list) or not parts or where.count(".") > 2 * DEEPEST:
            raise _fault(where, "needs a list of filters")
        # Each is looked at, so that a wrong one is told whatever the others say.
        found = [
            passes(attributes, part if isinstance(part, Mapping) else {}, f"{where}.filters.{n}")
            for n, part in enumerate(parts)
        ]
        return all(found) if kind == "and" else any(found)
    key, value = rule.get("key"), rule.get("value")
    if kind not in COMPARE:
        raise _fault(f"{where}.type", f"must be and, or, or one of {', '.join(COMPARE)}")
    if not isinstance(key, str):
        raise _fault(f"{where}.key", "must be the name of an attribute")
    if kind in ("in", "nin") and not isinstance(value, list):
        raise _fault(f"{where}.value", "must be a list")
    if kind not in ("in", "nin") and not isinstance(value, str | int | float | bool):
        raise _fault(f"{where}.value", "must be a text, a number or a truth value")
    if key not in attributes:
        return False
    try:
        return COMPARE[kind](attributes[key], value)
    except TypeError:
        return False  # a text is neither more nor less than a number


def limited(limits: Filter, held: list[Held], rule: Mapping[str, Any] | None) -> Filter:
    """The limits, and only documents of the files that pass.

    Args:
        held: the files that the asker may see.

    Raises:
        ApiError: 400, the filter is none.
    """
    if rule is None:
        return limits
    passes({}, rule)
    labels = frozenset(
        f"path={document.path}"
        for file in held
        if passes(file.attributes, rule)
        for document in file.documents
    )
    if len(labels) > MOST:
        raise _fault("filters", f"more than {MOST:,} documents pass")
    return replace(limits, every=(*limits.every, labels))


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _fault(where: str, what: str) -> ApiError:
    return ApiError(400, f"{where}: {what}.", param=where, code="invalid_value")
