"""What machines, memory, disk and time each layout needs, computed from unit costs.

    python bench/capacity.py                      # print the tables of docs/capacity.md
    python bench/capacity.py --write              # into docs/capacity.md
    python bench/capacity.py --scale scale.json --write   # after bench/scale.py, with its numbers

The unit costs are in bench/units.json, each with where it was measured, or that it was not.
Everything else is multiplication. There are no prices of machines here, because no source of them
could be named: machine-hours are given, to be multiplied by what yours cost.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
UNITS, PAGE = ROOT / "bench/units.json", ROOT / "docs/capacity.md"
BEGIN, END = "<!-- computed by bench/capacity.py -->", "<!-- end -->"
SIZES = (10**5, 10**6, 10**7, 10**8, 10**9)
MEASURED_TO = 100_000  # chunks: the largest corpus that was searched and measured
CORES, MEMORY_GB = 16, 64  # of one machine, where several are counted
SHIFT_H = 24.0  # hours in which the first ingest should be done
BUILD_LIMIT_GB, SEARCH_LIMIT_GB = 48.0, 48.0  # what of MEMORY_GB one process may take


def read_units() -> dict[str, dict[str, Any]]:
    """The unit costs with their sources."""
    units: dict[str, dict[str, Any]] = json.loads(UNITS.read_text("utf-8"))
    return units


def renewed(units: dict[str, dict[str, Any]], scale: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The unit costs with what bench/scale.py measured in the place of older numbers.

    Windows a chunk, and what a search takes, are those of real text (bench/search.py): that of
    bench/scale.py is made up.
    """
    first, last, fitted = scale["sizes"][0], scale["sizes"][-1], scale["fitted"]
    where = f"bench/scale.py, up to {last['windows']:,} windows"
    held = units["search_bytes_a_window"]["value"] * first["windows"] / 1e6
    new = {
        "index_bytes_a_window": round(last["index_bytes_a_window"]),
        "catalog_bytes_a_window": round(last["catalog_bytes_a_window"]),
        "search_base_mb": round(first["memory_mb"] - held),
        "build_bytes_a_window": round(fitted["ingest_peak_bytes_a_window"]),
    }
    told = {
        name: units[name] | {"value": value, "measured": True, "where": where}
        for name, value in new.items()
    }
    return units | told


def rows(units: dict[str, dict[str, Any]]) -> list[list[str]]:
    """One line a size and layout."""
    of = {name: float(unit["value"]) for name, unit in units.items()}
    found = []
    for chunks in SIZES:
        windows = chunks * of["windows_a_chunk"]
        hours = windows / of["windows_a_core_second"] / 3600
        disk = windows * (of["index_bytes_a_window"] + of["catalog_bytes_a_window"]) / 1e9
        search = of["search_base_mb"] / 1000 + windows * of["search_bytes_a_window"] / 1e9
        build = 0.5 + windows * of["build_bytes_a_window"] / 1e9
        fits = search <= SEARCH_LIMIT_GB and build <= BUILD_LIMIT_GB
        machines = max(1, math.ceil(hours / CORES / SHIFT_H))
        nodes = max(1, math.ceil(windows * of["server_memory_a_window"] / 1e9 / (0.75 * MEMORY_GB)))
        stored = windows * of["server_bytes_a_window"] / 1e9
        one = [
            number(chunks), "one machine",
            "1" if fits else f"no: over {MEMORY_GB} GB", f"{hours:,.1f}",
            f"{hours / 2:,.1f}", size(max(search, build)) if fits else "–", size(disk),
            "yes" if chunks <= MEASURED_TO else "projected",
        ]  # fmt: skip
        many = [
            number(chunks), "server store",
            f"{machines} to ingest, {nodes} to store", f"{hours:,.1f}",
            f"{hours / (machines * CORES):,.1f}",
            size(windows * of["server_memory_a_window"] / 1e9), size(stored),
            "projected",
        ]  # fmt: skip
        found += [one, many]
    return found


def number(value: int) -> str:
    """A power of ten as people write it."""
    return f"{value:,}"


def size(gigabytes: float) -> str:
    """In the unit that reads best."""
    if gigabytes < 1:
        return f"{1000 * gigabytes:,.0f} MB"
    return f"{gigabytes:,.1f} GB" if gigabytes < 1000 else f"{gigabytes / 1000:,.1f} TB"


def table(head: Sequence[str], lines: Sequence[Sequence[str]], right: int = 99) -> str:
    """Markdown; columns from `right` on are set to the right."""
    rule = ["---" if at < right else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])


def computed(units: dict[str, dict[str, Any]]) -> str:
    """What stands between the marks of the page."""
    of = {name: float(unit["value"]) for name, unit in units.items()}
    costs = [
        [unit["unit"], f"{unit['value']:,g}", "yes" if unit["measured"] else "no", unit["where"]]
        for unit in units.values()
    ]
    searches = 1 / of["search_core_s"]
    head = (
        "chunks", "layout", f"machines ({CORES} cores, {MEMORY_GB} GB)", "core-hours of ingest",
        "hours", "memory", "disk", "search measured",
    )  # fmt: skip
    return f"""## Corpus

{table(head, rows(units), 2)}

"Hours" are those of the first ingest: on 2 cores for one machine, with all the machines of the
line for the server store (as many as finish within {SHIFT_H:.0f} hours). "Memory" is that of the
largest process on one machine, and of all store nodes together for a server store. A machine of its
own for each core-hour at any price P a core-hour costs P times the column.

## Questions

One core does about {searches:,.0f} searches a second ({of["search_core_s"] * 1000:.0f} ms each
at {MEASURED_TO:,} chunks), and {1 / of["answer_core_s"]:.2f} answers a second by the local model of
135 million parameters, whatever the size of the corpus: an answer reads the same few passages. A
larger model on GPUs is measured where it runs, by `bench/serve.py`; nothing is projected for it.

## Unit costs

{table(("what", "value", "measured", "where"), costs)}
"""


def main() -> None:
    """Print, or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=Path, help="numbers of bench/scale.py, kept in units.json")
    parser.add_argument("--write", action="store_true", help="into docs/capacity.md")
    options = parser.parse_args()
    units = read_units()
    if options.scale:
        units = renewed(units, json.loads(options.scale.read_text("utf-8")))
        lines = [f' "{name}": {json.dumps(unit)}' for name, unit in units.items()]
        UNITS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    text = computed(units)
    if options.write:
        page = PAGE.read_text("utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
