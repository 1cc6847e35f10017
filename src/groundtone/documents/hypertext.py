"""HTML text to titled blocks: what web pages, mails and e-books have in common.

Parsed as browsers do (lexbor through selectolax), without scripts, styles and navigation. Lists
become ``- item`` lines, tables ``a | b | c`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from groundtone.documents.composing import Composer
from groundtone.documents.decoding import decode
from groundtone.documents.document import BlockKind
from groundtone.documents.hypertext_tables import (
    BLOCKS,
    LINE,
    is_layout,
    plain,
    squeeze,
    table_text,
)
from groundtone.documents.webpage import HEADINGS, UNSEEN, Page, children, described, names

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w-]{1,40})", re.I)
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w-]{1,40})", re.I)
# <title/> and the like: closed for XML, open to the end of the page for HTML.
_CLOSED_AT_ONCE = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)"
    r"([a-z][\w:-]{0,40})((?:\s[^<>]{0,2000})?)/>",
    re.I,
)
_ADMONITIONS = names(
    "note tip warning caution important admonition alert callout hint danger notice"
)
_NESTING = re.compile(
    r"<(/?)(?:div|section|article|span|ul|ol|dl|table|blockquote|center|form)\b",
    re.I,
)
_DEEPEST = 5_000
_DEEPEST_LIST = 20


class Piece(NamedTuple):
    """A block to come: its kind and text, a heading's level, how many lines head a table."""

    kind: BlockKind
    text: str
    level: int | None = None
    header_lines: int = 0


@dataclass(slots=True)
class Hypertext:
    """A page, read.

    Attributes:
        pieces: its blocks, in order.
        title: the only ``h1``, else the ``title`` element, else "".
        metadata: description, author, date, modified, language, as far as the page says.
    """

    pieces: list[Piece]
    title: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

    def add_to(self, composer: Composer, *, below: int = 0) -> None:
        """Append all pieces; headings go down by `below` levels."""
        for piece in self.pieces:
            level = piece.level + below if piece.level else None
            composer.add(piece.kind, piece.text, level=level, header_lines=piece.header_lines)


def decode_markup(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Decode HTML or XHTML by its mark, its own declaration, or the one given.

    Raises:
        NotText: binary content.
    """
    inside = _CHARSET.search(data[:4096]) or _XML_ENCODING.match(data[:400].lstrip())
    return decode(data, inside[1].decode("ascii", "ignore") if inside else declared)


def parse(text: str, *, page: bool = True) -> Hypertext:
    """Read HTML.

    Args:
        text: the markup.
        page: leave out what surrounds the content of web pages; else take all that is shown.

    Raises:
        RecursionError: tens of thousands of elements inside each other.
    """
    from selectolax.lexbor import LexborHTMLParser

    if not text.strip():
        return Hypertext([])
    if _depth(text) > _DEEPEST:
        raise RecursionError("too many elements inside each other")
    if text[:200].lstrip("\ufeff \t\r\n").startswith("<?xml"):
        text = _CLOSED_AT_ONCE.sub(r"<\1\2></\1>", text)
    tree = LexborHTMLParser(text)
    shown = Page(tree.root)
    if not page:
        shown.show_all()
    pieces = [piece for piece in _walk(shown.content, shown, 0) if piece.text.strip()]
    if not pieces:
        shown.show_all(hidden=True)
        pieces = [piece for piece in _walk(shown.content, shown, 0) if piece.text.strip()]
    return Hypertext(pieces, _title(tree), described(tree))


def _title(tree: LexborHTMLParser) -> str:
    top = [squeeze(plain(node)) for node in tree.css("h1")]
    named = [squeeze(plain(node)) for node in tree.css("title")]
    return (top[0] if len(top) == 1 else "") or (named[0] if named else "")


def _depth(text: str) -> int:
    """How deep elements lie inside each other, nearly: the parser's time grows with it."""
    depth = deepest = 0
    for tag in _NESTING.finditer(text):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _walk(root: LexborNode | None, page: Page, depth: int) -> Iterator[Piece]:
    """The blocks under an element, in order."""
    if root is None:
        return
    run: list[str] = []
    todo: list[LexborNode | None] = [*reversed(children(root))]
    while todo:
        node = todo.pop()
        if node is None:
            yield from _paragraph(run)
            continue
        tag = node.tag or ""
        if tag == "-text":
            run.append(node.text_content or "")
        elif tag == "br":
            run.append(LINE)
        elif tag in UNSEEN or tag.startswith("-") or node.mem_id in page.dropped:
            continue
        elif tag in HEADINGS:
            yield from _paragraph(run)
            level = None if depth or _in_admonition(node) else HEADINGS[tag]
            text = squeeze(plain(node, page))
            yield Piece("heading" if level else "paragraph", text, level)
        elif tag in ("pre", "xmp", "listing"):
            yield from _paragraph(run)
            yield Piece("code", plain(node).expandtabs(4))
        elif tag in ("ul", "ol", "menu") and depth < _DEEPEST_LIST:
            yield from _paragraph(run)
            yield Piece("list", "\n".join(_items(node, page, depth)))
        elif tag == "dl" and depth < _DEEPEST_LIST:
            yield from _paragraph(run)
            for entry in _definitions(node, page, depth):
                yield Piece("list", entry)
        elif tag == "table" and not is_layout(node):
            yield from _paragraph(run)
            captions, text, header_lines = table_text(node, page)
            yield from (Piece("paragraph", caption) for caption in captions)
            yield Piece("table", text, None, header_lines)
        elif tag in BLOCKS:
            yield from _paragraph(run)
            todo.append(None)
            todo.extend(reversed(children(node)))
        else:
            todo.extend(reversed(children(node)))
    yield from _paragraph(run)


def _paragraph(run: list[str]) -> Iterator[Piece]:
    """What has gathered since the last block border; empties the run."""
    if run:
        lines = [squeeze(line) for line in "".join(run).split(LINE)]
        run.clear()
        # Two line breaks in a row are how old pages end a paragraph.
        for text in "\n".join(lines).split("\n\n"):
            if text.strip():
                yield Piece("paragraph", text.strip("\n"))


def _items(node: LexborNode, page: Page, depth: int) -> Iterator[str]:
    number = 0
    for item in children(node):
        tag = item.tag or ""
        if tag.startswith("-") or tag in UNSEEN or item.mem_id in page.dropped:
            continue
        if tag in ("ul", "ol", "menu"):  # a list straight inside a list: browsers indent it
            yield from (f"  {line}" for line in _items(item, page, depth + 1))
            continue
        number += 1
        mark = f"{number}. " if node.tag == "ol" else "- "
        for place, piece in enumerate(_walk_item(item, page, depth)):
            for line in piece.text.split("\n"):
                yield (mark if place == 0 and mark else "  ") + line
                mark = ""


def _walk_item(item: LexborNode, page: Page, depth: int) -> Iterator[Piece]:
    if depth + 1 < _DEEPEST_LIST:
        yield from _walk(item, page, depth + 1)
    else:
        yield Piece("paragraph", squeeze(plain(item, page)))


def _definitions(node: LexborNode, page: Page, depth: int) -> Iterator[str]:
    """Each term with what is said about it."""
    lines: list[str] = []
    ended = False
    todo = [*reversed(children(node))]
    while todo:
        child = todo.pop()
        tag = child.tag or ""
        if child.mem_id in page.dropped or tag.startswith("-") or tag in UNSEEN:
            continue
        if tag == "div":  # groups of dt and dd may be wrapped
            todo.extend(reversed(children(child)))
            continue
        if tag == "dt":
            if ended and lines:
                yield "\n".join(lines)
                lines, ended = [], False
            term = squeeze(plain(child, page))
            if term:
                lines.append(term)
            continue
        ended = True
        for piece in _walk_item(child, page, depth):
            lines.extend(f"  {line}" for line in piece.text.split("\n"))
    if lines:
        yield "\n".join(lines)


def _in_admonition(heading: LexborNode) -> bool:
    """The heading of a note box opens no section: what follows the box is not part of it."""
    box = heading.parent
    if box is None or box.tag in ("body", "main", "article", "section", "html"):
        return False
    return bool(set((box.attributes.get("class") or "").lower().split()) & _ADMONITIONS)
