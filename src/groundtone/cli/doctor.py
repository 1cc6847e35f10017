"""``groundtone doctor``: what is right, what is not, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundtone.cli import cluster
from groundtone.cli.findings import CODES, Finding, Level, free, safely
from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import GroundtoneError, NoWorkspace

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

DEFAULT = (
    "jinja2",
    "lancedb",
    "numpy",
    "onnxruntime",
    "openai",
    "pydantic_settings",
    "pypdfium2",
    "docx",
    "selectolax",
    "sqlalchemy",
    "tokenizers",
    "xllamacpp",
    "gguf",
)
EXTRAS = {"tune": ("torch", "transformers", "peft", "safetensors"), "style": ("jsonschema",)}
PURPOSE = {"tune": "tuning", "style": "styles with a JSON schema"}


def doctor(
    across: Annotated[
        bool,
        typer.Option(
            "--cluster", help="Check the services that the settings name, from this machine."
        ),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation, the weights and the workspace, each with its remedy.

    Exit code 0: all is well; 1: something needs attention; 3: something does not work.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    found = [] if across else [_python(), *_packages(), *_weights(), _room()]
    try:
        with Workspace.open(workspace) as opened:
            found += cluster.look(opened) if across else _look(opened)
    except NoWorkspace as error:
        level: Level = "ok" if workspace is None and not across else "fail"
        found.append(Finding(level, "workspace", "none here", error.remedy))
    except GroundtoneError as error:
        found.append(Finding("fail", "workspace", error.message, error.remedy))
    worst = max((finding.level for finding in found), key=CODES.__getitem__)
    out.document({"status": worst, "checks": found})
    for finding in found:
        out.show(f"{finding.level:<4}  {finding.name:<10} {finding.text}")
        if finding.remedy:
            out.show(f"{'':<17}→ {finding.remedy}")
    if worst != "ok":
        raise typer.Exit(CODES[worst])


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("ok", "python", f"{version} ({sys.executable})")


def _packages() -> Iterator[Finding]:
    from groundtone import __version__

    missing = _absent(DEFAULT)
    if missing:
        remedy = "Run `pip install --force-reinstall groundtone`."
        yield Finding("fail", "packages", f"missing: {', '.join(missing)}", remedy)
    else:
        yield Finding("ok", "packages", f"groundtone {__version__} with all it needs")
    for extra, modules in EXTRAS.items():
        gone = _absent(modules)
        remedy = f"For {PURPOSE[extra]}: pip install 'groundtone[{extra}]'" if gone else ""
        text = f"{extra}: " + (f"not installed ({', '.join(gone)})" if gone else "installed")
        yield Finding("ok", "extra", text, remedy)


def _absent(modules: Iterable[str]) -> list[str]:
    from importlib.util import find_spec

    return [name for name in modules if find_spec(name) is None]


def _weights() -> Iterator[Finding]:
    from groundtone import weights

    for name in weights.KNOWN:
        try:
            path = weights.verify(name)
        except GroundtoneError as error:
            yield Finding("fail", "weights", error.message, error.remedy)
        else:
            yield Finding("ok", "weights", f"{name}: sha256 as pinned ({path})")


def _room() -> Finding:
    from groundtone import weights

    return free(weights.cache_dir(), "cache")


def _look(workspace: Workspace) -> Iterator[Finding]:
    yield Finding("ok", "workspace", f"{workspace.folder.resolve()}: settings are right")
    yield free(workspace.state, "workspace")
    for check in (_documents, _index, _lock, _style, _model, _runs):
        yield from safely(check, workspace, "Run `groundtone sync --rebuild`.")


def _documents(workspace: Workspace) -> Iterator[Finding]:
    documents, chunks = workspace.catalog.counts()
    if not documents:
        yield Finding("ok", "documents", "none yet", "Run `groundtone sync FOLDER`.")
    else:
        yield Finding("ok", "documents", f"{documents:,} documents, {chunks:,} chunks")
    for source in workspace.sources():
        if isinstance(source, Path) and not source.exists():  # an address is asked by sync alone
            yield Finding(
                "warn",
                "source",
                f"{source} is gone; its documents are still answered from",
                "Bring it back, sync what took its place, or run `groundtone forget`.",
            )


def _index(workspace: Workspace) -> Iterator[Finding]:
    from groundtone import weights

    built = workspace.catalog.fact("embedding")
    if built is None or not weights.present(workspace.settings.embedding.model):
        return
    fingerprint = workspace.embedder.fingerprint
    if built != fingerprint:
        yield Finding(
            "fail",
            "index",
            f"built with {built}, the settings name {fingerprint}",
            "Set [embedding] model back, or run `groundtone sync --rebuild`.",
        )
        return
    index = workspace.indexes.current(workspace.embedder.dimensions)
    held = index.versions()
    live = {info.version for info in workspace.catalog.documents() if info.chunk_count}
    lost, stale = len(live - held), len(held - live)
    if lost:
        yield Finding("warn", "index", f"{lost} documents are not in it", "Run `groundtone sync`.")
    if stale:
        yield Finding(
            "warn",
            "index",
            f"it holds {stale} documents that are no longer live; they are never shown",
            "Run `groundtone sync`.",
        )
    if not lost and not stale:
        yield Finding("ok", "index", f"{index.count():,} windows, in step with the catalog")


def _lock(workspace: Workspace) -> Iterator[Finding]:
    from groundtone.errors import Busy
    from groundtone.syncing.guarding import alone

    try:
        with alone(workspace.state, workspace.catalog):
            yield Finding("ok", "lock", "free")
    except Busy as error:
        yield Finding("ok", "lock", error.message)


def _style(workspace: Workspace) -> Iterator[Finding]:
    style = workspace.style()
    text = f"style.toml: {style.name or 'unnamed'}" if style else "no style.toml; form is inferred"
    yield Finding("ok", "style", text)


def _model(workspace: Workspace) -> Iterator[Finding]:
    active = workspace.model_name()
    if active == workspace.settings.chat.model:
        yield Finding("ok", "model", f"in use: {active} (base)")
        return
    stored = workspace.catalog.get_model(active)
    if stored is None or stored.base != workspace.settings.chat.model:
        base = stored.base if stored else "an unknown base"
        yield Finding(
            "fail",
            "model",
            f"{active} is in use, but was tuned from {base}",
            f"Set [chat] model to {base}, or run `groundtone models use base`.",
        )
    elif stored.path and not (workspace.state / stored.path).is_file():
        yield Finding(
            "fail",
            "model",
            f"the adapter of {active} is gone: {workspace.state / stored.path}",
            "Bring it back, or run `groundtone models rollback`.",
        )
    else:
        yield Finding("ok", "model", f"in use: {active}")


def _runs(workspace: Workspace) -> Iterator[Finding]:
    from groundtone.workspace.tune import find

    for stored in workspace.catalog.list_runs(limit=20):
        status = find(workspace, stored.id).status
        if status in ("interrupted", "trained"):
            what = "was killed" if status == "interrupted" else "has trained but was not measured"
            yield Finding(
                "warn", "run", f"{stored.id} {what}", f"Run `groundtone tune resume {stored.id}`."
            )
