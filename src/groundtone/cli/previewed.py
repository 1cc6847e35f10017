"""Training sequences shown: in colours in the terminal, on a page, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundtone.tuning.preview import Preview

PARTS = {"read": "read", "asked": "asked", "learned": "learned"}
_STYLES = {"read": "dim", "asked": "cyan", "learned": "bold black on green"}


def as_document(file: Path, found: list[Preview]) -> dict[str, Any]:
    """The shape that ``tune preview --json`` prints."""
    return {
        "file": file,
        "line": found[0].line,
        "sequences": [
            {
                "kind": one.kind,
                "counts": {part: one.count(part) for part in PARTS},
                "tokens": [
                    {"id": t.id, "text": t.text, "part": t.part, "trained": t.trained}
                    for t in one.tokens
                ],
            }
            for one in found
        ],
    }


def shown(found: list[Preview]) -> list[Any]:
    """The sequences for people; where there are no colours, marks stand around what is learned."""
    import sys

    from rich.text import Text

    plain = not sys.stdout.isatty()
    parts: list[Any] = []
    for number, one in enumerate(found, 1):
        title = f"Line {one.line}, sequence {number} of {len(found)} ({one.kind}): " + ", ".join(
            f"{one.count(part)} {part}" for part in PARTS
        )
        text = Text()
        for part, said in one.runs:
            shown = f"⟦{said}⟧" if plain and part == "learned" else said
            text.append(shown, style=_STYLES[part])
        parts += [title, text, ""]
    parts.append(
        "⟦ ⟧ marks what is learned: only these tokens count in the loss."
        if plain
        else Text("This is learned", style=_STYLES["learned"]) + Text(", and nothing else.")
    )
    return parts


def write_page(file: Path, found: list[Preview], out: Path) -> None:
    """Write the sequences as one page that needs nothing else.

    Raises:
        WrongUse: it cannot be written.
    """
    from groundtone.cli.pages import write

    write("preview.html.j2", out, file=file, found=found, parts=PARTS)
