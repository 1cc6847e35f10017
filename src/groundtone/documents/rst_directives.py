"""Directives of reStructuredText and Sphinx: which hold text, code or tables, and which nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from groundtone.documents.source_lines import Lines

Role = Literal["text", "code", "table", "include", "nothing"]

_DIRECTIVE = re.compile(r"\.\.\s+(?P<mark>\|[^|]+\|\s+)?(?P<name>[\w:+.-]+?)\s?::(?:\s|$)")
_OPTION = re.compile(r":([\w-]+):(?:\s|$)")
_ITEM = re.compile(r"[*+-](?:\s+[*+-])?(?=\s|$)")
_CODE = frozenset((
    "code", "code-block", "sourcecode", "parsed-literal", "literal-block", "doctest", "testcode",
    "testoutput", "testsetup", "prompt", "math", "productionlist", "graphviz", "digraph", "graph",
    "mermaid", "uml", "plantuml", "ipython", "ipython3", "jupyter-execute", "highlight-block",
    "console", "raw", "asciinema", "aafig", "ditaa", "blockdiag",
))  # fmt: skip
_TABLES = frozenset(("csv-table", "list-table", "flat-table"))
_INCLUDES = frozenset(("include", "literalinclude"))
_NOTHING = frozenset((
    "toctree", "contents", "index", "meta", "highlight", "default-role", "role", "currentmodule",
    "tabularcolumns", "sectionauthor", "codeauthor", "moduleauthor", "sectnum",
    "section-numbering", "target-notes", "header", "footer", "title", "default-domain",
    "autosummary", "automodule", "autoclass", "autofunction", "automethod", "autodata", "program",
    "unicode", "date", "replace",
))  # fmt: skip
# Their argument says how, not what.
_SILENT = frozenset((
    "only", "ifconfig", "container", "class", "rst-class", "figure", "image", "video", "grid",
    "grid-item", "tab-set", "table-wrapper", "highlights", "compound", "pull-quote", "epigraph",
    "glossary", "tabs", "group-tab",
))  # fmt: skip
# Without an argument the marker itself says something about the text.
_MARKED = frozenset((
    "note", "warning", "caution", "danger", "attention", "hint", "important", "tip", "error",
    "seealso", "todo", "deprecated", "versionadded", "versionchanged",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive.

    Attributes:
        name: without its domain: "function" for "py:function".
        role: what its body holds.
        start: where its marker begins.
        shown: span of an argument that is text, or of a picture's description; None without.
        marked: the marker belongs to the first paragraph.
        body, end: lines of its body.
        table_start, header_end: for tables, where they begin if that is before the body, and
            where their header rows end.
    """

    name: str
    role: Role
    start: int
    shown: tuple[int, int] | None
    marked: bool
    body: int
    end: int
    table_start: int | None = None
    header_end: int | None = None


def parse_directive(lines: Lines, at: int, end: int) -> Directive | None:
    """Take a directive apart; None for other explicit markup (comments, targets, footnotes).

    Args:
        at: its first line.
        end: the line after its last.
    """
    match = _DIRECTIVE.match(lines.content(at))
    if match is None:
        return None
    name = match["name"].split(":")[-1].lower()
    role = _role(name)
    start = lines.content_start(at)
    argument = (start + match.end(), lines.end(at))
    body = at + 1
    has_argument = bool(lines.text[argument[0] : argument[1]].strip())
    if has_argument and role == "text":
        # It may go on below; options and blank lines end it.
        while body < end and not lines.blank(body) and not _OPTION.match(lines.content(body)):
            argument = (argument[0], lines.end(body))
            body += 1
    options: dict[str, tuple[int, int]] = {}
    while body < end and (option := _OPTION.match(lines.content(body))):
        begin = lines.content_start(body) + option.end()
        indent = lines.indent(body)
        body += 1
        while body < end and not lines.blank(body) and lines.indent(body) > indent:
            body += 1
        options[option[1]] = (begin, lines.end(body - 1))
    body = lines.filled(body, end)
    shown = None
    if has_argument and role == "text" and name not in _SILENT:
        shown = (start, argument[1])
    elif has_argument and role == "table":
        shown = argument
    if name in ("image", "figure"):
        shown = options.get("alt")
    table_start, header_end = _header(lines, name, options, body, end) if role == "table" else _NONE
    if match["mark"]:
        role, shown = "nothing", None
    return Directive(name, role, start, shown, name in _MARKED, body, end, table_start, header_end)


_NONE: tuple[int | None, int | None] = (None, None)


def _role(name: str) -> Role:
    if name in _CODE:
        return "code"
    if name in _TABLES:
        return "table"
    if name in _INCLUDES:
        return "include"
    return "nothing" if name in _NOTHING else "text"


def _header(
    lines: Lines, name: str, options: dict[str, tuple[int, int]], body: int, end: int
) -> tuple[int | None, int | None]:
    """Where a table begins if its header is an option, and where its header rows end."""
    if "header" in options:
        return options["header"]
    span = options.get("header-rows")
    count = lines.text[slice(*span)].strip() if span else ""
    rows = int(count) if count.isdecimal() and len(count) < 4 else 0
    if not rows or body >= end:
        return _NONE
    if name == "csv-table":
        return None, lines.end(min(body + rows, end) - 1)
    indent = lines.indent(body)
    seen = 0
    for line in range(body, end):
        if lines.indent(line) == indent and _ITEM.match(lines.content(line)):
            seen += 1
            if seen > rows:
                return None, lines.start(line)
    return _NONE
