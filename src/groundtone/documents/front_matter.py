"""What a text file says about itself at its top: YAML between ``---`` or TOML between ``+++``."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from groundtone.errors import UnreadableFile

GROUPS = ("group", "groups")
"""Names of what says who may see a document."""
_LONGEST = 50_000
# Where a name may stand in YAML and TOML, at the beginning of a line or in braces.
_GROUPS = re.compile(
    r"(?:^|[\r\n\x85\u2028\u2029{,])[ \t?-]*[\"']?groups?[\"']?\s*[:=]", re.IGNORECASE
)
_WHO_MAY_SEE = "its front matter names groups, who may see it"
_BRACKETS = re.compile(r"[\[\]{}]")
_DEEPEST_BRACKETS = 30
_DEEPEST = 6
_LONGEST_LIST = 1_000


class FrontMatter(NamedTuple):
    """What was read of a file's top.

    Attributes:
        body: number of the first line after it; 0 without front matter.
        fields: keys in lower case, values such as JSON can hold, dates as ISO text.
        notes: what could not be read.
    """

    body: int = 0
    fields: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    notes: tuple[str, ...] = ()


def front_matter(path: Path, text: str, starts: Sequence[int]) -> FrontMatter:
    """Read a file's front matter, which may stand below empty lines.

    What is not valid YAML or TOML, as templates often are, gives its title alone, and a note.

    Args:
        text: the decoded file.
        starts: where each line begins, and the text's end.

    Raises:
        UnreadableFile: it cannot be read and names groups: it says who may see the file.
    """
    lines = range(len(starts) - 1)
    opened = next((n for n in lines if text[starts[n] : starts[n + 1]].strip()), 0)
    fence = text[starts[opened] : starts[opened + 1]].rstrip() if lines else ""
    if fence not in ("---", "+++"):
        return FrontMatter()
    closers = ("---", "...") if fence == "---" else ("+++",)
    begin = starts[opened + 1]
    for number in lines[opened + 1 :]:
        if text[starts[number] : starts[number + 1]].rstrip() in closers:
            source = text[begin : starts[number]]
            return _read(path, source, fence, number + 1, below=opened > 0)
    if _names_groups(text[begin : begin + _LONGEST]):
        raise UnreadableFile(path, f"{_WHO_MAY_SEE}, but is never closed by a line {fence}")
    return FrontMatter()


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
        elif name in GROUPS:
            found[name] = []  # nothing was said after the colon: nobody
    named = found.get("title")
    if named is not None and not isinstance(named, str):
        found["title"] = json.dumps(named, ensure_ascii=False)
    return found


def _read(path: Path, source: str, fence: str, body: int, *, below: bool) -> FrontMatter:
    """What stands between two fences. ``below``: empty lines, where it may also be text between
    two rules."""
    form = "toml" if fence == "+++" else "yaml"
    try:
        if len(source) >= _LONGEST:
            raise ValueError(f"it has {_LONGEST:,} characters or more")
        return FrontMatter(body, fields(source, form))
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200] or "it is nested too deeply"
    if _names_groups(source):
        raise UnreadableFile(path, f"{_WHO_MAY_SEE}, but cannot be read as {form.upper()}: {why}")
    if below:
        return FrontMatter()
    title = _title(source[:_LONGEST], ":" if fence == "---" else "=")
    told = any(line.strip() and line.strip()[0] != "#" for line in source.splitlines())
    note = f"its front matter cannot be read as {form.upper()}, but for its title: {why}"
    return FrontMatter(body, {"title": title} if title else {}, (note,) if told else ())


def _names_groups(source: str) -> bool:
    return _GROUPS.search(source) is not None


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
    except (yaml.YAMLError, TypeError, OverflowError, LookupError, AttributeError) as error:
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
