"""What becomes of a collection of hard files: text or a reason, by format and by flag.

    python bench/hard_files.py --files ../shared/data/hard_files

Reads every file that ``manifest.tsv`` lists (columns path, bytes, ext, magic, flags) and prints two
tables in Markdown, and then each reason with the files it was given for. Exits with 1 if a file
gives neither text nor a reason, or takes longer than ``--seconds``. Seconds are a processor's, so
that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from groundtone.documents import read_all
from groundtone.errors import UnreadableFile


@dataclass(frozen=True)
class Outcome:
    """What one file gave. ``broken``: an exception that is no reason."""

    path: str
    flags: tuple[str, ...]
    seconds: float
    documents: int = 0
    characters: int = 0
    notes: tuple[str, ...] = ()
    reason: str = ""
    broken: str = ""


def main() -> None:
    """Read the arguments, read the files, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=Path, required=True, help="folder with manifest.tsv")
    parser.add_argument("--seconds", type=float, default=60.0, help="limit for each file")
    given = parser.parse_args()
    manifest = given.files / "manifest.tsv"
    if not manifest.is_file():
        sys.exit(f"There is no {manifest}: this measurement needs it.")
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    outcomes = [take(given.files, row) for row in rows]
    table("format", ((ending(each.path), each) for each in outcomes))
    table("flag", ((flag, each) for each in outcomes for flag in each.flags))
    reasons(outcomes)
    slowest = max(outcomes, key=lambda each: each.seconds)
    read = sum(not each.reason and not each.broken for each in outcomes)
    print(
        f"\n{len(outcomes)} files: {read} read, {sum(bool(e.reason) for e in outcomes)} with a"
        f" reason, {sum(bool(e.broken) for e in outcomes)} broken;"
        f" {sum(e.seconds for e in outcomes):.0f} s, slowest {slowest.path}"
        f" {slowest.seconds:.1f} s"
    )
    late = [each.path for each in outcomes if each.seconds > given.seconds]
    if late or any(each.broken for each in outcomes):
        sys.exit(f"Broken: {[e.path for e in outcomes if e.broken]}; too slow: {late}")


def take(folder: Path, row: dict[str, str]) -> Outcome:
    """Read one file."""
    flags = tuple(flag for flag in (row["flags"] or "").split(",") if flag)
    begun = time.process_time()
    try:
        reading = read_all(folder / row["path"])
    except UnreadableFile as error:
        return Outcome(row["path"], flags, time.process_time() - begun, reason=error.reason)
    except Exception as error:  # this is what must never happen
        broken = f"{type(error).__name__}: {error}"
        return Outcome(row["path"], flags, time.process_time() - begun, broken=broken)
    return Outcome(
        row["path"],
        flags,
        time.process_time() - begun,
        documents=len(reading.parts),
        characters=sum(len(part.document.text) for part in reading.parts),
        notes=tuple(note for part in reading.parts for note in part.document.notes),
    )


def ending(path: str) -> str:
    return Path(path).suffix.lower() or "none"


def table(title: str, named: Iterable[tuple[str, Outcome]]) -> None:
    """A Markdown table: one line a group."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for name, outcome in named:
        groups[name].append(outcome)
    print(f"\n| {title} | files | read | documents | characters | with a reason | slowest |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        print(
            f"| {name} | {len(group)} | {sum(bool(each.documents) for each in group)}"
            f" | {sum(each.documents for each in group)}"
            f" | {sum(each.characters for each in group):,}"
            f" | {sum(bool(each.reason) for each in group)}"
            f" | {max(each.seconds for each in group):.2f} s |"
        )


def reasons(outcomes: list[Outcome]) -> None:
    """Each reason with the files that got it."""
    groups: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.reason:
            groups[outcome.reason].append(Path(outcome.path).name)
    print("\n| reason | files |")
    print("|---|---|")
    for reason, names in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        print(f"| {reason} | {len(names)}: {', '.join(sorted(names))} |")


if __name__ == "__main__":
    main()
