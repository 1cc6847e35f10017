"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.index.filters import Filter
    from groundtone.workspace import Workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        show_default=False,
        help="The workspace; default: the nearest folder upward with a groundtone.toml.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")
]
JsonLinesOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line while it works.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        show_default=False,
        help="The model that answers: a name of `models list`, its suffix, or base. "
        "Default: the one in use.",
    ),
]
HeldOutOption = Annotated[
    Path | None,
    typer.Option(
        "--held-out",
        metavar="FILE",
        show_default=False,
        help="Examples or questions that must share nothing with the training file.",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        min=1,
        max=100,
        show_default=False,
        help="Passes over the examples.",
    ),
]
ContextsOption = Annotated[
    int | None,
    typer.Option(
        "--contexts",
        metavar="N",
        min=1,
        max=16,
        show_default=False,
        help="Different sets of passages that each example is shown with.",
    ),
]
WithoutDocumentsOption = Annotated[
    bool,
    typer.Option(
        "--without-documents",
        help="Show no example with documents, and teach answers exactly as written.",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", min=1, show_default=False, help="Use only the first so many."
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Of everything that is drawn.")
]
DraftFileOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", show_default=False, help="Where they go: new.")
]
DraftCountOption = Annotated[
    int, typer.Option("--count", metavar="N", min=1, max=100_000, help="So many at most.")
]
DraftModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="ENGINE",
        show_default=False,
        help="A chat engine that writes them, such as openai:MODEL. Default: rules, offline.",
    ),
]
BesideOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--beside",
        metavar="FILE",
        show_default=False,
        help="Examples or questions that must not be asked again; may be given again.",
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        show_default=False,
        help="Only documents of this type, path, source, or name from front matter; "
        "VALUE|VALUE for either. Given several times, all must hold.",
    ),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        show_default=False,
        help="As somebody of this group sees it (may be given several times; - is nobody's). "
        "Default: the owner, who sees everything.",
    ),
]
CollectionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        show_default=False,
        help="Only documents of this collection (may be given several times). Default: of all.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        show_default=False,
        help="Documents changed on this day or later.",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="DATE",
        show_default=False,
        help="Documents changed on this day or before.",
    ),
]


def limits(
    workspace: Workspace,
    where: list[str] | None,
    groups: list[str] | None,
    since: str | None,
    until: str | None,
    collections: list[str] | None = None,
) -> Filter:
    """The filter that these options ask for."""
    named = None if groups is None else [group for group in groups if group != "-"]
    return workspace.limits(
        where or (), collections=collections or None, groups=named, since=since, until=until
    )


def must_be_new(file: Path) -> None:
    """Raise for a file that is there: nothing is written over.

    Raises:
        WrongUse: it is.
    """
    if file.exists():
        raise WrongUse(f"{file} is there already.", "Name another file, or move it away.")
