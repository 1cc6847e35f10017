"""The words of HTML elements, and tables among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.webpage import HEADINGS, UNSEEN, Page, children, names

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LINE = "\0"
"""Stands for a line break until white space has been squeezed."""
BLOCKS = names(
    "address article aside blockquote body center details dd div dl dt fieldset figcaption figure"
    " footer form header hr html legend li main nav ol p section summary table tbody td tfoot th"
    " thead tr ul caption"
)
_NAMING = names("caption thead th")
_SMALL_TABLE = 300


def plain(root: LexborNode, page: Page | None = None) -> str:
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
            if tag in BLOCKS:
                pieces.append(" ")
            todo.extend(reversed(children(node)))
    return "".join(pieces)


def squeeze(text: str) -> str:
    """On one line, single spaces, no soft hyphens."""
    return " ".join(text.replace("\u00ad", "").replace(LINE, " ").split())


def is_layout(table: LexborNode) -> bool:
    """Tables that only place things on the page; their cells are ordinary content.

    Headings and tables in cells say so, but not a heading in a cell that names a column, nor, in a
    table that names its columns, a small table that does not.
    """
    if (table.attributes.get("role") or "").lower() in ("presentation", "none"):
        return True
    cells = 0
    naming = placing = False
    inner: list[LexborNode] = []
    todo = children(table)
    while todo:
        node = todo.pop()
        tag = node.tag or ""
        if tag == "table":
            inner.append(node)
            continue
        placing = placing or tag in HEADINGS
        cells += tag in ("td", "th")
        naming = naming or tag in _NAMING
        if tag != "th":
            todo.extend(children(node))
        elif node.css_first("h1, h2") is not None:  # the page's own
            placing = True
    return cells <= 1 or placing or not (naming or not inner) or not all(map(_is_small, inner))


def _is_small(table: LexborNode) -> bool:
    """A table that can be said in a cell of another."""
    todo = children(table)
    while todo:
        node = todo.pop()
        if node.tag == "table" or node.tag in _NAMING or node.tag in HEADINGS:
            return False
        todo.extend(children(node))
    return len(squeeze(plain(table))) <= _SMALL_TABLE


def table_text(table: LexborNode, page: Page) -> tuple[list[str], str, int]:
    """(captions, the rows as lines, how many of the first lines name the columns)"""
    captions: list[str] = []
    rows: list[list[Cell]] = []
    heads = 0  # rows at the top that name the columns
    todo = [(child, False) for child in reversed(children(table))]
    while todo:
        node, in_head = todo.pop()
        tag = node.tag or ""
        if tag.startswith("-") or node.mem_id in page.dropped:
            continue
        if tag == "caption":
            captions.append(squeeze(plain(node, page)))
        elif tag in ("thead", "tbody", "tfoot"):
            todo.extend((child, tag == "thead") for child in reversed(children(node)))
        elif tag == "tr":
            cells = [cell for cell in children(node) if cell.tag in ("td", "th")]
            if heads == len(rows) and (in_head or all(cell.tag == "th" for cell in cells)):
                heads += 1
            rows.append(
                [
                    Cell(squeeze(plain(cell, page)), _span(cell, "colspan"), _span(cell, "rowspan"))
                    for cell in cells
                ]
            )
    shown = sum(any(cell.text for cell in row) for row in rows[:heads])
    text = rows_to_text(rows)
    return captions, text, shown if shown <= text.count("\n") else 0


def _span(cell: LexborNode, name: str) -> int:
    value = (cell.attributes.get(name) or "1").strip()
    return int(value) if value.isdecimal() and len(value) < 5 else 1
