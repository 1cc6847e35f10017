"""Changes to ``groundtone.toml`` that leave what a person wrote there as it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from groundtone.errors import SettingsError

_SECTION = re.compile(r"\s*\[")
_VALUE = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"'\n]*?)(?=\s*(?:#|$))""")


def write(path: Path, section: str, values: Mapping[str, str]) -> None:
    """Set texts of one section, at once or not at all.

    Comments stay; a default that stands there as a comment (``# name = …``) is uncommented.

    Raises:
        SettingsError: the file is written in a way in which this cannot be done.
    """
    before = path.read_text("utf-8") if path.exists() else ""
    after = changed(before, section, values)
    try:
        wanted = tomllib.loads(before)
        wanted.setdefault(section, {}).update(values)
        right = tomllib.loads(after) == wanted
    except (tomllib.TOMLDecodeError, AttributeError):
        right = False
    if not right:
        lines = "\n".join(f"{name} = {_quoted(value)}" for name, value in values.items())
        raise SettingsError(
            f"{path} is written in a way in which it cannot be changed for you.",
            f"Write these lines into its section [{section}]:\n{lines}",
        )
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path.resolve())
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def changed(text: str, section: str, values: Mapping[str, str]) -> str:
    """The text of a settings file with these values in a section."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    header = re.compile(rf"\s*\[\s*{re.escape(section)}\s*\]\s*(?:#.*)?$")
    start = next((n for n, line in enumerate(lines) if header.match(line)), None)
    if start is None:
        lines += ["\n"] if lines else []
        lines += [f"[{section}]\n"]
        start = len(lines) - 1
    for name, value in values.items():
        following = range(start + 1, len(lines))
        end = next((n for n in following if _SECTION.match(lines[n])), len(lines))
        _set(lines, start, end, name, value)
    return "".join(lines)


def _set(lines: list[str], start: int, end: int, name: str, value: str) -> None:
    for form in (rf"(\s*){re.escape(name)}\s*=\s*", rf"(\s*)#\s?{re.escape(name)}\s*=\s*"):
        for at in range(start + 1, end):
            found = re.match(form, lines[at])
            if found is None:
                continue
            line = lines[at].rstrip("\r\n")
            old = _VALUE.match(line, found.end())
            rest = line[old.end() :] if old else ""
            lines[at] = f"{found[1]}{name} = {_quoted(value)}{rest}\n"
            return
    lines.insert(start + 1, f"{name} = {_quoted(value)}\n")


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
