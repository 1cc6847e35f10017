"""``groundtone inspect``: what was understood of one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, dump, table
from groundtone.errors import NoWorkspace, WrongUse

if TYPE_CHECKING:
    from groundtone.inspection import Inspection, SeenDocument
    from groundtone.settings import Settings

BEGINNING = 44  # characters of a text shown in a row


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="OUT.html",
            show_default=False,
            help="Write one page with everything, for PDFs with pictures of the pages.",
        ),
    ] = None,
    pages: Annotated[
        int, typer.Option("--pages", metavar="N", min=0, help="PDF pages pictured at most.")
    ] = 40,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is understood of a file: outline, tables, chunks and their boundaries.

    It is read and cut as a sync would, with the settings of the workspace here, or else the
    defaults; nothing is stored.
    """
    from groundtone.embedding import open_embedder
    from groundtone.inspection import inspect_file
    from groundtone.inspection.page import render

    if not file.exists():
        raise WrongUse(f"There is no {file}.", "Name a file that exists.")
    if file.is_dir():
        raise WrongUse(f"{file} is a folder.", "Name one file; `groundtone sync` reads folders.")
    out = Output(as_json)
    settings = _settings(workspace)
    embedder = open_embedder(settings.embedding.model, threads=1)
    found = inspect_file(file, embedder, settings.chunking, max_bytes=settings.sync.max_bytes)
    out.document(found.to_json() | {"html": html})
    _show(found, out)
    if html is not None:
        _write(html, render(found, pages=pages))
        out.show(f"The page is {html}.")
    if found.failed:
        raise typer.Exit(1)


def _settings(workspace: Path | None) -> Settings:
    from groundtone.settings import Settings
    from groundtone.workspace import Workspace

    try:
        with Workspace.open(workspace) as opened:
            return opened.settings
    except NoWorkspace:
        if workspace is not None:
            raise
        return Settings()


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be written: {error.strerror}.", "Name another --html FILE."
        ) from None


def _show(found: Inspection, out: Output) -> None:
    if len(found.documents) > 1:
        out.show(f"{found.path.name}: {len(found.documents):,} documents\n")
    for number, seen in enumerate(found.documents):
        if number:
            out.show("")
        _show_document(found, seen, out)
    for name, reason in found.failed:
        out.show(f"failed  {name}: {reason}")
    if found.skipped:
        kinds = ", ".join(
            f"{count} {suffix or 'without ending'}" for suffix, count in found.skipped
        )
        out.show(f"skipped  of kinds that are not read: {kinds}")


def _show_document(found: Inspection, seen: SeenDocument, out: Output) -> None:
    document = seen.document
    name = f"{found.path.name}!/{seen.name}" if seen.name else found.path.name
    out.show(f"{name} · {document.media_type}")
    lines = [("title", document.title)]
    if seen.pages:
        lines.append(("pages", f"{seen.pages:,}"))
    lines.append(("size", f"{len(document.text):,} characters, {seen.tokens:,} tokens"))
    lines.append(("blocks", ", ".join(f"{n:,} {kind}" for kind, n in seen.kinds.items()) or "none"))
    lines += [("note", note) for note in document.notes]
    _show_pairs(lines, out)
    if document.metadata:
        out.show("\nMetadata")
        _show_pairs([(key, _plain(value)) for key, value in document.metadata.items()], out)
    if seen.outline:
        out.show("\nOutline")
        top = min(heading.level for heading in seen.outline)
        for heading in seen.outline:
            page = f"  p. {heading.page}" if heading.page else ""
            out.show(f"  {'  ' * (heading.level - top)}{heading.title}{page}")
    if seen.tables:
        _show_tables(seen, out)
    _show_chunks(seen, out)


def _show_pairs(lines: Sequence[tuple[str, str]], out: Output) -> None:
    wide = max(len(key) for key, _ in lines)
    for key, value in lines:
        out.show(f"  {key:<{wide}}  {value}")


def _show_tables(seen: SeenDocument, out: Output) -> None:
    rows = table("page", "rows", "header", "under", right=("page", "rows"))
    for one in seen.tables:
        rows.add_row(
            str(one.page or "–"),
            f"{one.rows:,}",
            _beginning(one.header) or "–",
            one.headings[-1] if one.headings else "",
        )
    out.show("\nTables", rows)


def _show_chunks(seen: SeenDocument, out: Output) -> None:
    numbers = ("chunk", "characters", "tokens", "windows", "page")
    rows = table(*numbers, "begins", right=numbers)
    for one in seen.chunks:
        chunk = one.chunk
        rows.add_row(
            str(chunk.ordinal),
            f"{chunk.start:,} to {chunk.end:,}",
            f"{one.tokens:,}",
            " ".join(map(str, one.windows)),
            str(chunk.page or "–"),
            _beginning(seen.document.text[chunk.start : chunk.end]),
        )
    windows = sum(len(one.windows) for one in seen.chunks)
    out.show(f"\nChunks: {len(seen.chunks):,}, found by {windows:,} windows", rows)


def _beginning(text: str) -> str:
    line = " ".join(text[: 4 * BEGINNING].split())
    return line if len(line) <= BEGINNING else line[:BEGINNING].rstrip() + " …"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else dump(value)
