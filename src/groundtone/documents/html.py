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

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w-]{1,40})", re.I)
_UNSEEN = _names(
    "head script style noscript template svg iframe object canvas audio video button input select"
    " textarea dialog datalist map area link meta title"
)
_BLOCKS = _names(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure"
    " footer form header hr html legend li main nav ol p section summary table tbody td tfoot th"
    " thead tr ul caption"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NAVIGATION_ROLES = _names("navigation banner contentinfo search dialog alertdialog")
# Words in a class or id that mark what is not content: anywhere, and outside the main element.
_NEVER_CONTENT = _names(
    "cookie cookies consent gdpr navbar navheader navfooter breadcrumb breadcrumbs pagination pager"
    " headerlink"
)
_SELDOM_CONTENT = _names(
    "nav navigation menu sidebar footer masthead skip skiplink share social newsletter advert ads"
    " related"
)
_ADMONITIONS = _names(
    "note tip warning caution important admonition alert callout hint danger notice"
)
_WORDS = re.compile(r"[a-z0-9]+")
_NESTING = re.compile(
    r"<(/?)(?:div|section|article|span|ul|ol|dl|table|blockquote|center|form|font|a|b|i|em|strong)\b",
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
    page = _Page(tree.root)
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


class _Page:
    """Which elements are content, decided in one pass over the tree."""

    def __init__(self, root: LexborNode | None) -> None:
        self.dropped: set[int] = set()
        self.body = root
        self.content = root
        if root is None:
            return
        nodes: list[LexborNode] = []
        parents: list[int] = []
        lengths: list[int] = []
        in_main: list[bool] = []
        todo = [(root, -1, False)]
        while todo:
            node, parent, inside = todo.pop()
            index = len(nodes)
            inside = inside or node.tag in ("main", "article")
            nodes.append(node)
            parents.append(parent)
            in_main.append(inside)
            tag = node.tag or ""
            lengths.append(len((node.text_content or "").strip()) if tag == "-text" else 0)
            if tag not in _UNSEEN:
                todo.extend((child, index, inside) for child in _children(node))
        headed = [node.tag in _HEADINGS for node in nodes]
        for index in range(len(nodes) - 1, 0, -1):
            lengths[parents[index]] += lengths[index]
            headed[parents[index]] |= headed[index]
        whole = lengths[0]
        mains: list[int] = []
        articles: list[int] = []
        tables_of_contents: list[int] = []
        for index, node in enumerate(nodes):
            tag = node.tag or ""
            if tag.startswith("-"):
                continue
            attributes = node.attributes
            role = (attributes.get("role") or "").lower()
            if tag == "body":
                self.body = self.content = node
            if tag == "main" or role == "main":
                mains.append(index)
                continue
            if tag == "article":
                articles.append(index)
                continue
            if tag in ("body", "html") or tag in _HEADINGS:
                continue
            marks = (attributes.get("class") or "").lower().split()
            if not headed[index]:
                # With a heading inside, an id such as "pagination" names a section about it.
                marks.append((attributes.get("id") or "").lower())
            words = [_WORDS.findall(mark) for mark in marks]
            if any("toc" in word for word in words) and tag != "a":
                tables_of_contents.append(index)
            small = lengths[index] <= 0.4 * whole
            outside = small and not in_main[index]
            if (
                tag == "nav"
                or role in _NAVIGATION_ROLES
                or "hidden" in attributes
                or (outside and tag in ("header", "footer", "aside"))
                or (outside and any(_SELDOM_CONTENT.intersection(word[:1]) for word in words))
                or (small and any(_NEVER_CONTENT.intersection(word) for word in words))
            ):
                self.dropped.add(node.mem_id)
        listed = sum(lengths[index] for index in tables_of_contents)
        if listed * 4 < whole:
            # Beside the text itself, a list of its headings is only noise to a search.
            self.dropped.update(nodes[index].mem_id for index in tables_of_contents)
        for index in mains or (articles if len(articles) == 1 else []):
            if lengths[index] >= 0.3 * whole and nodes[index].mem_id not in self.dropped:
                self.content = nodes[index]
                break


Piece = tuple[BlockKind, str, int | None]


def _walk(root: LexborNode | None, page: _Page, depth: int) -> Iterator[Piece]:
    """The blocks under an element, in order."""
    if root is None:
        return
    run: list[str] = []
    todo: list[LexborNode | None] = [*reversed(_children(root))]
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
        elif tag in _UNSEEN or tag.startswith("-") or node.mem_id in page.dropped:
            continue
        elif tag in _HEADINGS:
            yield from _paragraph(run)
            level = None if depth or _in_admonition(node) else _HEADINGS[tag]
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
            todo.extend(reversed(_children(node)))
        else:
            todo.extend(reversed(_children(node)))
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


def _items(node: LexborNode, page: _Page, depth: int) -> Iterator[str]:
    number = 0
    for item in _children(node):
        tag = item.tag or ""
        if tag.startswith("-") or tag in _UNSEEN or item.mem_id in page.dropped:
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


def _walk_item(item: LexborNode, page: _Page, depth: int) -> Iterator[Piece]:
    if depth + 1 < _DEEPEST_LIST:
        yield from _walk(item, page, depth + 1)
    else:
        yield "paragraph", _squeeze(_plain(item, page)), None


def _definitions(node: LexborNode, page: _Page, depth: int) -> Iterator[str]:
    """Each term with what is said about it."""
    lines: list[str] = []
    ended = False
    todo = [*reversed(_children(node))]
    while todo:
        child = todo.pop()
        tag = child.tag or ""
        if child.mem_id in page.dropped or tag.startswith("-") or tag in _UNSEEN:
            continue
        if tag == "div":  # groups of dt and dd may be wrapped
            todo.extend(reversed(_children(child)))
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
    todo = _children(table)
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag == "table" or tag in _HEADINGS:
            return True
        cells += tag in ("td", "th")
        todo.extend(_children(node))
    return cells <= 1


def _table(table: LexborNode, page: _Page) -> Iterator[Piece]:
    rows: list[list[Cell]] = []
    todo = [*reversed(_children(table))]
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag.startswith("-") or node.mem_id in page.dropped:
            continue
        if tag == "caption":
            yield "paragraph", _squeeze(_plain(node, page)), None
        elif tag in ("thead", "tbody", "tfoot"):
            todo.extend(reversed(_children(node)))
        elif tag == "tr":
            rows.append(
                [
                    Cell(
                        _squeeze(_plain(cell, page)),
                        _span(cell, "colspan"),
                        _span(cell, "rowspan"),
                    )
                    for cell in _children(node)
                    if cell.tag in ("td", "th")
                ]
            )
    yield "table", rows_to_text(rows), None


def _span(cell: LexborNode, name: str) -> int:
    value = (cell.attributes.get(name) or "1").strip()
    return int(value) if value.isdecimal() and len(value) < 5 else 1


def _plain(root: LexborNode, page: _Page | None = None) -> str:
    """All text under an element; blocks inside it are set apart by a space."""
    pieces: list[str] = []
    todo = [*reversed(_children(root))]
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag == "-text":
            pieces.append(node.text_content or "")
        elif tag == "br":
            pieces.append("\n")
        elif tag in _UNSEEN or tag.startswith("-") or (page and node.mem_id in page.dropped):
            continue
        else:
            if tag in _BLOCKS:
                pieces.append(" ")
            todo.extend(reversed(_children(node)))
    return "".join(pieces)


def _in_admonition(heading: LexborNode) -> bool:
    """The heading of a note box opens no section: what follows the box is not part of it."""
    box = heading.parent
    if box is None or box.tag in ("body", "main", "article", "section", "html"):
        return False
    return bool(set((box.attributes.get("class") or "").lower().split()) & _ADMONITIONS)


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=True))


def _squeeze(text: str) -> str:
    return " ".join(text.replace("\u00ad", "").replace(_LINE, " ").split())
