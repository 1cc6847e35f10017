"""What the workspace knows: collections, what is in each, what could not be read, and why."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from nicegui import ui

from groundtone.catalog import DocumentInfo, Source
from groundtone.errors import GroundtoneError
from groundtone.web import progress, syncs
from groundtone.web.contents import contents
from groundtone.web.elements import (
    badge,
    button,
    choice,
    empty,
    field,
    form,
    link,
    node,
    picture,
)
from groundtone.web.layout import Visit, announce, confirm, dialog, frame

SHOWN = 200  # documents in the list; the rest is found by name
OFTEN = 0.4  # seconds between two looks at a sync


@ui.page("/documents")
async def documents(request: Request, collection: str = "") -> None:
    """Collections and their documents."""
    with frame(request, "documents", "Documents") as here:
        if not here.visitor.may("files"):
            empty("Not with this key", "Your key does not have the scope “files”.")
            return
        await DocumentsPage(here, collection).show()


class DocumentsPage:
    """One view of a collection, which follows what a sync does."""

    def __init__(self, here: Visit, collection: str) -> None:
        self._here, self._wanted = here, collection
        self._filter = ""
        self._started: set[str] = set()  # syncs whose end this page has yet to show
        self._shown = ""

    async def show(self) -> None:
        """Make the page."""
        found = await asyncio.to_thread(contents, self._here, self._wanted)
        self._found = found
        with node("div", classes="page-head"):
            node("h1", "Documents")
            with node("div", classes="choices"):
                names = [(name, name) for name in found.names]
                choice("Collection", names, found.collection, _go)
                if self._here.visitor.unlimited:
                    button("New", self._new_collection, "quiet", icon="add")
        self._state = node("div", classes="sync-state", aria_live="polite")
        if found.collection:
            self._add()
        self._list = node("div")
        self._fill()
        ui.timer(OFTEN, self._follow)

    # -- adding -----------------------------------------------------------------------------

    def _add(self) -> None:
        here, found = self._here, self._found
        zone = node(
            "div",
            classes="drop",
            data_upload=f"/documents/upload?collection={quote(found.collection)}",
        )
        zone.on("sent", self._sent, args=[])
        with zone:
            picture("upload")
            with node("p"):
                node("span", "Drop files here, or ")
                with node("label", classes="choose"):
                    node("span", "choose files")
                    node("input", type="file", multiple=True, classes="visually-hidden")
            node("p", "PDF, Office, HTML, Markdown, text, CSV, mail, archives.", "hint")
        if here.visitor.unlimited and here.visitor.may("admin"):
            with form(self._sync_folder, "inline"):
                with node("div", classes="grow"):
                    field(
                        "Or keep a folder or a web page in step",
                        "path",
                        placeholder="/home/me/manuals or https://docs.example.com/sitemap.xml",
                        required=True,
                    )
                node("button", "Sync", "button", type="submit")

    async def _sync(self, *paths: str | Path) -> None:
        collection = self._found.collection
        id = await asyncio.to_thread(syncs.start, self._here.workspace, collection, *paths)
        self._started.add(id)

    async def _sent(self) -> None:
        await self._sync(self._found.uploads)

    async def _sync_folder(self, fields: dict[str, str]) -> None:
        path = fields["path"].strip()
        if path:
            address = path.startswith(("http://", "https://"))
            await self._sync(path if address else Path(path).expanduser())

    def _new_collection(self) -> None:
        with dialog("New collection") as box:
            node("p", "Documents of one collection are searched apart from all others.", "note")

            async def made(fields: dict[str, str]) -> None:
                try:
                    name = fields["name"].strip()
                    await asyncio.to_thread(self._here.workspace.create_collection, name)
                except GroundtoneError as error:
                    announce(str(error), "bad")
                else:
                    _go(name)

            with form(made):
                field(
                    "Name",
                    "name",
                    hint="Small letters, digits, '.', '-' and '_'.",
                    required=True,
                    autocomplete="off",
                )
                with node("div", classes="buttons"):
                    node("button", "Make it", "button primary", type="submit")
        box.run_method("showModal")

    # -- what is there ----------------------------------------------------------------------

    def _fill(self) -> None:
        found = self._found
        self._list.clear()
        with self._list:
            if not found.documents and not found.failed:
                empty(
                    "No documents yet",
                    "Drop some files above. They are read, cut into passages and indexed on this "
                    "machine; then ask about them.",
                )
            if found.failed:
                self._failures()
            if found.documents:
                self._documents()
            if found.sources:
                self._sources()

    def _failures(self) -> None:
        with node("section", classes="section"):
            node("h2", f"Could not be read ({len(self._found.failed)})")
            with node("ul", classes="failures"):
                for _source, file, name, reason in self._found.failed[:SHOWN]:
                    with node("li"):
                        node("span", f"{file}!/{name}" if name else file, "title")
                        node("span", reason, "reason")

    def _documents(self) -> None:
        found = self._found
        wanted = self._filter.casefold()
        shown = [d for d in found.documents if wanted in f"{d.title} {d.path}".casefold()]
        with node("section", classes="section"):
            with node("div", classes="section-head"):
                count = len(found.documents)
                node("h2", f"{count:,} document{'s' if count != 1 else ''}")
                search = node(
                    "input",
                    type="search",
                    placeholder="Find by name",
                    aria_label="Find by name",
                    value=self._filter,
                )
                search.on(
                    "change", lambda e: self._find(e.args), js_handler="e => emit(e.target.value)"
                )
            with node("ul", classes="rows documents"):
                for document in shown[:SHOWN]:
                    with node("li"):
                        self._document(document)
            if len(shown) > SHOWN:
                node("p", f"{len(shown) - SHOWN:,} more; find them by name.", "note")
            if not shown:
                node("p", "None of this name.", "note")

    def _document(self, document: DocumentInfo) -> None:
        with link("", f"/documents/{document.version}", "row-link"):
            node("span", document.title, "title")
            node("span", document.path, "path")
            with node("span", classes="where"):
                node("span", f"{document.chunk_count:,} passages · {_ago(document.synced_at)} ")
                if not document.chunk_count:
                    badge("no text", "busy")
        source = next(s for s in self._found.sources if s.id == document.source)
        if self._handed_in(source):
            button(
                "",
                lambda: self._delete(document),
                "quiet",
                icon="delete",
                aria_label=f"Delete {document.title}",
            )

    def _sources(self) -> None:
        with node("section", classes="section"):
            with node("div", classes="section-head"):
                node("h2", "Kept in step")
                button("Sync all", lambda: self._sync_all(), "quiet", icon="sync")
            with node("ul", classes="rows"):
                for source in self._found.sources:
                    with node("li", classes="source-row"):
                        with node("div"):
                            handed = self._handed_in(source)
                            node("span", "Files dropped here" if handed else source.path, "title")
                            many = sum(d.source == source.id for d in self._found.documents)
                            node("span", f"{many:,} documents", "where")
                        if self._here.visitor.unlimited:
                            button("Forget", lambda s=source: self._forget(s), "quiet")
                    del source
            if self._found.collection != "default" and self._here.visitor.unlimited:
                with node("div", classes="buttons"):
                    button("Delete this collection", self._delete_collection, "danger")

    def _handed_in(self, source: Source) -> bool:
        root = self._here.workspace.folder.resolve()
        return (root / source.path) == self._found.uploads

    async def _sync_all(self) -> None:
        await self._sync()

    async def _find(self, text: str) -> None:
        self._filter = text
        self._fill()

    # -- taking away ------------------------------------------------------------------------

    def _delete(self, document: DocumentInfo) -> None:
        async def gone() -> None:
            path = self._found.uploads / (document.file or document.path)
            if path.resolve().is_relative_to(self._found.uploads):
                await asyncio.to_thread(path.unlink, missing_ok=True)
            await self._sync(self._found.uploads)

        confirm(
            "Delete this document?",
            f"“{document.title}” was dropped here; its file is deleted, and answers can no longer "
            "rest on it.",
            "Delete it",
            gone,
        )

    def _forget(self, source: Source) -> None:
        from groundtone.syncing.sources import named

        workspace = self._here.workspace
        path = named(workspace.folder.resolve(), source.path)

        async def gone() -> None:
            try:
                many = sum((await asyncio.to_thread(workspace.forget, path)).values())
            except GroundtoneError as error:
                announce(str(error), "bad")
                return
            announce(f"{many:,} documents were forgotten; the files stay where they are.")
            await self._again()

        confirm(
            "Forget this source?",
            f"The documents of {source.path} leave the index; the files stay where they are.",
            "Forget it",
            gone,
        )

    def _delete_collection(self) -> None:
        name = self._found.collection

        async def gone() -> None:
            try:
                await asyncio.to_thread(self._here.workspace.delete_collection, name)
            except GroundtoneError as error:
                announce(str(error), "bad")
            else:
                _go("")

        confirm(
            f"Delete the collection “{name}”?",
            "Its documents leave the index. Files that were dropped here are deleted; synced "
            "folders stay where they are.",
            "Delete it",
            gone,
        )

    # -- following --------------------------------------------------------------------------

    async def _again(self) -> None:
        self._found = await asyncio.to_thread(contents, self._here, self._found.collection)
        self._fill()

    async def _follow(self) -> None:
        """Show the newest sync: at work, or ended while this page was open."""
        workspace, collection = self._here.workspace, self._found.collection
        newest = await asyncio.to_thread(syncs.newest, workspace, collection)
        if newest is None:
            return
        if not newest.ended:
            self._started.add(newest.id)
        if newest.id not in self._started:
            return
        known = repr(newest)
        if known == self._shown:
            return
        self._shown = known
        self._state.clear()
        with self._state:
            progress.show(newest)
        if newest.ended:
            await self._again()


def _go(collection: str) -> None:
    ui.navigate.to(f"/documents?collection={quote(collection)}")


def _ago(moment: float) -> str:
    seconds = max(0, time.time() - moment)
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {word}{'s' if many > 1 else ''} ago"
    return "just now"
