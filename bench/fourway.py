"""All arms on several corpora: one table each, written into docs/measurements.md.

    python bench/fourway.py --data DATA --work WORK [--corpora examples,k8s_docs] [--limit N]

``examples`` is the manual of this repository; the others are folders of DATA: ``quotesum`` and
``clapnq`` (bench/quoting.py), and any with ``docs`` or ``articles``, and ``queries.jsonl``. Where a
corpus has answers to tune on (all but squad, aws_docs and sec10q), models are tuned on them, for
the others on examples drafted from their documents by rules: one model for each of ``--seeds`` and
one without documents. Everything is kept in WORK: running it again goes on where it stopped, and a
table that is there is written anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import k8s
import quoting
from groundtone import Workspace
from groundtone.cli import examples as own
from groundtone.evaluation.comparing import ARMS, PLAIN
from groundtone.evaluation.figures import show_interval
from groundtone.evaluation.measures import MEASURES
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import drafting, tune

if TYPE_CHECKING:
    from groundtone.evaluation import Report

ROOT = Path(__file__).parents[1]
UNTRAINED = {"base", "rag"}
SHOWN = (
    "passed", "correct", "f1", "rouge_l", "format", "style", "citation_precision",
    "citation_recall", "citation_right", "faithfulness", "refusal_right", "refusal_wrong", "tokens",
)  # fmt: skip
SYSTEM = "Answer the question in as few words as are needed."


@dataclass(frozen=True)
class Corpus:
    """One corpus, ready in its workspace's folder.

    Attributes:
        folder: the workspace. documents: what is synced. questions: in a fixed random order.
        examples: to tune on; where the corpus has none, drafted when it is first tuned on.
    """

    name: str
    folder: Path
    documents: Path
    questions: Path
    examples: Path


def main() -> None:
    """Prepare, tune, compare and write a table, one corpus after the other."""
    parser = argparse.ArgumentParser(description="All arms on several corpora.")
    parser.add_argument("--data", type=Path, help="folder of the corpora that are not ours")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corpora", default="examples,k8s_docs,squad,aws_docs,sec10q")
    parser.add_argument("--limit", type=int, help="questions of each corpus; default: all")
    parser.add_argument("--examples", type=int, default=400, help="training examples at most")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "measurements.md")
    chosen = parser.parse_args()
    for name in chosen.corpora.split(","):
        corpus = prepared(name, chosen.data, chosen.work / name, chosen.examples)
        with Workspace.open(corpus.folder) as workspace:
            began = time.monotonic()
            synced = workspace.sync(corpus.documents)
            say(f"{name}: synced {synced.added} new in {time.monotonic() - began:.0f} s")
            report = measured(workspace, corpus, chosen)
        report.to_html(chosen.work / f"{name}.html")
        (chosen.work / f"{name}.json").write_text(json.dumps(report.to_json()), "utf-8")
        write(chosen.out, name, table(report, corpus, chosen))
        say(report.verdict)


def prepared(name: str, data: Path | None, folder: Path, count: int) -> Corpus:
    """The corpus in a folder of its own, with its settings and questions."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "examples":
        own.copy(ROOT / "examples", folder)
        (folder / "groundtone.toml").write_text(own.settings(folder / "style.toml"), "utf-8")
        examples = cut(folder / "style.jsonl", folder / "examples.jsonl", count)
        return Corpus(name, folder, folder / "manual", folder / "questions.jsonl", examples)
    source = (data or Path()) / name
    if name in quoting.SYSTEM:
        if not source.is_dir():
            sys.exit(f"{source} does not hold the corpus {name}; see docs/measurements.md")
        pages, examples, questions = quoting.prepare(name, source, folder, count)
        return Corpus(name, folder, pages, questions, examples)
    if not (source / "queries.jsonl").is_file():
        sys.exit(f"{source} does not hold the corpus {name}; see docs/measurements.md")
    system = k8s.SYSTEM if name == "k8s_docs" else SYSTEM
    (folder / "groundtone.toml").write_text(k8s.SETTINGS.replace(k8s.SYSTEM, system), "utf-8")
    (folder / "style.toml").write_text(k8s.STYLE.replace('"k8s"', f'"{name}"'), "utf-8")
    train = source / "train.jsonl"
    examples = folder / "drafted.jsonl"
    if train.is_file():
        examples = k8s.write_examples(train, folder, count)
    documents = next(source / each for each in ("docs", "articles") if (source / each).is_dir())
    questions = k8s.shuffled(source / "queries.jsonl", folder / "questions.jsonl")
    return Corpus(name, folder, documents, questions, examples)


def cut(source: Path, path: Path, count: int) -> Path:
    """The first so many lines of a file."""
    path.write_text("".join(source.read_text("utf-8").splitlines(keepends=True)[:count]), "utf-8")
    return path


def measured(workspace: Workspace, corpus: Corpus, chosen: argparse.Namespace) -> Report:
    """Tune what is not tuned yet, then compare."""
    arms = chosen.arms.split(",")
    untrained = set(arms) <= UNTRAINED
    if not untrained and not corpus.examples.exists():
        found = drafting.draft(workspace, count=chosen.examples, beside=[corpus.questions])
        lines = [each.line(drafting.voice(workspace)) for each in found.kept]
        drafting.write(lines, corpus.examples)
    tuned, plain = [], None
    if {"tuned", "both"} & set(arms):
        tuned = [model(workspace, corpus, chosen.epochs, seed) for seed in range(chosen.seeds)]
    if PLAIN in arms:
        plain = model(workspace, corpus, chosen.epochs, 0, documents=False)
    return workspace.compare(
        corpus.questions,
        arms=arms,
        tuned=tuned or None,
        without_documents=plain,
        examples=None if untrained else corpus.examples,
        limit=chosen.limit,
        skip_leaks=True,
        progress=lambda done, total, outcome: print(
            f"\r{corpus.name} {done}/{total} {outcome.arm}   ", end="", file=sys.stderr, flush=True
        ),
    )


def model(
    workspace: Workspace, corpus: Corpus, epochs: int, seed: int, *, documents: bool = True
) -> str:
    """The tuned model of a seed: the one that is there, or a new one."""
    suffix = f"s{seed}" if documents else "plain"
    known = [m.name for m in workspace.catalog.list_models() if f":{suffix}:" in m.name]
    if known:
        return known[-1]
    run = next((run for run in runs(workspace, suffix) if run.status != "failed"), None)
    if run is None:
        contexts = Contexts(each=1) if documents else Contexts.none()
        run = tune.start(
            workspace, corpus.examples, suffix=suffix,
            recipe=replace(Recipe(), epochs=epochs, seed=seed), contexts=contexts,
        )  # fmt: skip
    elif run.status not in ("running", "succeeded"):
        run.resume()
    for event in run.events():
        if event["event"] != "step" or event.get("valid_loss") is not None:
            say(f"{corpus.name} {suffix} {json.dumps(event)[:160]}")
    assert run.model is not None
    return run.model


def runs(workspace: Workspace, suffix: str) -> list[tune.Run]:
    """The runs of a suffix, newest first."""
    stored = workspace.catalog.list_runs(limit=100)
    return [tune.Run(workspace, one.id) for one in stored if one.settings["suffix"] == suffix]


def table(report: Report, corpus: Corpus, chosen: argparse.Namespace) -> str:
    """The verdict, the command and the main measures in Markdown."""
    names = [name for name in SHOWN if name in report.shown_measures()]
    columns = list(report.arms.values())
    command = f"python bench/fourway.py --data DATA --work WORK --corpora {corpus.name}"
    trained = not set(report.arms) <= UNTRAINED
    for option in ("limit", "arms", *(("examples", "epochs", "seeds") if trained else ())):
        value = getattr(chosen, option)
        if value is not None and value != ",".join(ARMS):
            command += f" --{option} {value}"
    seeds = max((arm.seeds for arm in columns), default=1)
    asked = f"{len(report.rows)} questions"
    asked += f", tuned with {seeds} training seeds" if seeds > 1 else ""
    lines = [
        f"### {corpus.name}",
        "",
        f"{asked}. {report.verdict} {' '.join(report.remarks())}".strip(),
        "",
        "```console",
        f"$ {command}",
        "```",
        "",
        line(["", *report.arms]),
        line(["---", *("---:" for _ in columns)]),
    ]
    for name in names:
        unit = MEASURES[name].unit
        cells = [show_interval(arm.measures.get(name), unit) for arm in columns]
        lines.append(line([MEASURES[name].title, *cells]))
    return "\n".join(lines)


def line(cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def write(path: Path, name: str, text: str) -> None:
    """Put a corpus's table between its marks, in place of the one before, or at the end."""
    begin, end = f"<!-- fourway: {name} -->", f"<!-- end of fourway: {name} -->"
    page = path.read_text("utf-8")
    part = f"{begin}\n{text}\n{end}"
    before, mark, rest = page.partition(begin)
    after = rest.partition(end)[2] if mark else "\n"
    path.write_text((before if mark else page.rstrip("\n") + "\n\n") + part + after, "utf-8")


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
