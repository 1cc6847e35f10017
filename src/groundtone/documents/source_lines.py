"""The lines of a text whose markup stands at their beginnings and in their indentation."""

from __future__ import annotations

from groundtone.documents.slicing import line_spans

_TAB = 8


class Lines:
    """Numbered from 0; tabs reach to the next column that 8 divides.

    Args:
        text: the decoded file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._spans = line_spans(text)
        self._indents: list[int] = []
        self._contents: list[str] = []
        for start, end in self._spans:
            line = text[start:end]
            content = line.strip()
            self._contents.append(content)
            blank = line[: len(line) - len(line.lstrip())]
            self._indents.append(len(blank.expandtabs(_TAB)))

    def __len__(self) -> int:
        return len(self._spans)

    def start(self, line: int) -> int:
        """Where a line begins in the text; the text's end for the line after the last."""
        return self._spans[line][0] if line < len(self._spans) else len(self.text)

    def end(self, line: int) -> int:
        """Where a line ends in the text, its line end not counted."""
        return self._spans[line][1]

    def content(self, line: int) -> str:
        """A line without the white space around it."""
        return self._contents[line]

    def content_start(self, line: int) -> int:
        """Where the first sign of a line stands in the text."""
        start, end = self._spans[line]
        return start + (len(self.text[start:end]) - len(self.text[start:end].lstrip()))

    def indent(self, line: int) -> int:
        """Columns of white space before a line's first sign."""
        return self._indents[line]

    def blank(self, line: int) -> bool:
        return not self._contents[line]

    def filled(self, line: int, stop: int) -> int:
        """The first line from `line` on, before `stop`, that is not blank; else `stop`."""
        while line < stop and not self._contents[line]:
            line += 1
        return line

    def run_end(self, line: int, stop: int) -> int:
        """The first blank line from `line` on, before `stop`; else `stop`."""
        while line < stop and self._contents[line]:
            line += 1
        return line

    def deeper_end(self, line: int, stop: int, indent: int) -> int:
        """The line after the last of those from `line` on that are indented by more than `indent`,
        with the blank ones between them."""
        last = line
        for at in range(line, stop):
            if self._contents[at]:
                if self._indents[at] <= indent:
                    break
                last = at + 1
        return last
