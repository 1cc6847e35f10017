"""Patterns for paths: globs, and the lines of ignore files (https://git-scm.com/docs/gitignore).

Written here, because what git does with a folder that one line leaves out and another takes back
needs each line matched against the path itself, never against the folders above it; the tests hold
it against git.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Patterns:
    """The lines of one ignore file, compiled: a few regular expressions, however many lines."""

    def __init__(self, lines: Iterable[str]) -> None:
        rules = [rule for line in lines if (rule := _rule(line)) is not None]
        self._groups: list[tuple[bool, re.Pattern[str] | None, re.Pattern[str]]] = []
        for ignores, group in groupby(reversed(rules), key=lambda rule: rule[0]):
            some = list(group)
            for_files = [regex for _, folders_only, regex in some if not folders_only]
            for_folders = [regex for _, _, regex in some]
            self._groups.append(
                (ignores, _any(for_files) if for_files else None, _any(for_folders))
            )

    def decide(self, path: str, *, folder: bool) -> bool | None:
        """Whether a path under the file's folder is left out (True), taken back, or not named.

        The last line that matches decides.
        """
        for ignores, for_files, for_folders in self._groups:
            pattern = for_folders if folder else for_files
            if pattern is not None and pattern.fullmatch(path):
                return ignores
        return None


def whole(glob: str) -> re.Pattern[str]:
    """A glob of the settings as a pattern for whole paths.

    One without "/" is for names in any folder, and a folder's glob takes all inside.
    """
    glob = glob.strip("/")
    if "/" not in glob:
        glob = f"**/{glob}"
    made = translate(glob)
    return re.compile((re.escape(glob) if made is None else made) + "(?:/.*)?", re.DOTALL)


def matches(path: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    """Whether one of some patterns is for this path."""
    return any(pattern.fullmatch(path) for pattern in patterns)


def translate(glob: str) -> str | None:
    """A glob as a regular expression for the whole of what it matches.

    ``*`` and ``?`` stay inside a folder, ``**`` between slashes crosses folders, ``[…]`` is one of
    some characters, and a backslash takes the next character as it is.

    Returns:
        None for a glob that can match nothing: an open bracket, or a backslash at its end.
    """
    made, at = list[str](), 0
    while at < len(glob):
        letter = glob[at]
        if letter == "*":
            end = at
            while end < len(glob) and glob[end] == "*":
                end += 1
            alone = (at == 0 or glob[at - 1] == "/") and (end == len(glob) or glob[end] == "/")
            if end - at < 2 or not alone:
                made.append("[^/]*")
            elif end == len(glob):
                made.append(".*")
            else:
                made.append("(?:.*/)?")
                end += 1
            at = end
        elif letter == "[":
            found = _bracket(glob, at + 1)
            if found is None:
                return None
            made.append(found[0])
            at = found[1]
        elif letter == "\\":
            if at + 1 == len(glob):
                return None
            made.append(re.escape(glob[at + 1]))
            at += 2
        else:
            made.append("[^/]" if letter == "?" else re.escape(letter))
            at += 1
    return "".join(made)


def _rule(line: str) -> tuple[bool, bool, str] | None:
    """A line: whether it ignores, whether folders only, and its expression; None for no rule."""
    line = line.rstrip("\r\n")
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    glob = line if ignores else line[1:]
    folders_only = glob.endswith("/")
    if folders_only:
        glob = glob[:-1]
    anywhere = "/" not in glob
    regex = translate(glob.removeprefix("/"))
    if regex is None or not glob:
        return None
    return ignores, folders_only, f"(?:.*/)?{regex}" if anywhere else regex


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """What stands in brackets, from behind the opening one: its expression, and where it ends."""
    negated = glob[at : at + 1] in ("!", "^")
    at += negated
    parts, first = list[str](), at
    while at < len(glob):
        letter = glob[at]
        if letter == "]" and at > first:
            inside = "".join(parts)
            return f"(?!/)[{'^' if negated else ''}{inside}]", at + 1
        if glob.startswith("[:", at) and (end := glob.find(":]", at)) > 0:
            if glob[at + 2 : end] not in _CLASSES:
                return None
            parts.append(_CLASSES[glob[at + 2 : end]])
            at = end + 2
            continue
        low, at = _letter(glob, at)
        if glob[at : at + 1] == "-" and glob[at + 1 : at + 2] not in ("", "]"):
            high, at = _letter(glob, at + 1)
            if low <= high:
                parts.append(f"{_escape(low)}-{_escape(high)}")
            continue
        parts.append(_escape(low))
    return None


def _letter(glob: str, at: int) -> tuple[str, int]:
    if glob[at] == "\\" and at + 1 < len(glob):
        return glob[at + 1], at + 2
    return glob[at], at + 1


def _escape(letter: str) -> str:
    return f"\\{letter}" if letter in "\\]^-[&~|" else letter


def _any(expressions: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in expressions), re.DOTALL)
