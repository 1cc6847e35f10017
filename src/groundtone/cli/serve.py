"""``groundtone serve``: the workspace behind OpenAI's HTTP API."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import GroundtoneError, MissingExtra, WrongUse


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; 0.0.0.0: everywhere.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: any that is free.")
    ] = 8000,
    pages: Annotated[bool, typer.Option(help="Serve the web pages too.")] = True,
    worker: Annotated[
        bool, typer.Option(help="Carry out jobs too (tuning, syncs), in a process beside.")
    ] = True,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer over HTTP, as OpenAI's API does: documents, models, keys. Ctrl-C ends it.

    Without keys it serves this machine alone.
    """
    try:
        from groundtone.jobs import supervising
        from groundtone.server import running
        from groundtone.server.auth import is_loopback
    except ModuleNotFoundError as error:
        raise MissingExtra("The server", "serve") from error
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        if not is_loopback(host) and not opened.catalog.has_keys():
            raise WrongUse(
                f"{host} can be reached from other machines, and there are no keys.",
                "Make one first: `groundtone keys create --scope chat`; or leave out --host.",
            )
        try:
            listening = running.listen(host, port)
        except OSError as error:
            raise GroundtoneError(
                f"{host}:{port} cannot be listened on: {error.strerror}.",
                "Choose another with --port.",
            ) from None
        running.open_models(opened)
        address = running.address(listening)
        out.line({"event": "serving", "url": f"{address}/v1", "workspace": opened.folder.resolve()})
        out.show(f"Serving {opened.folder.resolve()} on {address} (API: {address}/v1)")
        with supervising.Supervised(opened) if worker else contextlib.nullcontext():
            running.run(opened, listening, pages=pages)
