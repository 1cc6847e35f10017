"""What a text file says about itself at its top: YAML between ``---`` or TOML between ``+++``."""

from __future__ import annotations

import contextlib
import json
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

_LONGEST = 50_000
_BRACKETS = re.compile(r"[\[\]{}]")
_DEEPEST_BRACKETS = 30
_DEEPEST = 6
_LONGEST_LIST = 1_000


def front_matter(text: str, starts: Sequence[int]) -> tuple[int, dict[str, Any]]:
    """Read a file's front matter.

    Args:
        text: the decoded file.
        starts: where each line begins, and the text's end.

    Returns:
        Number of the first line after it (0 without), and its fields: keys in lower case, values
        such as JSON can hold, dates as ISO text. What is not valid YAML or TOML, as templates
        often are, gives its title alone.
    """
    fence = text[: starts[1]].strip() if len(starts) > 1 else ""
    if fence not in ("---", "+++") or text[:1].isspace():
        return 0, {}
    closers = ("---", "...") if fence == "---" else ("+++",)
    for number in range(1, len(starts) - 1):
        if text[starts[number] : starts[number + 1]].rstrip() in closers:
            source = text[starts[1] : starts[number]]
            return number + 1, _fields(source, fence) if len(source) < _LONGEST else {}
    return 0, {}


def fields(source: str, form: str) -> dict[str, Any]:
    """A table of names and values: names in lower case, values such as JSON can hold.

    Args:
        form: "yaml", "toml" or "json".

    Raises:
        ValueError: it is no such table.
        RecursionError: it is nested too deeply.
    """
    read: dict[str, Callable[[str], Any]] = {
        "yaml": _yaml,
        "toml": tomllib.loads,
        "json": json.loads,
    }
    loaded = read[form](source)
    if not isinstance(loaded, dict):
        raise ValueError("it is no table of names and values")
    found: dict[str, Any] = {}
    for key, value in loaded.items():
        name = _clean(str(key)).strip().lower()
        if name and value is not None:
            found[name] = _jsonable(value, 0)
    named = found.get("title")
    if named is not None and not isinstance(named, str):
        found["title"] = json.dumps(named, ensure_ascii=False)
    return found


def _fields(source: str, fence: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        return fields(source, "toml" if fence == "+++" else "yaml")
    title = _title(source, ":" if fence == "---" else "=")
    return {"title": title} if title else {}


def _yaml(source: str) -> Any:
    import yaml

    depth = deepest = 0
    for sign in _BRACKETS.findall(source):
        depth += 1 if sign in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST_BRACKETS:
        return None  # each level costs the parser time at every further word
    try:
        # A few lines of aliases to aliases stand for gigabytes.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source)):
            return None
        return yaml.safe_load(source)
    except (yaml.YAMLError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _jsonable(value: Any, depth: int) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _clean(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {_clean(str(key)): _jsonable(one, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_jsonable(one, depth + 1) for one in list(value)[:_LONGEST_LIST]]
    return value.isoformat() if hasattr(value, "isoformat") else _clean(str(value))


def _clean(text: str) -> str:
    """Without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _title(source: str, mark: str) -> str:
    for line in source.splitlines():
        name, found, value = line.partition(mark)
        if found and name.rstrip().lower() == "title":
            return _clean(_scalar(value.strip()))
    return ""


def _scalar(value: str) -> str:
    if value[:1] == '"':
        try:
            return " ".join(str(json.loads(value)).split())
        except ValueError:
            return value.strip('"')
    if value[:1] == "'":
        return value[1:].rstrip("'").replace("''", "'")
    return "" if value[:1] in "|>&*{[" else value
