"""Markdown: blocks as CommonMark sees them, each an exact slice of the file."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.composing import HeadingPath
from groundtone.documents.decoding import decode
from groundtone.documents.document import Block, BlockKind, Document

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
# Parsing the marks inside a heading is not linear for hostile input; a real title is short.
_LONGEST_TITLE = 1_000


def read(path: Path, data: bytes) -> Document:
    """Read Markdown (CommonMark and tables); the canonical text is the decoded file unchanged.

    A list is one block with all its items. Front matter (YAML between ``---``, TOML between
    ``+++``), HTML comments and rules are no blocks. The title is the front matter's, else the
    first heading's, else the file's stem.
    """
    text, decoding_notes = decode(data)
    notes = list(decoding_notes)
    starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    body_line, title = _front_matter(text, starts)
    parser = _parser()
    path_so_far = HeadingPath()
    blocks: list[Block] = []
    tokens = parser.parse(text[starts[body_line] :])
    for number, token in enumerate(tokens):
        kind = _KINDS.get(token.type)
        if kind is None or token.level != 0 or token.map is None:
            continue
        first, last = token.map
        start = starts[min(body_line + first, len(starts) - 1)]
        end = starts[min(body_line + last, len(starts) - 1)]
        source = text[start:end]
        end = start + len(source.rstrip())
        if kind != "code":
            start += len(source) - len(source.lstrip())
        if start >= end:
            continue
        if token.type == "html_block" or (kind == "paragraph" and text[start] == "<"):
            seen, closed = _without_markup(text[start:end])
            if not closed:
                notes.append("an HTML comment is never closed; its text was kept")
            if not seen:
                continue
            if text[start : start + 6].lower() == "<table":
                kind = "table"
        if kind == "heading":
            name = _plain(tokens[number + 1])
            if not name:
                continue
            level = int(token.tag[1])
            headings = path_so_far.enter(level, name)
            title = title or name
            blocks.append(Block(kind, start, end, headings, level))
        else:
            blocks.append(Block(kind, start, end, path_so_far.current))
    return Document(
        title or path.stem, text, tuple(blocks), "text/markdown", tuple(dict.fromkeys(notes))
    )


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


def _front_matter(text: str, starts: list[int]) -> tuple[int, str]:
    """Number of the first line after the front matter (0 without), and its title or ""."""
    fence = text[: starts[1]].strip() if len(starts) > 1 else ""
    if fence not in ("---", "+++") or text[:1].isspace():
        return 0, ""
    title = ""
    closers = ("---", "...") if fence == "---" else ("+++",)
    for number in range(1, len(starts) - 1):
        line = text[starts[number] : starts[number + 1]].rstrip()
        if line in closers:
            return number + 1, title
        name, mark, value = line.partition(":" if fence == "---" else "=")
        if mark and name.rstrip() == "title" and not title:
            title = _scalar(value.strip())
    return 0, ""


def _scalar(value: str) -> str:
    if value[:1] == '"':
        try:
            return " ".join(str(json.loads(value)).split())
        except ValueError:
            return value.strip('"')
    if value[:1] == "'":
        return value[1:].rstrip("'").replace("''", "'")
    return "" if value[:1] in "|>&*{[" else value


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
