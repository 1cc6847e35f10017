"""Cited tables of filings: is the page right that is reported, and the box that is drawn on it?

    groundtone init WORK && groundtone sync DATA/docs --workspace WORK
    python bench/tables.py --data DATA --workspace WORK [--draw FOLDER]

DATA is a folder with ``docs`` (PDF) and ``queries.jsonl`` (id, question, answers, evidence). Asked
are the questions whose gold answer names one file and holds a figure. Of the ``-k`` best passages
each table row of that file with such a figure is taken as a quote, and its page and box as a
citation would report them. They are right if pdfium, asked for the row's label and for the figure,
finds both on one line of that page, and inside that box.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtone.documents.document import Box
from groundtone.documents.pdf_opening import display, opened
from groundtone.documents.pdf_pages import page_png
from groundtone.retrieval import Passage
from groundtone.workspace import Workspace

_FIGURE = re.compile(r"\d{1,3}(?:,\d{3})+|\d+\.\d+(?= ?%)")
_EDGE = 3.0  # points by which a sign may reach over a box


@dataclass(frozen=True)
class Row:
    """A row of a table that a passage shows, as a quote of it would be cited."""

    question: str
    document: str
    figure: str
    label: str
    page: int | None
    box: Box | None
    passage_page: int | None
    passage_box: Box | None
    rank: int


def main() -> int:
    """Read the arguments, ask, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--draw", type=Path, help="a folder for pictures of pages with boxes")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not (given.data / "queries.jsonl").is_file():
        print(f"There is no {given.data}/queries.jsonl: pass --data.", file=sys.stderr)
        return 2
    asked = list(questions(given.data / "queries.jsonl"))
    rows: list[Row] = []
    with Workspace.open(given.workspace) as workspace:
        for id, question, document, figures in asked:
            for passage in workspace.search(question, k=given.k):
                if passage.document == document:
                    rows += rows_of(id, passage, figures)
    checked = [(row, *right(given.data / "docs", row)) for row in rows]
    if given.draw:
        draw(given.data / "docs", checked, given.draw)
    told: dict[str, Any] = {
        "questions with a figure": len(asked),
        "with such a table row among the passages": len({row.question for row in rows}),
        "rows": len(rows),
        "right page": sum(page for _, page, _ in checked),
        "right box": sum(box for _, _, box in checked),
        "passage begins on another page": sum(r.passage_page != r.page for r in rows),
        "wrong": [vars(row) for row, page, box in checked if not (page and box)],
    }
    print(json.dumps(told) if given.json else "\n".join(f"{k}: {v}" for k, v in told.items()))
    return 0


def questions(path: Path) -> Iterator[tuple[str, str, str, set[str]]]:
    """Those with one gold file and a figure: id, question, file, figures."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        documents = {one["doc"] for one in row["evidence"]}
        figures = set(_FIGURE.findall(row["answers"][0]))
        if len(documents) == 1 and figures:
            yield row["id"], row["question"], documents.pop(), figures


def rows_of(id: str, passage: Passage, figures: set[str]) -> Iterator[Row]:
    """The rows of tables in a passage that hold one of the figures."""
    at = passage.start
    for line in passage.text.split("\n"):
        start, at = at, at + len(line) + 1
        cells = [cell.strip() for cell in line.split(" | ")]
        label = cells[0]
        held = [f for f in sorted(figures) if any(f in _FIGURE.findall(c) for c in cells[1:])]
        if len(cells) > 1 and label and held:
            page, box = passage.place(start, start + len(line))
            yield Row(id, passage.document, held[0], label, page, box,
                      passage.page, passage.box, passage.rank)  # fmt: skip


def right(folder: Path, row: Row) -> tuple[bool, bool]:
    """Whether label and figure stand on the reported page, and both inside the reported box."""
    if row.page is None:
        return False, False
    labels = places(folder / row.document, row.page, _plain(row.label))
    figures = places(folder / row.document, row.page, row.figure)
    pairs = [(a, b) for a in labels for b in figures if abs(a[1] - b[1]) < 12]
    inside = row.box is not None and any(
        _within(one, row.box) and _within(other, row.box) for one, other in pairs
    )
    return bool(pairs), inside


def _plain(label: str) -> str:
    """A label's beginning without signs that stand raised or in brackets."""
    found = re.match(r"[\w ,.'&/-]+", label)
    return (found[0] if found else label).strip()[:60]


def places(path: Path, number: int, words: str) -> list[Box]:
    """Boxes of the first line of each place where words stand on a page."""
    found: list[Box] = []
    with opened(path) as pdf:
        page = pdf[number - 1]
        turn, _, _ = display(page)
        text = page.get_textpage()
        search = text.search(words)
        while (place := search.get_next()) is not None:
            if text.count_rects(*place):
                left, bottom, right, top = text.get_rect(0)
                found.append(turn(left, top, right, bottom))
        text.close()
        page.close()
    return found


def _within(inner: Box, outer: Box) -> bool:
    return (
        inner[0] >= outer[0] - _EDGE
        and inner[1] >= outer[1] - _EDGE
        and inner[2] <= outer[2] + _EDGE
        and inner[3] <= outer[3] + _EDGE
    )


def draw(folder: Path, checked: list[tuple[Row, bool, bool]], into: Path) -> None:
    """A picture of the page of each question's first row, with the box on it."""
    into.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    for row, _, _ in checked:
        if row.question in seen or row.page is None or row.box is None:
            continue
        seen.add(row.question)
        name = f"{row.question}-{Path(row.document).stem.replace(' ', '-')}-p{row.page}.png"
        (into / name).write_bytes(page_png(folder / row.document, row.page, (row.box,), scale=1.0))


if __name__ == "__main__":
    raise SystemExit(main())
