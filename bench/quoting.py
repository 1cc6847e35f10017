"""QuoteSum and ClapNQ as corpora of ``bench/fourway.py``: pages, examples to tune on, questions.

Both give a question's answer by people and the passages it stands in. Each passage becomes a page
of its own. The questions are split by a fixed shuffle: the answers of three fifths are the
examples, the others are asked, so that no question is in both. The label of an example names
the pages which its answer quotes.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from groundtone.evaluation.metrics import normalise

SYSTEM = {
    "quotesum": "Answer the question from the sources, in their own words.",
    "clapnq": "Answer the question in a few sentences, from the passages alone.",
}
SETTINGS = """[answer]
label = "[Source: {{document}}]"
system = "{system}"

[chat]
max_tokens = 320
"""
STYLE = """name = "{name}"
label = "[Source: {{document}}]"
refusal = "The documents do not answer this question."
max_sentences = 6
max_words = 160
"""
_QUOTE = re.compile(r"\[\s*(\d+)\s+(.*?)\s*\]")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[])")

Row = dict[str, Any]


def prepare(name: str, source: Path, folder: Path, count: int) -> tuple[Path, Path, Path]:
    """Write the corpus into a folder: its documents, its examples (so many at most), its questions.

    Raises:
        OSError: the corpus is not there.
    """
    documents = folder / "pages"
    documents.mkdir(parents=True, exist_ok=True)
    write = quotesum if name == "quotesum" else clapnq
    examples, questions = write(source, documents)
    system = SYSTEM[name]
    (folder / "groundtone.toml").write_text(SETTINGS.format(system=system), "utf-8")
    (folder / "style.toml").write_text(STYLE.format(name=name), "utf-8")
    tuned = (
        {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
        for question, answer in examples[:count]
    )
    return (
        documents,
        lines(folder / "examples.jsonl", tuned),
        lines(folder / "questions.jsonl", questions),
    )


def quotesum(source: Path, documents: Path) -> tuple[list[tuple[str, str]], list[Row]]:
    """Examples and questions of QuoteSum; of several answers to a question, all are accepted."""
    asked: dict[str, list[Row]] = {}
    for row in read(source / "examples.jsonl"):
        asked.setdefault(row["qid"], []).append(row)
    trained, held = split(list(asked))
    pages = {
        qid: {
            each["n"]: page(documents, each["title"], each["text"]) for each in rows[0]["sources"]
        }
        for qid, rows in asked.items()
    }
    examples = [
        (rows[0]["question"], labelled(rows[0]["answer"], pages[qid]))
        for qid, rows in asked.items()
        if qid in trained
    ]
    questions = []
    for qid in held:
        rows = asked[qid]
        quoted = {int(n) for row in rows for n, _ in _QUOTE.findall(row["answer"])}
        questions.append(
            {
                "id": qid,
                "question": rows[0]["question"],
                "answers": [_QUOTE.sub(r"\2", row["answer"]) for row in rows],
                "evidence": [{"doc": pages[qid][n]} for n in sorted(quoted & set(pages[qid]))],
            }
        )
    return examples, questions


def clapnq(source: Path, documents: Path) -> tuple[list[tuple[str, str]], list[Row]]:
    """Examples and questions of ClapNQ; every question is asked, answerable or not."""
    pages = {
        row["id"]: page(documents, row["title"], row["text"])
        for row in read(source / "corpus.jsonl")
    }
    rows = {row["id"]: row for row in read(source / "queries.jsonl")}
    trained, held = split(list(rows))
    examples = [
        (
            rows[one]["question"],
            f"{rows[one]['answers'][0].strip()} {label([pages[rows[one]['evidence'][0]['doc']]])}",
        )
        for one in rows
        if one in trained and rows[one]["answerable"]
    ]
    questions = [
        {
            "id": one,
            "question": rows[one]["question"],
            "answers": [each for each in rows[one]["answers"] if normalise(each)],  # some are "."
            "answerable": rows[one]["answerable"],
            "evidence": [{"doc": pages[each["doc"]]} for each in rows[one]["evidence"]]
            if rows[one]["answerable"]
            else [],
        }
        for one in held
    ]
    return examples, questions


def labelled(answer: str, pages: dict[int, str]) -> str:
    """An answer without its brackets, each sentence followed by the pages which it quotes."""
    said = []
    for sentence in _END.split(answer.strip()):
        quoted = [pages[int(n)] for n, _ in _QUOTE.findall(sentence) if int(n) in pages]
        plain = _QUOTE.sub(r"\2", sentence).replace(" ,", ",").replace(" .", ".").strip()
        said.append(f"{plain} {label(quoted)}".strip())
    return " ".join(said)


def label(pages: Iterable[str]) -> str:
    """The labels of pages, each once."""
    return " ".join(f"[Source: {each}]" for each in dict.fromkeys(pages))


def page(documents: Path, title: str, text: str) -> str:
    """Write a passage as a page under its title, and return the page's name."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "page"
    whole = f"# {title}\n\n{text}\n"
    number = 1
    while True:
        path = documents / (f"{slug}.md" if number == 1 else f"{slug}-{number}.md")
        if not path.exists():
            path.write_text(whole, "utf-8")
        if path.read_text("utf-8") == whole:
            return path.name
        number += 1


def split(names: list[str]) -> tuple[set[str], list[str]]:
    """What is tuned on and what is asked."""
    random.Random(7).shuffle(names)
    tuned = len(names) * 3 // 5
    return set(names[:tuned]), names[tuned:]


def read(path: Path) -> list[Row]:
    """The objects of a JSONL file."""
    return [json.loads(each) for each in path.read_text("utf-8").splitlines()]


def lines(path: Path, rows: Iterable[Row]) -> Path:
    """Write objects as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
