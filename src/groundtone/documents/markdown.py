"""Markdown: blocks as CommonMark sees them, each an exact slice of the file."""

from __future__ import annotations

import functools
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.decoding import decode
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.front_matter import front_matter
from groundtone.documents.slicing import Slices

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "blockquote_open": "paragraph",
    "html_block": "paragraph",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_LINE_END = re.compile(r"\r\n?|\n")
_ANCHOR = re.compile(r"\s*\{[#.:][^{}]*\}\s*$")
_SHORTCODE = re.compile(r"\{\{[<%][^{}]*?\"([^\"{}]*)\"[^{}]*[>%]\}\}")
_TAG_HEADING = re.compile(r"<h([1-6])\b[^<>]*>(.*?)</h\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_ROW_END = re.compile(r"</tr\s*>", re.IGNORECASE)
# MkDocs: the indented lines below such a line are text, not code.
_ADMONITION = re.compile(r"(?:!!!|\?\?\?\+?|===!?) +[\w\"]")
_MODULE_LINES = re.compile(r"(?:import|export)\s[^\n]*(?:\r?\n(?:import|export|[ \t}])[^\n]*)*")
_NO_TEXT = re.compile(r":{3,}|\{/\*.*\*/\}", re.DOTALL)
_INDENT = 4
_DEEPEST = 8
# Parsing the marks inside a heading is not linear for hostile input; a real title is short.
_LONGEST_TITLE = 1_000


def read(path: Path, data: bytes) -> Document:
    """Read Markdown (CommonMark and tables); the canonical text is the decoded file unchanged.

    A list is one block with all its items. Front matter (YAML between ``---``, TOML between
    ``+++``) becomes metadata; HTML comments, rules, and the imports and exports of MDX are no
    blocks. What is indented under an admonition of MkDocs (``!!! note``) is read as Markdown. The
    title is the front matter's, else the first heading's, else the file's stem.

    Raises:
        UnreadableFile: front matter that says who may see it cannot be read.
    """
    text, decoding_notes = decode(data)
    reader = _Reader(text, is_module=path.suffix.lower() == ".mdx")
    body_line, metadata, unread = front_matter(path, text, reader.starts)
    reader.blocks(body_line, len(reader.starts) - 1, 0)
    title = " ".join(str(metadata.get("title", "")).split())
    return reader.slices.document(
        title or reader.slices.first_heading or path.stem,
        "text/markdown",
        [*decoding_notes, *unread, *reader.notes],
        metadata,
    )


class _Reader:
    def __init__(self, text: str, *, is_module: bool) -> None:
        self.slices = Slices(text)
        self.notes: list[str] = []
        self.starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
        self._text = text
        self._is_module = is_module

    def blocks(self, first: int, stop: int, depth: int) -> None:
        """Take in the lines first..stop, indented by `depth` admonitions."""
        text, starts = self._text, self.starts
        source = text[starts[first] : starts[stop]]
        if depth:
            indent = _INDENT * depth
            lines = _LINE_END.split(source)
            source = "\n".join(line[indent:] if not line[:indent].strip() else "" for line in lines)
        admonition = False
        tokens = _parser().parse(source)
        for number, token in enumerate(tokens):
            if token.type not in _KINDS or token.level != 0 or token.map is None:
                continue
            at, to = (min(first + line, stop) for line in token.map)
            start, end = starts[at], starts[to]
            content = text[start:end].strip()
            if token.type == "code_block" and admonition and depth < _DEEPEST:
                self.blocks(at, to, depth + 1)
                continue
            admonition = _ADMONITION.match(content) is not None
            if token.type == "heading_open":
                self.slices.heading(start, end, int(token.tag[1]), _plain(tokens[number + 1]))
            elif token.type == "table_open":
                self.slices.add("table", start, end, header_end=starts[min(at + 2, to)])
            elif token.type == "html_block" or content.startswith("<"):
                self._html(start, end, content)
            elif not self._is_no_text(content, depth):
                self.slices.add(_KINDS[token.type], start, end)

    def _is_no_text(self, content: str, depth: int) -> bool:
        return _NO_TEXT.fullmatch(content) is not None or (
            self._is_module and not depth and _MODULE_LINES.fullmatch(content) is not None
        )

    def _html(self, start: int, end: int, content: str) -> None:
        seen, closed = _without_markup(content)
        if not closed:
            self.notes.append("an HTML comment is never closed; its text was kept")
        if not seen:
            return
        heading = _TAG_HEADING.fullmatch(content) if len(content) < _LONGEST_TITLE else None
        if heading:
            self.slices.heading(start, end, int(heading[1]), unescape(_TAG.sub("", heading[2])))
        elif content[:6].lower() == "<table":
            row = _ROW_END.search(content)
            headed = row is not None and "<th" in content[: row.end()].lower()
            offset = start + self._text[start:end].index(content[0])
            self.slices.add(
                "table", offset, end, header_end=offset + row.end() if row and headed else None
            )
        else:
            self.slices.add("paragraph", start, end)


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Without inline parsing: only blocks are wanted, and it is the part whose time can explode.
    # Without link definitions: their lines would belong to no block, and text would be lost.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "reference"])


@functools.cache
def _inline_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _plain(inline: Token) -> str:
    """A heading's title without marks, anchors and tags."""
    source = _ANCHOR.sub("", inline.content[:_LONGEST_TITLE])
    source = _SHORTCODE.sub(r"\1", source)
    if not any(mark in source for mark in "\\`*_[]<>&!"):
        return " ".join(source.split())
    pieces: list[str] = []
    stack = list(_inline_parser().parseInline(source))
    while stack:
        token = stack.pop(0)
        if token.children:
            stack[:0] = token.children
        elif token.type in ("text", "code_inline", "text_special"):
            pieces.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
    return _ANCHOR.sub("", " ".join("".join(pieces).split()))


def _without_markup(source: str) -> tuple[bool, bool]:
    """(holds text besides comments and tags, every comment is closed), in one linear pass."""
    position = 0
    while position < len(source):
        opening = source.find("<", position)
        if opening < 0:
            return bool(source[position:].strip()), True
        if source[position:opening].strip():
            return True, True
        comment = source.startswith("<!--", opening)
        closing = source.find("-->" if comment else ">", opening)
        if closing < 0:
            return True, not comment
        position = closing + (3 if comment else 1)
    return False, True
