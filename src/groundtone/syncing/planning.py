"""How sources differ from the catalog, and what is to be done about each file."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from groundtone.catalog.records import FailedFile, FileState, Source
from groundtone.syncing.path_rules import PathRules
from groundtone.syncing.reading import hash_of, moment
from groundtone.syncing.recipe import changed, labelled_at, same_labels, unmoved
from groundtone.syncing.report import Change, SyncReport
from groundtone.syncing.scanning import File, Scan
from groundtone.syncing.sidecars import hashed

KEPT = "kept the last good version"


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be read.

    Attributes:
        past: its documents now, or None.
        moved: the file of an earlier place with the same bytes, and its source, or None.
        failed: whether a failure is remembered that has to be forgotten or told anew.
    """

    source: Source
    file: File
    past: FileState | None = None
    moved: tuple[Source, FileState] | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that is where it was not, with the bytes and the name it had elsewhere.

    Or that came to another source with its folder: then ``before`` is this very place.
    """

    source: Source
    file: File
    before: tuple[Source, FileState]

    @property
    def elsewhere(self) -> bool:
        """Whether a user would say that it was moved."""
        return (self.before[0].id, self.before[1].path) != (self.source.id, self.file.name)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file whose time alone has changed. ``sha256``: of its bytes."""

    source: Source
    file: File
    sha256: str


@dataclass(slots=True)
class Plan:
    """What a sync has to do.

    Attributes:
        tasks: files to read, in the order of sources and names.
        moved: files whose documents only get a new place.
        seen: files whose documents only get a new time.
        gone: files that are no more.
        unchanged: files with live documents that stay as they are.
        kept: files that cannot be read or looked at now, whose documents stay.
        relabelled: those of them whose documents may have to get other labels.
        forgotten: failures of files that are no more.
        failed, notes: for the report.
    """

    tasks: list[Task] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    gone: list[tuple[Source, FileState]] = field(default_factory=list)
    unchanged: list[tuple[Source, File, FileState]] = field(default_factory=list)
    kept: list[FileState] = field(default_factory=list)
    relabelled: list[FileState] = field(default_factory=list)
    forgotten: list[FailedFile] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        """Whether index or documents may have to change."""
        return bool(self.tasks or self.moved or self.gone or self.relabelled)

    def lost(self, held: set[str]) -> None:
        """Have files made again of which the index lacks documents.

        Args:
            held: versions that the index has.
        """
        unchanged = []
        for source, file, past in self.unchanged:
            if held.issuperset(past.indexed):
                unchanged.append((source, file, past))
            else:
                self.tasks.append(Task(source, file, past))
        self.unchanged = unchanged
        self.kept = [past for past in self.kept if not held.issuperset(past.indexed)]

    def everything(self) -> None:
        """Have all files read again."""
        self.tasks += [Task(*one) for one in self.unchanged]
        self.tasks += [
            Task(one.source, one.file, moved=one.before)
            if one.elsewhere
            else Task(one.source, one.file, one.before[1])
            for one in self.moved
        ]
        self.tasks.sort(key=lambda task: (task.source.id, task.file.name))
        self.unchanged, self.moved = [], []

    def told(self, report: SyncReport) -> SyncReport:
        """What would be done, as a report."""
        changes = [
            Change("moved", task.file.name, task.moved[1].path)
            if task.moved
            else Change("updated" if task.past else "added", task.file.name)
            for task in self.tasks
        ]
        changes += [
            Change("moved", one.file.name, one.before[1].path)
            for one in self.moved
            if one.elsewhere
        ]
        changes += [Change("deleted", past.path) for _, past in self.gone]
        report.changes = sorted(changes, key=lambda change: change.path)
        here = sum(not one.elsewhere for one in self.moved)
        report.unchanged = len(self.unchanged) + here
        report.failed = sorted(self.failed)
        report.notes += self.notes
        for kind in ("added", "updated", "moved", "deleted"):
            setattr(report, kind, sum(change.kind == kind for change in changes))
        return report


class Planner:
    """Compares scans with the catalog.

    Args:
        recipe: what the documents of a source are made with now.
        attempt: what a file of it that failed would be tried with now.
        rules: what paths say of documents.
        look: whether files may be opened to compare their bytes; without, a size and a time
            decide, and a file that was only touched counts as updated.
        again: whether remembered failures are tried again.
    """

    def __init__(
        self,
        recipe: Callable[[Source], str],
        attempt: Callable[[Source], str],
        rules: PathRules,
        *,
        look: bool = True,
        again: bool = False,
    ) -> None:
        self._recipe = recipe
        self._attempt = attempt
        self._rules = rules
        self._look = look
        self._again = again
        self._remade = 0
        self._causes: set[str] = set()
        self._plan = Plan()
        self._added: list[Task] = []
        self._failing: set[tuple[int, str]] = set()

    def add(
        self,
        source: Source,
        found: Scan,
        known: dict[str, FileState],
        failed: dict[str, FailedFile],
    ) -> None:
        """Take in one source: what is there, and what is known of it."""
        plan = self._plan
        plan.failed += found.failed
        plan.notes += found.notes
        names = set()
        for file in found.files:
            names.add(file.name)
            self._file(source, file, known.get(file.name), failed.get(file.name))
        for name, past in known.items():
            if name in names:
                continue
            if found.may_still_exist(name):
                labelled = same_labels(past.recipe, self._recipe(source))
                (plan.kept if labelled else plan.relabelled).append(past)
            else:
                plan.gone.append((source, past))
        self._failing.update((source.id, name) for name in failed)
        for name, failure in failed.items():
            if name not in names and not found.may_still_exist(name):
                plan.forgotten.append(failure)

    def plan(self) -> Plan:
        """The plan for all sources."""
        plan = self._plan
        self._find_moves()
        plan.tasks.sort(key=lambda task: (task.source.id, task.file.name))
        if self._remade:
            causes = " and ".join(sorted(self._causes, reverse=True))
            plan.notes.append(
                f"{self._remade} file(s) are read again after a change of {causes}; only new text "
                "is embedded"
            )
        return plan

    def _file(
        self, source: Source, file: File, past: FileState | None, failed: FailedFile | None
    ) -> None:
        plan = self._plan
        if failed is not None and not self._again and self._fails_again(source, file, failed):
            whole = any(not name for name, _ in failed.reasons)
            kept = f"; {KEPT}" if whole and past is not None else ""
            plan.failed += [
                (f"{file.name}!/{name}" if name else file.name, reason + kept)
                for name, reason in failed.reasons
            ]
            if past is not None and whole:
                plan.kept.append(past)
            elif past is not None:
                plan.unchanged.append((source, file, past))
        elif past is None:
            self._added.append(Task(source, file, failed=failed is not None))
        elif failed is not None:
            plan.tasks.append(Task(source, file, past, failed=True))
        elif unmoved(past.recipe) != self._recipe(source):
            self._remade += 1
            self._causes.update(changed(past.recipe, self._recipe(source)))
            plan.tasks.append(Task(source, file, past))
        elif self._unmoved(file, past):
            self._same(source, file, past)
        elif past.size == file.size and self._same_bytes(file, past.sha256):
            self._same(source, file, past)
            plan.seen.append(Seen(source, file, past.sha256))
        else:
            plan.tasks.append(Task(source, file, past))

    def _same(self, source: Source, file: File, past: FileState) -> None:
        """A file with the bytes that it had; its folder may have come to another source since."""
        if past.recipe == self._recipe(source):
            self._plan.unchanged.append((source, file, past))
        elif self._rules.alike(labelled_at(past.recipe, file.name), file.name, past.names):
            self._plan.moved.append(Moved(source, file, (source, past)))
        else:
            self._plan.tasks.append(Task(source, file, past))

    def _fails_again(self, source: Source, file: File, failed: FailedFile) -> bool:
        if failed.recipe != self._attempt(source) or failed.size != file.size:
            return False
        if failed.mtime_ns == file.mtime_ns:
            return True
        if not failed.sha256 or not self._same_bytes(file, failed.sha256):
            return False
        self._plan.seen.append(Seen(source, file, failed.sha256))
        return True

    def _same_bytes(self, file: File, sha256: str) -> bool:
        return self._look and _sha256(file) == sha256

    def _unmoved(self, file: File, past: FileState) -> bool:
        """Whether size and time say that nothing has changed; without looking, more roughly."""
        if past.size != file.size:
            return False
        if past.mtime_ns == file.mtime_ns:
            return True
        return not self._look and past.modified == moment(file.mtime_ns)

    def _find_moves(self) -> None:
        """Pair new files with gone ones of the same bytes: first those that kept their name."""
        plan = self._plan
        sizes = {past.size for _, past in plan.gone}
        pairs = _Pairs()
        for source, past in plan.gone:
            key = past.sha256 if self._look else f"{past.size} {past.modified}"
            pairs.offer(key, source, past)
        keys = {}
        for task in self._added:
            if task.file.size in sizes:
                file = task.file
                key = _sha256(file) if self._look else f"{file.size} {moment(file.mtime_ns)}"
                keys[task.source.id, file.name] = key
        for same_name in (True, False):
            for task in self._added:
                place = (task.source.id, task.file.name)
                if place in keys:
                    pairs.pair(place, keys[place], same_name)
        for task in self._added:
            before = pairs.found.get((task.source.id, task.file.name))
            if before is None:
                plan.tasks.append(task)
            elif self._needs_reading(task, *before):
                plan.tasks.append(Task(task.source, task.file, moved=before, failed=task.failed))
            else:
                plan.moved.append(Moved(task.source, task.file, before))
        plan.gone = [one for one in plan.gone if (one[0].id, one[1].path) not in pairs.taken]
        self._added = []

    def _needs_reading(self, task: Task, source: Source, past: FileState) -> bool:
        """Whether a moved file may make other documents now."""
        # What is read may depend on the name: its ending, or a title taken from it.
        renamed = _base(past.path) != _base(task.file.name)
        failing = task.failed or (source.id, past.path) in self._failing
        if renamed or failing or past.recipe != self._recipe(task.source):
            return True
        # Or what is said of it may depend on the path: who may see it.
        return not self._rules.alike(past.path, task.file.name, past.names)


class _Pairs:
    """Gone files by what they hold, each given away once."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, str], tuple[Source, FileState]] = {}
        self.taken: set[tuple[int, str]] = set()
        self._offers: dict[tuple[str, str], deque[tuple[Source, FileState]]] = defaultdict(deque)

    def offer(self, key: str, source: Source, past: FileState) -> None:
        for name in (_base(past.path), ""):
            self._offers[key, name].append((source, past))

    def pair(self, place: tuple[int, str], key: str, same_name: bool) -> None:
        if place in self.found:
            return
        offers = self._offers.get((key, _base(place[1]) if same_name else ""))
        while offers:
            source, past = offers.popleft()
            if (source.id, past.path) not in self.taken:
                self.taken.add((source.id, past.path))
                self.found[place] = (source, past)
                return


def _sha256(file: File) -> str:
    try:
        return hashed(hash_of(Path(file.place)), file.sidecar)
    except OSError:
        return "?"  # reading it will say why


def _base(path: str) -> str:
    return PurePosixPath(path).name
