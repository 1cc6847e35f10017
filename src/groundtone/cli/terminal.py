"""A console on which the text of documents and models is only ever text."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from groundtone.cli.output import visible


class TextConsole(Console):
    """Prints what a terminal would obey as a sign; what rich itself says to it stays.

    Everything that is printed passes here as segments: strings, cells of tables, and the words of
    an answer while they stream by.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None:
                yield segment._replace(text=visible(segment.text))
            else:
                yield segment
