"""HTML: the page's own content, without navigation, banners and scripts.

Parsed as browsers do (lexbor through selectolax). The canonical text is built here: one block
after another, lists as ``- item`` lines, tables as ``a | b | c`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.composing import Composer
from groundtone.documents.decoding import decode
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.webpage import HEADINGS, UNSEEN, Page, children, names

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w-]{1,40})", re.I)
_BLOCKS = names(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure"
    " footer form header hr html legend li main nav ol p section summary table tbody td tfoot th"
    " thead tr ul caption"
)
_ADMONITIONS = names(
    "note tip warning caution important admonition alert callout hint danger notice"
)
_NESTING = re.compile(
    r"<(/?)(?:div|section|article|span|ul|ol|dl|table|blockquote|center|form)\b",
    re.I,
)
_DEEPEST = 5_000
_LINE = "\0"
_DEEPEST_LIST = 20


def read(path: Path, data: bytes) -> Document:
    """Read an HTML page.

    Content is the ``main`` element (or the only ``article``) when it holds most of the text, else
    the body, without navigation, page headers and footers, cookie banners, forms' controls and
    scripts. The title is the only ``h1``, else the ``title`` element, else the first heading.
    """
    from selectolax.lexbor import LexborHTMLParser

    declared = _CHARSET.search(data[:4096])
    text, notes = decode(data, declared[1].decode("ascii", "ignore") if declared else None)
    if not text.strip():
        return Document(path.stem, "", (), "text/html", notes)
    if _depth(text) > _DEEPEST:
        raise RecursionError("too many elements inside each other")
    tree = LexborHTMLParser(text)
    page = Page(tree.root)
    composer = Composer()
    for kind, block, level in _walk(page.content, page, 0):
        composer.add(kind, block, level=level)
    if not composer:
        page.dropped.clear()
        for kind, block, level in _walk(page.body, page, 0):
            composer.add(kind, block, level=level)
    top = [_squeeze(_plain(node)) for node in tree.css("h1")]
    named = [_squeeze(_plain(node)) for node in tree.css("title")]
    title = (top[0] if len(top) == 1 else "") or (named[0] if named else "")
    return composer.document(title or composer.first_heading or path.stem, "text/html", notes)


def _depth(text: str) -> int:
    """How deep elements lie inside each other, nearly: the parser's time grows with it."""
    depth = deepest = 0
    for tag in _NESTING.finditer(text):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest


Piece = tuple[BlockKind, str, int | None]


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
            run.append(_LINE)
        elif tag in UNSEEN or tag.startswith("-") or node.mem_id in page.dropped:
            continue
        elif tag in HEADINGS:
            yield from _paragraph(run)
            level = None if depth or _in_admonition(node) else HEADINGS[tag]
            yield ("heading" if level else "paragraph"), _squeeze(_plain(node, page)), level
        elif tag in ("pre", "xmp", "listing"):
            yield from _paragraph(run)
            yield "code", _plain(node).expandtabs(4), None
        elif tag in ("ul", "ol", "menu") and depth < _DEEPEST_LIST:
            yield from _paragraph(run)
            yield "list", "\n".join(_items(node, page, depth)), None
        elif tag == "dl" and depth < _DEEPEST_LIST:
            yield from _paragraph(run)
            for entry in _definitions(node, page, depth):
                yield "list", entry, None
        elif tag == "table" and not _is_layout(node):
            yield from _paragraph(run)
            yield from _table(node, page)
        elif tag in _BLOCKS:
            yield from _paragraph(run)
            todo.append(None)
            todo.extend(reversed(children(node)))
        else:
            todo.extend(reversed(children(node)))
    yield from _paragraph(run)


def _paragraph(run: list[str]) -> Iterator[Piece]:
    """What has gathered since the last block border; empties the run."""
    if run:
        lines = [_squeeze(line) for line in "".join(run).split(_LINE)]
        run.clear()
        # Two line breaks in a row are how old pages end a paragraph.
        for text in "\n".join(lines).split("\n\n"):
            if text.strip():
                yield "paragraph", text.strip("\n"), None


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
        for place, (_, text, _level) in enumerate(_walk_item(item, page, depth)):
            for line in text.split("\n"):
                yield (mark if place == 0 and mark else "  ") + line
                mark = ""


def _walk_item(item: LexborNode, page: Page, depth: int) -> Iterator[Piece]:
    if depth + 1 < _DEEPEST_LIST:
        yield from _walk(item, page, depth + 1)
    else:
        yield "paragraph", _squeeze(_plain(item, page)), None


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
            term = _squeeze(_plain(child, page))
            if term:
                lines.append(term)
            continue
        ended = True
        for _, text, _level in _walk_item(child, page, depth):
            lines.extend(f"  {line}" for line in text.split("\n"))
    if lines:
        yield "\n".join(lines)


def _is_layout(table: LexborNode) -> bool:
    """Tables that only place things on the page; their cells are ordinary content."""
    if (table.attributes.get("role") or "").lower() in ("presentation", "none"):
        return True
    cells = 0
    todo = children(table)
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag == "table" or tag in HEADINGS:
            return True
        cells += tag in ("td", "th")
        todo.extend(children(node))
    return cells <= 1


def _table(table: LexborNode, page: Page) -> Iterator[Piece]:
    rows: list[list[Cell]] = []
    todo = [*reversed(children(table))]
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag.startswith("-") or node.mem_id in page.dropped:
            continue
        if tag == "caption":
            yield "paragraph", _squeeze(_plain(node, page)), None
        elif tag in ("thead", "tbody", "tfoot"):
            todo.extend(reversed(children(node)))
        elif tag == "tr":
            rows.append(
                [
                    Cell(
                        _squeeze(_plain(cell, page)),
                        _span(cell, "colspan"),
                        _span(cell, "rowspan"),
                    )
                    for cell in children(node)
                    if cell.tag in ("td", "th")
                ]
            )
    yield "table", rows_to_text(rows), None


def _span(cell: LexborNode, name: str) -> int:
    value = (cell.attributes.get(name) or "1").strip()
    return int(value) if value.isdecimal() and len(value) < 5 else 1


def _plain(root: LexborNode, page: Page | None = None) -> str:
    """All text under an element; blocks inside it are set apart by a space."""
    pieces: list[str] = []
    todo = [*reversed(children(root))]
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag == "-text":
            pieces.append(node.text_content or "")
        elif tag == "br":
            pieces.append("\n")
        elif tag in UNSEEN or tag.startswith("-") or (page and node.mem_id in page.dropped):
            continue
        else:
            if tag in _BLOCKS:
                pieces.append(" ")
            todo.extend(reversed(children(node)))
    return "".join(pieces)


def _in_admonition(heading: LexborNode) -> bool:
    """The heading of a note box opens no section: what follows the box is not part of it."""
    box = heading.parent
    if box is None or box.tag in ("body", "main", "article", "section", "html"):
        return False
    return bool(set((box.attributes.get("class") or "").lower().split()) & _ADMONITIONS)


def _squeeze(text: str) -> str:
    return " ".join(text.replace("\u00ad", "").replace(_LINE, " ").split())
