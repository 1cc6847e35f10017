"""Which paths are kept in step, and how they are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groundtone.catalog import Catalog, Source
from groundtone.errors import WrongUse
from groundtone.syncing.report import SyncReport


def choose(catalog: Catalog, root: Path, paths: Sequence[Path], report: SyncReport) -> list[Source]:
    """The sources to sync: those at these paths, or all known ones.

    A path inside a known source means that source; a new one that holds known ones takes them in:
    no file is indexed twice.

    Raises:
        WrongUse: a path does not exist, or nothing is known.
    """
    for path in paths:
        if not path.exists():
            raise WrongUse(f"There is no {path}.", "Name a folder or a file that exists.")
    known = catalog.sources()
    chosen: dict[int, Source] = {}
    for path in (path.resolve() for path in paths):
        cover = next((old for old in known if path.is_relative_to(place(root, old.path))), None)
        if cover is None:
            cover = catalog.add_source(name(root, path))
            for inner in known:
                held = place(root, inner.path)
                if held.is_relative_to(path):
                    folder = held.parent if held.is_file() else held
                    catalog.move_source(inner.id, cover.id, folder.relative_to(path).as_posix())
                    chosen.pop(inner.id, None)
                    report.notes.append(f"{inner.path} is now part of {cover.path}")
            known = catalog.sources()
        chosen[cover.id] = cover
    if not known:
        raise WrongUse("No source is known yet.", "Name a folder: `groundtone sync FOLDER`.")
    return list(chosen.values()) if chosen else known


def name(root: Path, path: Path) -> str:
    """How a source is remembered: relative where it lies beside the workspace."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def place(root: Path, name: str) -> Path:
    """Where a remembered source is."""
    return root / name
