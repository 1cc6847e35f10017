"""``groundtone mcp``: the workspace as tools, by the Model Context Protocol."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from groundtone.cli.options import CollectionOption, GroupOption, JsonOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import GroundtoneError, MissingExtra

HERE = "127.0.0.1"


def mcp(
    http: Annotated[
        bool,
        typer.Option("--http", help="Streamable HTTP on this machine, not standard input/output."),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="With --http; 0: any free one."),
    ] = 8001,
    collection: CollectionOption = None,
    group: GroupOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give assistants three tools by the Model Context Protocol: search, ask, open_document.

    An assistant starts it and talks over standard input and output; with --http it is started
    first, and reached from this machine alone. It sees what --collection and --group let it see.
    """
    try:
        from groundtone.mcp import serving
    except ModuleNotFoundError as error:
        raise MissingExtra("The MCP server", "mcp") from error
    from groundtone.mcp.tools import Tools
    from groundtone.workspace import Workspace

    groups = None if group is None else [one for one in group if one != "-"]
    with Workspace.open(workspace) as opened:
        opened.limits(collections=collection, groups=groups)  # names what does not exist, now
        server = serving.serve(Tools(opened, collections=collection, groups=groups))
        if not http:
            serving.run_stdio(server)
            return
        try:
            listening = socket.create_server((HERE, port))
        except OSError as error:
            raise GroundtoneError(
                f"{HERE}:{port} cannot be listened on: {error.strerror}.",
                "Choose another with --port.",
            ) from None
        url = f"http://{HERE}:{listening.getsockname()[1]}{serving.PATH}"
        out = Output(as_json)
        out.line({"event": "serving", "url": url, "workspace": opened.folder.resolve()})
        out.show(f"Serving {opened.folder.resolve()} on {url}")
        serving.run_http(server, listening)
