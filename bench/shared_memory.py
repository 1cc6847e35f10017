"""What several processes need of memory together, where they share some of it."""

from __future__ import annotations

from pathlib import Path


def held_mb(process: int) -> float:
    """Megabytes of a process and of all that it started: a page that several share counts once (PSS
    of ``/proc/PID/smaps_rollup``). 0 where the system does not tell."""
    total, waiting = 0, [process]
    while waiting:
        place = Path(f"/proc/{waiting.pop()}")
        try:
            told = (place / "smaps_rollup").read_text()
            total += int(told.partition("\nPss:")[2].split()[0])
            for task in (place / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, IndexError):  # it has ended, or this is no Linux
            continue
    return total / 1024
