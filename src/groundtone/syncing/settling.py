"""What was read beside what is live: what is new, and what stays under the version it has.

A document that says the same as before keeps its version, however its file was moved, touched or
read again: answers that cite it stay right, and nothing is embedded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from groundtone.catalog import Catalog, FailedFile, FileState, Source, StoredDocument
from groundtone.syncing.path_rules import PathRules, inside
from groundtone.syncing.planning import Moved, Task
from groundtone.syncing.reading import Job, Read, moment, settled
from groundtone.syncing.recipe import labelled_at, same_labels, unmoved, version
from groundtone.syncing.scanning import File
from groundtone.syncing.sources import ADOPTED
from groundtone.syncing.writing import Made


class Settler:
    """Turns what was read into what is to be stored.

    Args:
        held: versions of which the index to be written has windows.
        recipe: what the documents of a source are made with.
        attempt: what its files are tried with, for failures to be remembered.
        rules: what paths say of documents.
        fingerprint: asks for that of the embedding model.
    """

    def __init__(
        self,
        catalog: Catalog,
        held: Collection[str],
        *,
        recipe: Callable[[Source], str],
        attempt: Callable[[Source], str],
        rules: PathRules,
        fingerprint: Callable[[], str],
    ) -> None:
        self._catalog = catalog
        self._held = frozenset(held)
        self._recipe = recipe
        self._attempt = attempt
        self._rules = rules
        self._fingerprint = fingerprint
        self._taken = catalog.versions()
        sources = catalog.sources()
        self._adopted = {one.id: one for one in sources if one.path.startswith(ADOPTED)}

    def read(self, task: Task, read: Read) -> Made:
        """A file that was read, wholly or in part, or could not be."""
        before = self._before(task)
        made = Made(failed=self._failed(task, read))
        unread = {name for name, _ in read.failed}
        if "" in unread:
            if task.moved is not None:  # where it was it is no more
                made.replaces += before.values()
            elif task.past is not None:
                self._carry_over(made, task.past)
            return made
        for name in unread & before.keys():
            known = self._catalog.stored(before[name])
            if known is not None:
                now = self._placed(known, task.source, task.file, name)
                told = self._told(known, now.path)
                self._keep(made, known, replace(now, sha256=read.sha256, metadata=told))
        for document in read.documents:
            name = inner(document.path, task.file.name)
            known = self._catalog.stored(before[name]) if name in before else None
            if known is not None and _same(known, document):
                self._keep(made, known, replace(document, version=known.version))
                continue
            new = replace(document, version=self._free(document), before=before.get(name))
            made.new.append(new)
            made.indexed.append(new)
        stay = {document.version for document in (*made.new, *made.kept)}
        made.replaces += [old for old in before.values() if old not in stay]
        return made

    def moved(self, moved: Moved) -> Made:
        """A file that is at another place: as the catalog has it, indexed under its new path."""
        _, past = moved.before
        made = Made()
        for known in filter(None, map(self._catalog.stored, past.versions)):
            name = inner(known.path, past.path)
            self._keep(made, known, self._placed(known, moved.source, moved.file, name))
        return made

    def carried_over(self, past: FileState) -> Made:
        """The documents of a file that cannot be read now, where the index lacks them or the
        rules say something else of them than they did."""
        made = Made()
        self._carry_over(made, past)
        return made

    def _carry_over(self, made: Made, past: FileState) -> None:
        for known in filter(None, map(self._catalog.stored, past.versions)):
            now = self._relabelled(known)
            if now is not known or known.version not in self._held:
                self._keep(made, known, now)

    def _relabelled(self, known: StoredDocument) -> StoredDocument:
        """A document that cannot be read now, as the rules have it."""
        told = self._told(known, known.path)
        adopted = self._adopted.get(known.source)
        if adopted is not None:  # there is no file that could be read later
            now = replace(known, metadata=told, recipe=self._recipe(adopted))
            return known if now == known else now
        if told != dict(known.metadata):
            return replace(known, metadata=told, recipe="")  # to be read when that can be done
        made_with = unmoved(known.recipe)
        return known if made_with == known.recipe else replace(known, recipe=made_with)

    def _told(self, known: StoredDocument, path: str) -> dict[str, Any]:
        """What is said of a document that was not read again and is at this path now."""
        before = labelled_at(known.recipe, known.path)
        return self._rules.again(before, path, known.metadata)

    def _keep(self, made: Made, known: StoredDocument, now: StoredDocument) -> None:
        """A live document stays, perhaps elsewhere or under other labels."""
        made.kept.append(now)
        moved = (known.source, known.path) != (now.source, now.path)
        told = dict(known.metadata) == dict(now.metadata)
        relabelled = moved or not told or not same_labels(known.recipe, now.recipe)
        if now.chunks and (relabelled or now.version not in self._held):
            made.indexed.append(now)

    def _placed(
        self, known: StoredDocument, source: Source, file: File, name: str
    ) -> StoredDocument:
        return replace(
            known,
            source=source.id,
            file=file.name,
            path=inside(file.name, name),
            size=file.size,
            mtime_ns=settled(file.mtime_ns),
            modified=moment(file.mtime_ns),
            recipe=self._recipe(source),
        )

    def _failed(self, task: Task, read: Read) -> FailedFile | None:
        """What is to be remembered of a file's failure; None where nothing changes."""
        if not read.failed and not task.failed:
            return None
        file = task.file
        return FailedFile(
            source=task.source.id,
            path=file.name,
            size=file.size,
            mtime_ns=settled(file.mtime_ns),
            sha256=read.sha256,
            recipe=self._attempt(task.source),
            reasons=read.failed if read.lasting else (),
        )

    def _before(self, task: Task) -> dict[str, str]:
        """The file's live documents: version by name inside it."""
        if task.moved is not None:
            source, path = task.moved[0], task.moved[1].path
        elif task.past is not None:
            source, path = task.source, task.file.name
        else:
            return {}
        found = self._catalog.versions_of(source.id, path)
        return {inner(at, path): old for at, old in found.items()}

    def _free(self, document: StoredDocument) -> str:
        """The document's version; another one where it is taken by what was once here."""
        chosen, again = document.version, 0
        while chosen in self._taken:
            again += 1
            chosen = version(
                document.source,
                document.path,
                document.sha256,
                self._fingerprint(),
                document.recipe,
                again,
            )
        self._taken.add(chosen)
        return chosen


def jobs(tasks: Iterable[Task]) -> Iterable[Job]:
    """Tasks as the processes that read files are told them."""
    for task in tasks:
        file = task.file
        source = task.source
        yield Job(
            source.id,
            file.name,
            file.place,
            file.size,
            file.mtime_ns,
            source.collection,
            file.sidecar,
        )


def inner(path: str, file: str) -> str:
    """The name of a document inside its file; "" for the file itself."""
    return path[len(file) :].removeprefix("!/")


def _same(one: StoredDocument, other: StoredDocument) -> bool:
    return (one.title, one.media_type, dict(one.metadata), one.text, one.chunks) == (
        other.title,
        other.media_type,
        dict(other.metadata),
        other.text,
        other.chunks,
    )
