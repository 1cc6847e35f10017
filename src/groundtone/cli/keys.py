"""``groundtone keys``: who may use the server, for what, and how much."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from groundtone.catalog.records import DEFAULT_COLLECTION, PERIODS, SCOPES
from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Who may use the server.")


@app.command(short_help="Make a key; it is shown once.")
def create(
    scope: Annotated[
        str,
        typer.Option(
            "--scope", metavar="SCOPES", help=f"Of {', '.join(SCOPES)}; several with commas."
        ),
    ] = "chat",
    collections: Annotated[
        str | None,
        typer.Option(
            "--collections",
            metavar="NAMES",
            show_default=False,
            help="Only these, with commas. Default: all.",
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            metavar="NAMES",
            show_default=False,
            help="Sees what is for everybody or one of these groups; - is nobody's. "
            "Default: every document.",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("--rate", metavar="N/PERIOD", show_default=False, help="Requests: 60/min."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="USD/PERIOD", show_default=False, help="Money for models: 5usd/day."
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", show_default=False, help="Whose it is.")
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once and kept nowhere, only its digest is."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    allowance = _per("--rate", rate)
    with Workspace.open(workspace) as opened:
        there = {DEFAULT_COLLECTION, *(one.name for one in opened.catalog.collections())}
        key, secret = opened.catalog.create_key(
            _names(scope) or [],
            name=name,
            collections=_names(collections),
            groups=_names(groups),
            rate=None if allowance is None else (int(allowance[0]), allowance[1]),
            budget=_per("--budget", budget, "usd"),
        )
    out.document({"id": key.id, "key": secret, **key.to_json()})
    out.show(secret)
    out.note(f"This is {key.id}. It is not shown again: keep it now.")
    for missing in sorted(set(key.collections or ()) - there):
        out.note(
            f"warning: there is no collection {missing!r} yet (there are: "
            f"{', '.join(sorted(there))}); the key sees nothing of it until it is made"
        )


@app.command("list", short_help="Show all keys, without their secrets.")
def list_(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show all keys: what each may do, when it was used last, whether it was revoked."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = opened.catalog.list_keys()
    out.document([key.to_json() for key in found])
    if not found:
        out.show("There are no keys: the server serves this machine alone.")
        return
    rows = table("id", "name", "scopes", "collections", "groups", "rate", "budget", "used")
    for key in found:
        told = key.to_json()
        rows.add_row(
            key.id,
            key.name,
            ",".join(key.scopes),
            "all" if key.collections is None else ",".join(key.collections),
            "all" if key.groups is None else ",".join(key.groups) or "-",
            told["rate"] or "–",
            told["budget"] or "–",
            "revoked" if key.revoked_at else _when(key.used_at),
        )
    out.show(rows)


@app.command(short_help="Make a key useless.")
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="An id of `keys list`.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key useless; running servers refuse it within a second."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        key = opened.catalog.revoke_key(id)
    out.document(key.to_json())
    out.show(f"{key.id} is revoked.")


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip() not in ("", "-")]


def _per(option: str, text: str | None, unit: str = "") -> tuple[float, int] | None:
    """``60/min`` as 60 in so many seconds.

    Raises:
        WrongUse: it has another form.
    """
    if text is None:
        return None
    number = r"\d+(?:\.\d+)?" if unit else r"\d+"
    match = re.fullmatch(rf"({number})\s*{unit}\s*/\s*({'|'.join(PERIODS)})", text.strip().lower())
    if match is None or float(match[1]) <= 0:
        example = f"5{unit}/day" if unit else "60/min"
        raise WrongUse(
            f"{option} {text!r} cannot be read.",
            f"Write it like {example}; the periods are {', '.join(PERIODS)}.",
        )
    return float(match[1]), PERIODS[match[2]]


def _when(moment: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else "never"
