"""The ``groundtone.toml`` of a new workspace: every setting with its default, commented out."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

from pydantic import BaseModel

from groundtone.settings import Settings

HEAD = """\
# The settings of this workspace. Lines that begin with '# name =' show the defaults: take the
# '# ' away to change one. An environment variable wins, e.g. GROUNDTONE_RETRIEVAL__K=8.
"""


def starting_toml() -> str:
    """Render the file from the settings and their docstrings, so that it names each one."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        about, notes = _documented(section)
        lines = [f"[{name}]  # {about}"]
        for key, inner in section.model_fields.items():
            lines += [f"#   {line}" for line in notes.get(key, ())]
            lines.append(f"# {key} = {_value(inner.get_default(call_default_factory=True))}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _documented(section: type[BaseModel]) -> tuple[str, dict[str, list[str]]]:
    """The first sentence of a docstring, and the lines about each attribute."""
    head, _, attributes = (inspect.getdoc(section) or "").partition("Attributes:")
    about = re.split(r"(?<=\.)\s|\n\n|:\s``", " ".join(head.split()))[0].rstrip(".")
    notes: dict[str, list[str]] = {}
    names: list[str] = []
    for line in attributes.splitlines():
        if match := re.match(r"    ([a-z_]+(?:, [a-z_]+)*): (.*)", line):
            names = match[1].split(", ")
            notes.setdefault(names[0], []).append(match[2].replace("``", ""))
        elif names and line.strip():
            notes[names[0]].append(line.strip().replace("``", ""))
    return about, notes


def _value(default: Any) -> str:
    if default is None:
        return "2  # unset: what the machine has"
    return json.dumps(default, ensure_ascii=False)
