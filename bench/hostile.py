"""What would bring a sync down: 100,000 tiny files, a text of 500 MB, a PDF of 10,000 pages.

    python bench/hostile.py [--files 100000] [--megabytes 500] [--pages 10000]

Each is made in a temporary folder, beside a small file that has to be found afterwards, and synced
as a user would, by a process of its own, with the default limits. Printed are the seconds that
processors worked (other work on the machine does not count), the most memory that the process and
its readers held together, and what the report says. The tiny files hold 1,000 different sentences:
what is measured is everything but the engine that embeds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest import Peak, clean_environment

MARK = "The quixotic ferret inspects the zinc turbine every Tuesday."


def main() -> int:
    """Read the arguments, make, sync, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--pages", type=int, default=10_000)
    given = parser.parse_args()
    cases: dict[str, Callable[[Path], None]] = {}
    if given.megabytes:
        cases[f"a text of {given.megabytes:,} MB"] = lambda folder: text(folder, given.megabytes)
    if given.pages:
        cases[f"a PDF of {given.pages:,} pages"] = lambda folder: pdf(folder, given.pages)
    if given.files:
        cases[f"{given.files:,} tiny files"] = lambda folder: files(folder, given.files)
    print("| | processor s | peak MB | again, processor s | added | found | reasons |")
    print("| --- " + "| ---: " * 5 + "| --- |", flush=True)
    for name, make in cases.items():
        with tempfile.TemporaryDirectory(prefix="hostile-") as place:
            source = Path(place) / "docs"
            source.mkdir()
            (source / "beside.md").write_text(MARK)
            make(source)
            workspace = Path(place) / "kb"
            groundtone("init", str(workspace))
            told, worked, peak = groundtone("sync", str(source), "--json", at=workspace)
            _, again, _ = groundtone("sync", "--json", at=workspace)
            found, *_ = groundtone(
                "search", "quixotic ferret turbine", "-k", "1", "--json", at=workspace
            )
            report = json.loads(told)
            reasons = "; ".join(one["reason"] for one in report["failed"]) or "none"
            print(
                f"| {name} | {worked:.1f} | {peak / 1e6:,.0f} | {again:.1f} | {report['added']:,} "
                f"| {'yes' if MARK in json.loads(found)[0]['text'] else 'NO'} | {reasons} |",
                flush=True,
            )
    return 0


def files(folder: Path, count: int) -> None:
    """Files of one sentence, a thousand in a folder."""
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(exist_ok=True)
        (place / f"{number % 1000:03}.txt").write_text(f"Crane {number % 1000} lifts four tons.\n")


def text(folder: Path, megabytes: int) -> None:
    """One long text."""
    line = b"The blue crane lifts four tons and its ropes last nine years.\n"
    with (folder / "long.txt").open("wb") as file:
        for _ in range(megabytes):
            file.write(line * (1_000_000 // len(line) + 1))


def pdf(folder: Path, pages: int) -> None:
    """Pages of six lines each, written by hand: a page tree, one font, one stream a page."""
    parts: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (pages, b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(pages))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        lines = (
            b"(Page %d says that crane %d lifts %d tons.) ' " % (number + 1, number % 50, line)
            for line in range(6)
        )
        stream = b"BT /F1 12 Tf 14 TL 72 720 Td %s ET" % b"".join(lines)
        parts += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    out, places = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)
    (folder / "long.pdf").write_bytes(out)


def groundtone(*arguments: str, at: Path | None = None) -> tuple[str, float, int]:
    """What a command printed, the seconds that processors worked for it, its most memory."""
    where: Sequence[str] = ("--workspace", str(at)) if at else ()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", *arguments, *where],
        stdout=subprocess.PIPE,
        text=True,
        env={**clean_environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    peak = Peak(process.pid)
    told = process.communicate()[0]
    peak.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in (0, 1):
        sys.exit(f"groundtone {arguments[0]} ended with code {process.returncode}.")
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return told, worked, peak.most


if __name__ == "__main__":
    raise SystemExit(main())
