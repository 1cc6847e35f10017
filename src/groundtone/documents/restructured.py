"""reStructuredText: sections, lists, tables, code and directives, each an exact slice of the file.

Read line by line after the reStructuredText markup specification, not with docutils: its tree does
not tell where an element stands in the file, and citations need that. Nothing is executed, and no
file that a directive names is opened.
"""

from __future__ import annotations

import re
from pathlib import Path

from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.rst_directives import Directive, parse_directive
from groundtone.documents.slicing import Slices
from groundtone.documents.source_lines import Lines

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")
_BULLET = re.compile(r"[-*+•‣⁃](?=\s|$)")
_NUMBERED = re.compile(r"\(?(?:\d{1,9}|#|[A-Za-z]|[ivxlcdmIVXLCDM]{1,9})[.)](?=\s|$)")
_FIELD = re.compile(r":(?![:\s])((?:[^:\\]|\\.|:(?!\s|$))+):(?=\s|$)")
_OPTION = re.compile(r"(?:-\w|--?[\w-]+|/\w+)(?:[ =][\w<>-]+)?(?:, ?(?:-\w|--?[\w-]+))*(?:  |$)")
_GRID_BORDER = re.compile(r"\+(?:[-=]+\+)+")
_SIMPLE_BORDER = re.compile(r"=+(?: +=+)+")
_EXPLICIT = re.compile(r"\.\.(?:\s|$)")
_FOOTNOTE = re.compile(r"\.\.\s+\[[^\]]+\]\s")
_ROLE = re.compile(r":[\w:+.-]+:`([^`]*)`")
_LINK = re.compile(r"`([^`]*)`_{0,2}")
_TARGET = re.compile(r"\s*<[^<>]*>$")
_MARKS = re.compile(r"(?<!\\)(?:\*\*?|``?|\|)")
_DEEPEST = 30
_LONGEST_TITLE = 500


def read(path: Path, data: bytes) -> Document:
    """Read reStructuredText; the canonical text is the decoded file unchanged.

    Comments, link targets, substitutions, and directives that only steer the output (``toctree``,
    ``index``, ``contents``, …) are no blocks. Bodies of directives are read as text, bodies of code
    directives as code; admonitions keep their marker, which says "warning". Fields at the top
    (``:Author:``) are metadata and, unless they only steer Sphinx, a list. The title is the first
    heading's, else the file's stem.
    """
    text, notes = decode(data)
    parser = _Parser(text)
    parser.parse(0, len(parser.lines), 0, 0)
    slices = parser.slices
    return slices.document(
        slices.first_heading or path.stem,
        "text/x-rst",
        [*notes, *parser.notes],
        parser.metadata,
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.slices = Slices(text)
        self.notes: list[str] = []
        self.metadata: dict[str, str] = {}
        self._styles: list[tuple[str, bool]] = []
        self._at_top = True
        self._endless_until = 0

    def parse(self, first: int, stop: int, indent: int, depth: int) -> None:
        """Take in the lines first..stop, whose text begins in column `indent`."""
        lines = self.lines
        at = lines.filled(first, stop)
        while at < stop:
            if lines.indent(at) > indent and depth < _DEEPEST:  # a quotation
                end = lines.deeper_end(at, stop, indent)
                self.parse(at, end, lines.indent(at), depth + 1)
            else:
                end = self._element(at, stop, indent, depth)
            at = lines.filled(max(end, at + 1), stop)

    def _element(self, at: int, stop: int, indent: int, depth: int) -> int:
        """Take in what begins on a line; the line after it."""
        lines = self.lines
        content = lines.content(at)
        if depth == 0 and (end := self._section(at, stop)):
            self._at_top = self._at_top and len(self._styles) == 1
            return end
        if _ADORNMENT.fullmatch(content) and len(content) > 3:  # a transition
            return at + 1
        if content.startswith("..") and _EXPLICIT.match(content):
            return self._explicit(at, stop, indent, depth)
        if content.startswith("__ "):
            return at + 1
        if _FIELD.match(content):
            return self._fields(at, stop, indent)
        self._at_top = False
        if _GRID_BORDER.fullmatch(content):
            return self._grid_table(at, stop)
        if _SIMPLE_BORDER.fullmatch(content) and (end := self._simple_table(at, stop)):
            return end
        for marker in (_BULLET, _NUMBERED, _OPTION):
            if marker.match(content) and (
                marker is not _NUMBERED or self._is_item(at, stop, indent)
            ):
                return self._list(at, stop, indent, marker)
        if content.startswith(">>>"):
            end = lines.run_end(at, stop)
            self.slices.add("code", lines.start(at), lines.end(end - 1))
            return end
        return self._paragraph(at, stop, indent, depth)

    def _section(self, at: int, stop: int) -> int:
        """A title with its adornment; 0 when there is none."""
        lines = self.lines
        first = lines.content(at)
        over = _ADORNMENT.fullmatch(first) is not None
        title_at = at + 1 if over else at
        under_at = title_at + 1
        if under_at >= stop or lines.blank(title_at) or lines.indent(under_at):
            return 0
        title, under = lines.content(title_at), lines.content(under_at)
        if not _ADORNMENT.fullmatch(under) or _ADORNMENT.fullmatch(title):
            return 0
        if over and first != under:
            return 0
        if not over and (lines.indent(at) or len(under) < min(len(title), 4)):
            return 0
        if under[0] in ":." and len(under) < 4:
            return 0
        style = (under[0], over)
        if style not in self._styles:
            self._styles.append(style)
        level = self._styles.index(style) + 1
        self.slices.heading(lines.start(at), lines.end(under_at), level, _plain(title))
        return under_at + 1

    def _explicit(self, at: int, stop: int, indent: int, depth: int) -> int:
        lines = self.lines
        end = lines.deeper_end(at + 1, stop, indent)
        directive = parse_directive(lines, at, end)
        if directive is not None:
            self._at_top = self._at_top and directive.role in ("nothing", "include")
            self._directive(directive, depth)
        elif _FOOTNOTE.match(lines.content(at)):
            self.slices.add("paragraph", lines.content_start(at), lines.end(end - 1))
        return end

    def _directive(self, directive: Directive, depth: int) -> None:
        lines, slices = self.lines, self.slices
        body, end = directive.body, directive.end
        if directive.role == "include":
            self.notes.append(f"{directive.name} of another file is not followed")
        elif directive.role == "code":
            slices.add("code", lines.start(body), lines.start(end))
        elif directive.role == "table":
            if directive.shown is not None:
                slices.add("paragraph", *directive.shown)
            start = directive.table_start if directive.table_start else lines.start(body)
            slices.add("table", start, lines.start(end), header_end=directive.header_end)
        elif directive.role == "text":
            shown = directive.shown
            if shown is None and directive.marked and body < end:
                # The marker and the first paragraph are one: "warning" belongs to what it says.
                run = lines.run_end(body, end)
                if self._is_plain(body, run):
                    shown = (directive.start, lines.end(run - 1))
                    body = run
            if shown is not None:
                slices.add("paragraph", *shown)
            if body < end and depth < _DEEPEST:
                self.parse(body, end, lines.indent(lines.filled(body, end)), depth + 1)
            elif body < end:
                slices.add("paragraph", lines.start(body), lines.start(end))

    def _is_plain(self, at: int, end: int) -> bool:
        """Are these lines one paragraph, and no literal block follows?"""
        content = self.lines.content(at)
        marks = (_BULLET, _NUMBERED, _FIELD, _OPTION, _EXPLICIT, _GRID_BORDER, _SIMPLE_BORDER)
        return (
            not any(mark.match(content) for mark in marks)
            and not self.lines.content(end - 1).endswith("::")
            and all(self.lines.indent(line) == self.lines.indent(at) for line in range(at, end))
        )

    def _fields(self, at: int, stop: int, indent: int) -> int:
        lines = self.lines
        end = at
        steering = self._at_top
        while end < stop and lines.indent(end) == indent:
            match = _FIELD.match(lines.content(end))
            if match is None:
                break
            following = lines.deeper_end(end + 1, stop, indent)
            start = lines.content_start(end) + match.end()
            value = " ".join(lines.text[start : lines.end(following - 1)].split())
            if self._at_top and value:
                self.metadata.setdefault(match[1].strip().lower(), value)
            steering = steering and (not value or value.isdecimal())
            end = lines.filled(following, stop)
        self._at_top = self._at_top and steering
        if not steering:
            self.slices.add("list", lines.start(at), lines.start(end))
        return end

    def _grid_table(self, at: int, stop: int) -> int:
        lines = self.lines
        end = at
        header_end = None
        while end < stop and lines.content(end)[:1] in ("+", "|"):
            if lines.content(end).startswith("+=") and header_end is None:
                header_end = lines.end(end)
            end += 1
        self.slices.add("table", lines.start(at), lines.end(end - 1), header_end=header_end)
        return end

    def _simple_table(self, at: int, stop: int) -> int:
        """A table between ``=== ===`` borders; 0 when it never ends."""
        lines = self.lines
        if at < self._endless_until:
            return 0
        borders = [at]
        for line in range(at + 1, stop):
            if _SIMPLE_BORDER.fullmatch(lines.content(line)):
                borders.append(line)
                if line + 1 >= stop or lines.blank(line + 1):
                    header_end = lines.end(borders[1]) if len(borders) > 2 else None
                    self.slices.add(
                        "table", lines.start(at), lines.end(line), header_end=header_end
                    )
                    return line + 1
        # No table that begins further down in these lines can end in them either.
        self._endless_until = stop
        return 0

    def _is_item(self, at: int, stop: int, indent: int) -> bool:
        """A numbered line is an item unless it goes on below in the same column."""
        lines = self.lines
        following = at + 1
        return (
            following >= stop
            or lines.blank(following)
            or lines.indent(following) > indent
            or _NUMBERED.match(lines.content(following)) is not None
        )

    def _list(self, at: int, stop: int, indent: int, marker: re.Pattern[str]) -> int:
        lines = self.lines
        end = at
        while end < stop and lines.indent(end) == indent and marker.match(lines.content(end)):
            last = lines.deeper_end(end + 1, stop, indent)
            end = lines.filled(last, stop)
        self.slices.add("list", lines.start(at), lines.start(end))
        return end

    def _paragraph(self, at: int, stop: int, indent: int, depth: int) -> int:
        lines, slices = self.lines, self.slices
        following = at + 1
        if (
            following < stop
            and not lines.blank(following)
            and lines.indent(following) > indent
            and not lines.content(at).startswith("| ")
        ):
            end = lines.deeper_end(following, stop, indent)
            slices.add("list", lines.start(at), lines.end(end - 1))  # a term and its definition
            return end
        end = at + 1
        while end < stop and not lines.blank(end) and lines.indent(end) >= indent:
            if depth == 0 and not lines.indent(end) and self._is_title(end, stop):
                break
            end += 1
        if lines.content(end - 1) != "::" or end - 1 > at:
            slices.add("paragraph", lines.start(at), lines.end(end - 1))
        if lines.content(end - 1).endswith("::"):
            code = lines.filled(end, stop)
            if code < stop and lines.indent(code) > indent:
                end = lines.deeper_end(code, stop, indent)
                slices.add("code", lines.start(code), lines.end(end - 1))
        return end

    def _is_title(self, at: int, stop: int) -> bool:
        """Does a title begin without a blank line before it?"""
        if at + 2 > stop - 1 and at + 1 >= stop:
            return False
        under = self.lines.content(at + 1)
        return (
            len(under) >= 4
            and len(under) >= len(self.lines.content(at))
            and _ADORNMENT.fullmatch(under) is not None
            and not _ADORNMENT.fullmatch(self.lines.content(at))
        )


def _plain(title: str) -> str:
    """A title without inline marks, roles and link targets."""
    title = title[:_LONGEST_TITLE]
    for pattern in (_ROLE, _LINK):
        title = pattern.sub(lambda match: _TARGET.sub("", match[1]), title)
    return " ".join(_MARKS.sub("", title).replace("\\", "").split())
