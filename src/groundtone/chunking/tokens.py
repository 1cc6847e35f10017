"""Where the tokens of a document begin and end: it is tokenised once, the rest is arithmetic."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from groundtone.documents.document import Document

Encode = Callable[[str], Sequence[tuple[int, int]]]
"""Text -> character span of each token, without special tokens."""

# A long document is tokenised in pieces of about this many characters: memory stays bounded.
_PIECE = 100_000


class Tokens:
    """The tokens of one document.

    Attributes:
        starts, ends: character positions in ``Document.text``, a token each, ascending.
    """

    def __init__(self, document: Document, encode: Encode) -> None:
        self.text = document.text
        self.encode = encode
        self.starts = array("q")
        self.ends = array("q")
        for at, to in _pieces(document):
            for start, end in encode(document.text[at:to]):
                if end > start:
                    self.starts.append(at + start)
                    self.ends.append(at + end)

    def before(self, position: int) -> int:
        """How many tokens begin before a character position."""
        return bisect_left(self.starts, position)

    def fits(self, start: int, end: int, room: int) -> bool:
        """Whether a span that counts at most ``room`` tokens here has no more by itself.

        Counting tokens of the whole document is exact only for spans that cut no word.
        """
        text = self.text
        if (start == 0 or text[start - 1].isspace()) and text[end - 1 : end + 1].strip() != (
            text[end - 1 : end + 1]
        ):
            return True
        return len(self.encode(text[start:end])) <= room


def _pieces(document: Document) -> Iterator[tuple[int, int]]:
    """Spans to tokenise at once, cut between blocks, or at white space inside a huge one."""
    if not document.blocks:
        return
    start = document.blocks[0].start
    for block in document.blocks:
        if block.end - start > _PIECE and block.start > start:
            yield start, block.start
            start = block.start
        while block.end - start > _PIECE:
            cut = max(document.text.rfind(mark, start, start + _PIECE) for mark in ("\n", " "))
            cut = cut if cut > start else start + _PIECE
            yield start, cut
            start = cut
    yield start, document.blocks[-1].end
