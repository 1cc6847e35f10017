"""One line of the doctor's report, and what both of his rounds look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from groundtone.cli.output import size
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

Level = Literal["ok", "warn", "fail"]
CODES = {"ok": 0, "warn": 1, "fail": 3}
ROOM = 2_000_000_000  # bytes that weights, an index and a run should find free


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    level: Level
    name: str
    text: str
    remedy: str = ""


def free(folder: Path, what: str) -> Finding:
    """Whether there is room where a folder is, or will be."""
    import shutil

    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    room = shutil.disk_usage(place).free
    level: Level = "ok" if room >= ROOM else "warn"
    return Finding(
        level,
        "disk",
        f"{what}: {size(room)} free in {place}",
        "" if level == "ok" else "Make some room; a tuning run needs up to 2 GB.",
    )


def safely(
    check: Callable[[Workspace], Iterator[Finding]], workspace: Workspace, remedy: str
) -> Iterator[Finding]:
    """What a check finds; one that cannot be made is a finding too, under the check's own name.

    Args:
        remedy: for faults that are no errors of ours, which bring their own.
    """
    name = check.__name__.strip("_")
    try:
        yield from check(workspace)
    except GroundtoneError as error:
        yield Finding("fail", name, error.message, error.remedy)
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        yield Finding("fail", name, what, remedy)
