"""Collections as vector stores: their files and states, as far as whoever asks may see them.

A file that is attached is copied into the collection's folder of handed-in files, which is one of
its sources; a job then syncs that folder. Documents of other sources are files of the store too.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundtone.catalog import DocumentInfo, NamedCollection, StoredJob
from groundtone.catalog.attached import AttachedFile
from groundtone.retrieval.visibility import visible
from groundtone.server import citing, naming
from groundtone.server.errors import ApiError
from groundtone.workspace import collections
from groundtone.workspace.files import Files

if TYPE_CHECKING:
    from groundtone.catalog import StoredFile
    from groundtone.index.filters import Filter
    from groundtone.server.auth import Principal
    from groundtone.workspace import Workspace

PREFIX = "vs_"
NAME = "store_name"
"""Under which a collection's metadata has the name that a store was given."""


@dataclass(frozen=True, slots=True)
class Held:
    """One file of a store.

    Attributes:
        state: ``in_progress``, ``completed``, ``cancelled`` or ``failed``.
        fault: why it failed.
        documents: its live documents.
        attached: how it came in; None for one of another source.
    """

    id: str
    name: str
    bytes: int
    created_at: float
    state: str
    fault: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    documents: tuple[DocumentInfo, ...] = ()
    attached: AttachedFile | None = None


class StoreView:
    """One collection as a vector store, seen by one asker.

    Args:
        workspace: that has it.
        principal: who asks; a collection that it may not use does not exist.
        id: ``vs_`` and the collection's name.

    Raises:
        ApiError: 404, there is none for this asker.
    """

    def __init__(self, workspace: Workspace, principal: Principal, id: str) -> None:
        name = id.removeprefix(PREFIX)
        found = naming.found(workspace, principal, name) if id.startswith(PREFIX) else None
        if found is None:
            raise missing("vector store", id)
        self.id = id
        self.collection: NamedCollection = found
        self._workspace = workspace
        self._principal = principal
        self._limits = naming.limits(workspace, principal, name)

    @property
    def title(self) -> str:
        """What its maker calls it."""
        return str(self.collection.metadata.get(NAME) or self.collection.name)

    @property
    def limits(self) -> Filter:
        """What a search in it may find for this asker."""
        return self._limits

    def files(self) -> list[Held]:
        """Its files that this asker may see, newest first."""
        catalog = self._workspace.catalog
        folder = collections.uploads(self._workspace, self.collection.name)
        found: list[Held] = []
        attached = {one.file: one for one in catalog.attached(self.collection.name)}
        jobs = {id: catalog.get_job(id) for id in {one.job for one in attached.values()}}
        here: dict[str, list[DocumentInfo]] = {}
        present: set[str] = set()
        faults: dict[str, str] = {}
        for source in catalog.sources():
            if source.collection != self.collection.name:
                continue
            uploads = self._workspace.folder.resolve() / source.path == folder
            for document in catalog.documents(source.id):
                id = citing.file_id(document.path, document.version)
                present.add(id)
                if not self._sees(document, source.path):
                    continue
                if uploads and id in attached:
                    here.setdefault(id, []).append(document)
                else:
                    found.append(_synced(id, document))
            if uploads:
                for path, failed in catalog.failed_files(source.id).items():
                    faults[path.partition("/")[0]] = failed.reasons[0][1]
        for id, one in attached.items():
            documents = tuple(here.get(id, ()))
            if id in present and not documents:
                continue  # of groups that this asker is none of
            state, fault = _state(one, documents, faults.get(id, ""), jobs.get(one.job))
            found.append(
                Held(
                    id,
                    one.name,
                    one.bytes,
                    one.created_at,
                    state,
                    fault,
                    one.attributes,
                    documents,
                    one,
                )
            )
        return sorted(found, key=lambda held: (-held.created_at, held.id))

    def file(self, id: str) -> Held:
        """One of them.

        Raises:
            ApiError: 404, there is none for this asker.
        """
        for held in self.files():
            if held.id == id:
                return held
        raise missing("file", id)

    def attach(
        self, files: Sequence[tuple[StoredFile, Mapping[str, Any]]], batch: str | None = None
    ) -> None:
        """Copy uploaded files into the collection, and have them synced."""
        folder = collections.uploads(self._workspace, self.collection.name)
        kept = Files(self._workspace)
        rows = []
        for file, attributes in files:
            name = _file_name(file.name)
            place = folder / file.id
            place.mkdir(parents=True, exist_ok=True)
            partial = folder / f".{file.id}.part"
            shutil.copyfile(kept.path(file.id), partial)
            partial.replace(place / name)
            rows.append(
                AttachedFile(
                    self.collection.name, file.id, name, file.bytes, dict(attributes), batch
                )
            )
        job = self._sync()
        self._workspace.catalog.attach(*(_with(row, job) for row in rows))

    def detach(self, id: str) -> None:
        """Take a file out.

        Raises:
            ApiError: 404, or 400 for one that was not attached but is of a synced source.
        """
        held = self.file(id)
        if held.attached is None:
            raise ApiError(
                400,
                f"{id} is of a source that is kept in step; remove it there.",
                param="file_id",
                code="synced_file",
            )
        folder = collections.uploads(self._workspace, self.collection.name) / id
        shutil.rmtree(folder, ignore_errors=True)
        self._workspace.catalog.detach(self.collection.name, id)
        self._sync()

    def cancel(self, batch: str) -> None:
        """Take back the files of a batch that are not in yet."""
        for held in self.files():
            if held.attached and held.attached.batch == batch and held.state == "in_progress":
                folder = collections.uploads(self._workspace, self.collection.name) / held.id
                shutil.rmtree(folder, ignore_errors=True)
                self._workspace.catalog.change_attached(
                    self.collection.name, held.id, cancelled=True
                )

    def _sync(self) -> str:
        """A job that brings the folder in step: one that has not begun, or a new one."""
        catalog = self._workspace.catalog
        folder = str(collections.uploads(self._workspace, self.collection.name))
        payload = {"sources": [folder], "collection": self.collection.name}
        waiting, _ = catalog.list_jobs(kind="sync", states=("queued",))
        for job in waiting:
            if job.payload == payload and job.not_before <= time.time() + 1:
                return job.id
        made = StoredJob(f"sync-{uuid.uuid4().hex[:24]}", "sync", "sync", payload)
        catalog.put_job(made)
        return made.id

    def _sees(self, document: DocumentInfo, source: str) -> bool:
        return visible(self._limits, document, source)


def create(workspace: Workspace, principal: Principal, name: str, said: dict[str, Any]) -> str:
    """Make a collection for a store of this name; returns the store's id.

    Raises:
        ApiError: 403, for an asker that is limited to collections: it could not use it.
    """
    if principal.collections is not None:
        raise ApiError(403, "This key may not make vector stores.", code="missing_scope")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "store"
    taken = workspace.catalog.collection(slug) is not None
    unique = f"{slug}-{uuid.uuid4().hex[:8]}" if taken else slug
    workspace.create_collection(unique, {**said, NAME: name or unique})
    return PREFIX + unique


def missing(what: str, id: str) -> ApiError:
    """That there is no such thing for whoever asks."""
    return ApiError(404, f"There is no {what} {id!r} here.", code="not_found")


def _state(
    one: AttachedFile, documents: Sequence[DocumentInfo], fault: str, job: StoredJob | None
) -> tuple[str, str]:
    if one.cancelled:
        return "cancelled", ""
    if documents:
        return "completed", ""
    if fault:
        return "failed", fault
    if job is None or job.state in ("failed", "cancelled"):
        why = (job.error or {}).get("message", "") if job else ""
        return "failed", why or "It was not synced."
    if job.state == "succeeded":
        report = job.progress.get("report") or {}
        named = [reason for path, reason in report.get("failed", ()) if one.file in str(path)]
        return "failed", str(named[0]) if named else "Files of this kind are not read."
    return "in_progress", ""


def _synced(id: str, document: DocumentInfo) -> Held:
    return Held(
        id,
        citing.file_name(document.path),
        document.size,
        document.synced_at,
        "completed",
        attributes=citing.attributes(dict(document.metadata)),
        documents=(document,),
    )


def _with(row: AttachedFile, job: str) -> AttachedFile:
    return AttachedFile(
        row.collection, row.file, row.name, row.bytes, row.attributes, row.batch, job
    )


def _file_name(name: str) -> str:
    """A name that hides nothing and leads nowhere."""
    text = "".join(c for c in name if c.isprintable() and c not in '/\\:*?"<>|!')
    return text.strip().lstrip(".")[-150:] or "file.txt"
