"""The exact tokens of an example as training sees them, and which of them are learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from groundtone.tuning.rendering import Rendered


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its id, its text (pieces of one letter have none but the last), its part.

    ``part``: ``read`` (passages and voice; under an activated adapter the base alone reads them),
    ``asked`` (the question) or ``learned`` (the answer and the token that ends it: in the loss).
    """

    id: int
    text: str
    part: str

    @property
    def trained(self) -> bool:
        """Whether its prediction counts in the loss."""
        return self.part == "learned"


@dataclass(frozen=True, slots=True)
class Preview:
    """One training sequence: the example's line, what it is (``grounded``, …), its tokens."""

    line: int
    kind: str
    tokens: tuple[Token, ...]

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(part, text) of neighbouring tokens of one part."""
        return [
            (part, "".join(token.text for token in run))
            for part, run in groupby(self.tokens, lambda token: token.part)
        ]

    def count(self, part: str) -> int:
        """Tokens of a part."""
        return sum(token.part == part for token in self.tokens)


def preview(row: Rendered, decode: Callable[[Sequence[int]], str]) -> Preview:
    """Show a rendered example.

    Args:
        decode: ids to text, special tokens shown.
    """
    tokens: list[Token] = []
    for part, ids in (("read", row.prefix), ("asked", row.question), ("learned", row.answer)):
        waiting: list[int] = []  # bytes of a letter that is not yet whole
        for id in ids:
            waiting.append(id)
            text = decode(waiting)
            whole = not text.endswith("\ufffd")
            tokens.append(Token(id, text if whole else "", part))
            if whole:
                waiting = []
        if waiting:
            last = tokens[-1]
            tokens[-1] = Token(last.id, decode(waiting), last.part)
    return Preview(row.line, row.kind, tuple(tokens))
