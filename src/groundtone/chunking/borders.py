"""The places where a section may be cut: between blocks, sentences, rows, lines, definitions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from groundtone.chunking.tokens import Tokens
from groundtone.documents.document import Block

# A cut may lie this many tokens further from the ideal place to be at a better border.
_BLOCK = 0
_DEFINITION = 8
_LINE = 24
_SENTENCE = 32
_LOOSE_LINE = 64
_PART = 64  # after a blank line inside a definition: the methods of a class
_INNER_LINE = 1000  # any other line of a definition: only if nothing better is in reach
_BREAKS = re.compile(r"[.!?][\"')\]*_`]{0,4}\s+(?=[\"'(\[*_`]{0,4}[A-Z0-9])|[。！？]\s*|\n\s*")
_CLOSING = re.compile(r"[ \t]*(?:[\])};,]|end\b|else\b|elif\b|except\b|finally\b|catch\b)")


class Borders:
    """The borders of one section, found when the first of them is asked for."""

    def __init__(self, blocks: Sequence[Block], tokens: Tokens) -> None:
        self._blocks = blocks
        self._tokens = tokens
        self._prepared = False
        self._at: list[int] = []
        self._cost: list[int] = []

    def best(self, low: int, ideal: int, high: int, *, forced: bool = True) -> int:
        """Number of the token to cut before, low..high; -1 if nothing suits and none is forced."""
        self._prepare()
        best, best_cost = -1, 0
        for at in range(bisect_left(self._at, low), len(self._at)):
            token = self._at[at]
            if token > high:
                break
            cost = abs(token - ideal) + self._cost[at]
            if best < 0 or cost < best_cost:
                best, best_cost = token, cost
        if best >= 0 or not forced:
            return best
        for distance in range(max(high - ideal, ideal - low) + 1):
            for token in (ideal - distance, ideal + distance):
                if low <= token <= high and self._begins_word(token):
                    return token
        return ideal

    def _begins_word(self, token: int) -> bool:
        start = self._tokens.starts[token]
        return start > 0 and self._tokens.text[start - 1].isspace()

    def _prepare(self) -> None:
        if self._prepared:
            return
        self._prepared = True
        cost_at: dict[int, int] = {}
        for number, block in enumerate(self._blocks):
            places = self._inside(block)
            if number and self._blocks[number - 1].kind != "heading":
                places = [(block.start, _BLOCK), *places]
            for place, cost in places:
                token = self._tokens.before(place)
                if token < len(self._tokens.starts):
                    cost_at[token] = min(cost_at.get(token, cost), cost)
        self._at = sorted(cost_at)
        self._cost = [cost_at[token] for token in self._at]

    def _inside(self, block: Block) -> list[tuple[int, int]]:
        """Borders within a block, as (position, cost)."""
        if block.kind == "code":
            return list(_code_lines(self._tokens.text, block))
        found = []
        for match in _BREAKS.finditer(self._tokens.text, block.start, block.end):
            line_end = "\n" in match[0]
            if block.kind == "table":
                cost = _LINE if line_end else -1
            elif block.kind == "list":
                cost = _LINE if line_end else _SENTENCE
            else:
                cost = _LOOSE_LINE if match[0].isspace() else _SENTENCE
            if cost >= 0:
                found.append((match.end(), cost))
        return found


def _code_lines(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Line starts of code: best where a definition begins, that is at the least indentation."""
    lines: list[tuple[int, int, bool, bool]] = []  # position, depth, after a blank one, closing
    at, blank = block.start, False
    for line in text[block.start : block.end].splitlines(keepends=True):
        inner = line.lstrip(" \t")
        if inner.strip():
            depth = len(line) - len(inner)
            lines.append((at + depth, depth, blank, _CLOSING.match(line) is not None))
        blank = not inner.strip()
        at += len(line)
    least = min((depth for _, depth, _, _ in lines), default=0)
    for place, depth, blank, closing in lines[1:]:
        if depth > least or closing:
            yield place, _PART if blank and not closing else _INNER_LINE
        else:
            yield place, _DEFINITION if blank else _LINE
