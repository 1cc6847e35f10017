"""``groundtone chat``: one question after the other, follow-ups understood."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from groundtone.cli.ask import answered, shown
from groundtone.cli.options import (
    CollectionOption,
    GroupOption,
    JsonLinesOption,
    ModelOption,
    SinceOption,
    UntilOption,
    WhereOption,
    WorkspaceOption,
    limits,
)
from groundtone.cli.output import Output


def chat(
    model: ModelOption = None,
    collection: CollectionOption = None,
    where: WhereOption = None,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Ask one question a line; an end of file (Ctrl-D) ends.

    "Why?" or "What about guests?" is searched together with the question it follows. What no
    longer fits the memory is forgotten, and said to be.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    history: list[dict[str, str]] = []
    forgotten = 0
    log: list[str] = []
    keeping = out.keeping(lambda: "The answers so far are in the log." if log else "")
    with Workspace.open(workspace) as opened, keeping:
        seen = limits(opened, where, group, since, until, collection)
        for question in _questions():
            answer = answered(opened, question, model, out, history, seen, log.append)
            out.line(answer.to_json())
            if not as_json:
                if answer.searched != question:
                    out.note(f"Searched for: {answer.searched}")
                out.show(*shown(opened, answer))
            if answer.forgotten > forgotten:
                forgotten = answer.forgotten
                out.note(f"The first {forgotten} questions of this conversation are forgotten.")
            history += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer.bare_text},
            ]


def _questions() -> Iterator[str]:
    """Lines that say something, from a terminal or a pipe."""
    talking = sys.stdin.isatty() and sys.stderr.isatty()
    while True:
        if talking:
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()
