"""AsciiDoc: sections, lists, tables and delimited blocks, each an exact slice of the file.

Read line by line after the AsciiDoc language documentation. Nothing is included from other files,
both branches of conditions are kept, and attribute references stay as they are written.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from groundtone.documents.asciidoc_marks import heading, plain_title, table_header_end
from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.slicing import Slices
from groundtone.documents.source_lines import Lines

_UNDERLINE = re.compile(r"([-=~^+])\1+")
_ATTRIBUTE = re.compile(r":(!?[\w][\w-]*!?):(?:\s+(.*))?")
_BLOCK_ATTRIBUTES = re.compile(r"\[(?:[\w%.#\"'{,*^<>|=-][^\]]*|\[[^\[\]]*\])?\](?:\])?")
_BLOCK_TITLE = re.compile(r"\.(?![.\s])\S")
_DELIMITER = re.compile(
    r"-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|\"\"\"|[|,:!]={3,}|(`{3,}|~{3,})[\w+-]*"
)
_MACRO = re.compile(r"([a-z][\w-]*)::([^\[\s]*)\[(.*)\]")
_ITEM = re.compile(
    r"(?:\*{1,6}|-|\.{1,6}|\d{1,6}\.|[a-zA-Z]\.|[ivxIVX]{1,6}\)|<(?:\d{1,3}|\.)>)\s+\S"
)
_TERM = re.compile(r"\S.{0,300}?(?::{2,4}|;;)(?=\s|$)")
_RULE = re.compile(r"'{3,}|<{3,}|-{3}|\*{3}|- - -|\* \* \*")
_AUTHOR = re.compile(r"[^\W\d][\w .'-]*(?:<[^<>]*>)?(?:; .*)?")
_SILENT_MACROS = frozenset(("toc", "include", "ifdef", "ifndef", "ifeval", "endif"))
_CONDITIONS = ("ifdef::", "ifndef::", "ifeval::", "endif::")
_PICTURES = frozenset(("image", "video", "audio"))
_CODE_STYLES = frozenset(("source", "listing", "literal", "stem", "latexmath", "asciimath"))
_ADMONITIONS = frozenset(("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"))
_DEEPEST = 30


def read(path: Path, data: bytes) -> Document:
    """Read AsciiDoc; the canonical text is the decoded file unchanged.

    Comments, attribute entries, block attributes and conditions are no blocks; what stands inside
    examples, sidebars and quotes is read as text, listings and literal blocks as code. The
    header's attributes are metadata. The title is the first heading's, else the file's stem.
    """
    text, notes = decode(data)
    parser = _Parser(text)
    parser.header()
    slices = parser.slices
    return slices.document(
        slices.first_heading or path.stem,
        "text/asciidoc",
        [*notes, *parser.notes],
        parser.metadata,
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.slices = Slices(text)
        self.notes: list[str] = []
        self.metadata: dict[str, str] = {}
        # Where each delimiter stands, so that finding the end of a block takes no search.
        self._delimiters: dict[str, list[int]] = {}
        for at in range(len(self.lines)):
            content = self.lines.content(at)
            if content and _DELIMITER.fullmatch(content) and not self.lines.indent(at):
                self._delimiters.setdefault(content, []).append(at)

    def header(self) -> None:
        """Take in the whole file, its header first."""
        lines = self.lines
        stop = len(lines)
        at = lines.filled(0, stop)
        titled = False
        while at < stop and not lines.blank(at):
            content = lines.content(at)
            attribute = _ATTRIBUTE.fullmatch(content)
            if attribute:
                value = (attribute[2] or "").rstrip("\\ ")
                if value and attribute[1][0] != "!":
                    self.metadata.setdefault(attribute[1].lower(), value)
            elif content.startswith("//"):
                pass
            elif not titled and (title := heading(content)) and len(title[1]) == 1:
                titled = True
                self.slices.heading(lines.start(at), lines.end(at), 1, plain_title(title[2]))
            elif titled and "author" not in self.metadata and _AUTHOR.fullmatch(content):
                self.metadata["author"] = content.split("<")[0].strip()
            elif not titled or not re.match(r"v?\d", content):
                break
            at += 1
        self.parse(at, stop, 0)

    def parse(self, first: int, stop: int, depth: int) -> None:
        """Take in the lines first..stop."""
        lines = self.lines
        attributes = ""
        at = lines.filled(first, stop)
        while at < stop:
            content = lines.content(at)
            if _BLOCK_ATTRIBUTES.fullmatch(content) and not content.startswith("[["):
                if content[1:-1] in _ADMONITIONS:  # the word is part of what follows
                    self.slices.add("paragraph", lines.content_start(at) + 1, lines.end(at) - 1)
                attributes = f"{attributes},{content[1:-1]}"
                at += 1
            elif self._is_nothing(content):
                at += 1
            elif _BLOCK_TITLE.match(content):
                self.slices.add("paragraph", lines.content_start(at) + 1, lines.end(at))
                at += 1
            else:
                at = max(self._block(at, stop, depth, attributes), at + 1)
                attributes = ""
            at = lines.filled(at, stop)

    def _is_nothing(self, content: str) -> bool:
        return (
            (content.startswith("//") and not content.startswith("///"))
            or (content.startswith("[[") and content.endswith("]]"))
            or _ATTRIBUTE.fullmatch(content) is not None
            or (_RULE.fullmatch(content) is not None and content != "--")
        )

    def _block(self, at: int, stop: int, depth: int, attributes: str) -> int:
        """Take in the block that begins on a line; the line after it."""
        lines, slices = self.lines, self.slices
        content = lines.content(at)
        title = heading(content) if not lines.indent(at) else None
        if title and not (content[0] == "#" and "source" in attributes):
            level = len(title[1])
            slices.heading(lines.start(at), lines.end(at), level, plain_title(title[2]))
            return at + 1
        if not lines.indent(at) and _DELIMITER.fullmatch(content):
            return self._delimited(at, stop, depth, attributes)
        if self._is_underlined(at, stop):
            level = "=-~^+".index(lines.content(at + 1)[0]) + 1
            slices.heading(lines.start(at), lines.end(at + 1), level, plain_title(content))
            return at + 2
        macro = _MACRO.fullmatch(content)
        if macro:
            self._macro(at, macro)
            return at + 1
        if _ITEM.match(content) or _TERM.match(content):
            return self._list(at, stop)
        end = at + 1
        while end < stop and not lines.blank(end) and not self._interrupts(end):
            end += 1
        style = attributes.lstrip(",").split(",")[0].split("%")[0].strip()
        literal = lines.indent(at) > 0 or style in _CODE_STYLES
        slices.add("code" if literal else "paragraph", lines.start(at), lines.end(end - 1))
        return end

    def _interrupts(self, at: int) -> bool:
        content = self.lines.content(at)
        return not self.lines.indent(at) and (
            _DELIMITER.fullmatch(content) is not None
            or (content.startswith("[") and _BLOCK_ATTRIBUTES.fullmatch(content) is not None)
            or content.startswith(_CONDITIONS)
        )

    def _is_underlined(self, at: int, stop: int) -> bool:
        """The older form of a title: a line of signs below it, about as long."""
        lines = self.lines
        if at + 1 >= stop or lines.indent(at) or lines.indent(at + 1):
            return False
        title, under = lines.content(at), lines.content(at + 1)
        return (
            _UNDERLINE.fullmatch(under) is not None
            and abs(len(title) - len(under)) <= 2
            and any(map(str.isalnum, title))
        )

    def _delimited(self, at: int, stop: int, depth: int, attributes: str) -> int:
        lines, slices = self.lines, self.slices
        mark = lines.content(at)
        closing = mark
        if mark[0] in "`~":
            closing = mark[: len(mark) - len(mark.lstrip(mark[0]))]
        places = self._delimiters.get(closing, [])
        place = bisect_right(places, at)
        closed = place < len(places) and places[place] < stop
        end = places[place] if closed else stop
        after = end + 1 if closed else stop
        style = attributes.lstrip(",").split(",")[0].split("%")[0].strip()
        if mark[0] == "/":
            return after
        if mark[-1] == "=" and mark[0] in "|,:!":
            self._table(at + 1, end, attributes)
        elif mark[0] in "`~.+" or mark.startswith("----") or style in _CODE_STYLES:
            if at + 1 < end:
                slices.add("code", lines.start(at + 1), lines.end(end - 1))
        elif depth < _DEEPEST:
            self.parse(at + 1, end, depth + 1)
        elif at + 1 < end:
            slices.add("paragraph", lines.start(at + 1), lines.end(end - 1))
        return after

    def _table(self, first: int, stop: int, attributes: str) -> None:
        lines = self.lines
        begin = lines.filled(first, stop)
        if begin == stop:
            return
        header_end = table_header_end(lines, begin, stop, attributes, at_top=begin == first)
        self.slices.add("table", lines.start(begin), lines.end(stop - 1), header_end=header_end)

    def _macro(self, at: int, macro: re.Match[str]) -> None:
        name, _, inside = macro.groups()
        if name in _PICTURES:
            said = inside.split(",")[0].strip(' "')
            if said and "=" not in said:
                start = self.lines.content_start(at) + macro.start(3) + inside.index(said)
                self.slices.add("paragraph", start, start + len(said))
        elif name == "include":
            self.notes.append("include of another file is not followed")
        elif name not in _SILENT_MACROS:
            self.slices.add("paragraph", self.lines.start(at), self.lines.end(at))

    def _list(self, at: int, stop: int) -> int:
        """All items with what is attached to them are one block; terms are one block each."""
        lines = self.lines
        terms = not _ITEM.match(lines.content(at))
        end = self._attached(at, stop)
        while True:
            following = lines.filled(end, stop)
            if following >= stop:
                break
            content = lines.content(following)
            is_item = _ITEM.match(content) is not None
            if terms and not is_item:
                break
            if not is_item and not (_TERM.match(content) and lines.indent(following)):
                break
            end = self._attached(following, stop)
        self.slices.add("list", lines.start(at), lines.end(end - 1))
        return end

    def _attached(self, at: int, stop: int) -> int:
        """The line after an item, its text and the blocks that a ``+`` attaches."""
        lines = self.lines
        end = at + 1
        bare = re.search(r"(?:::|;;)$", lines.content(at)) is not None
        while end < stop:
            content = lines.content(end)
            if content == "+":
                end = self._past_attached(end + 1, stop)
                bare = False
            elif not content:
                following = lines.filled(end, stop)
                if following >= stop or not (
                    (bare and not self._begins(following))
                    or (lines.indent(following) and not _ITEM.match(lines.content(following)))
                    or lines.content(following) == "+"
                ):
                    return end
                bare = False
                end = following
            elif self._begins(end) or _ITEM.match(content) or _TERM.match(content):
                return end
            else:
                bare = False
                end += 1
        return end

    def _begins(self, at: int) -> bool:
        """Does a line begin a block of its own?"""
        content = self.lines.content(at)
        return self._interrupts(at) or heading(content) is not None

    def _past_attached(self, at: int, stop: int) -> int:
        lines = self.lines
        while at < stop and (
            _BLOCK_ATTRIBUTES.fullmatch(lines.content(at)) or _BLOCK_TITLE.match(lines.content(at))
        ):
            at += 1
        if at < stop and _DELIMITER.fullmatch(lines.content(at)):
            mark = lines.content(at)
            closing = mark[: len(mark) - len(mark.lstrip(mark[0]))] if mark[0] in "`~" else mark
            places = self._delimiters.get(closing, [])
            place = bisect_right(places, at)
            if place < len(places) and places[place] < stop:
                return places[place] + 1
            return at + 1
        while at < stop and not lines.blank(at) and lines.content(at) != "+":
            if _ITEM.match(lines.content(at)):
                break
            at += 1
        return at
