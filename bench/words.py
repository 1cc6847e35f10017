"""How words are best indexed: stems, stop words, and further forms of identifiers.

    python bench/words.py --workspace kb --questions questions.jsonl

Takes the windows of a workspace that bench/search.py has synced, indexes them once for each way,
and prints how well BM25 alone finds the gold files.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundtone.catalog import Catalog
from groundtone.index.words import LONGEST, asked, indexed

Prepare = Callable[[str], str]
HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
CAMEL = re.compile(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*\b")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="How words are best indexed.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    given = parser.parse_args()
    catalog = Catalog(given.workspace / ".groundtone" / "catalog.db")
    windows = list(texts(catalog))
    questions = [json.loads(line) for line in given.questions.read_text("utf-8").splitlines()]
    print(f"{len(windows)} windows, {len(questions)} questions\n")
    print("| words | recall@1 | recall@5 | MRR@20 |\n| --- | --- | --- | --- |")
    for name, (document, question, options) in ways().items():
        values = judge(windows, questions, document, question, options)
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)


def texts(catalog: Catalog) -> Iterator[tuple[str, int, str]]:
    """Every window: its file, its chunk, its text."""
    for document in catalog.documents():
        text = catalog.text(document.version)
        for chunk in catalog.chunks(document.version):
            for start, end in chunk.windows:
                yield document.path, chunk.ordinal, chunk.lead + text[start:end]


def ways() -> dict[str, tuple[Prepare, Prepare, dict[str, Any]]]:
    """What is done to a document, to a question, and the index's options."""
    all_words = {"remove_stop_words": False}
    return {
        "as they are, stemmed": (plain, once, all_words),
        "as they are, stemmed, stop words removed": (plain, once, {}),
        "as they are, not stemmed": (plain, once, {"stem": False}),
        "compounds also as one word (chosen)": (indexed, asked, all_words),
        "and camel case split in documents": (with_humps, asked, all_words),
        "and in questions": (with_humps, lambda q: f"{asked(q)} {humps(q)}", all_words),
        "and neighbours in questions joined": (
            indexed,
            lambda q: f"{asked(q)} {pairs(q)}",
            all_words,
        ),
    }


def plain(text: str) -> str:
    """Only case folded."""
    return text.casefold()


def once(question: str) -> str:
    """Each word once."""
    return " ".join(dict.fromkeys(question.casefold().split()))


def humps(text: str) -> str:
    """``CreateBucket`` as "create bucket"."""
    found = (part for match in CAMEL.finditer(text) for part in HUMP.findall(match.group()))
    return " ".join(dict.fromkeys(part.casefold() for part in found))


def with_humps(text: str) -> str:
    """The words that are indexed, and the parts of camel case."""
    return f"{indexed(text)} {humps(text)}"


def pairs(question: str) -> str:
    """ "create bucket" as "createbucket"."""
    words = re.findall(r"[^\W_]+", question.casefold())
    return " ".join(first + second for first, second in itertools.pairwise(words))


def judge(
    windows: list[tuple[str, int, str]],
    questions: list[dict[str, Any]],
    document: Prepare,
    question: Prepare,
    options: dict[str, Any],
) -> tuple[float, float, float]:
    """Recall@1, recall@5 and MRR@20 of the gold files' chunks."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import FTS
    from lancedb.query import MatchQuery

    first = five = reciprocals = 0.0
    with tempfile.TemporaryDirectory() as folder:
        rows = {"n": range(len(windows)), "text": [document(text) for _, _, text in windows]}
        table = lancedb.connect(folder).create_table("words", pa.table(rows))
        table.create_index("text", config=FTS(max_token_length=LONGEST, **options))
        for asking in questions:
            gold = {evidence["doc"] for evidence in asking["evidence"]}
            query = MatchQuery(question(asking["question"]), "text")
            search = table.search(query, query_type="fts").select(["n", "_score"]).limit(100)
            hits = sorted(search.to_arrow().to_pylist(), key=lambda hit: (-hit["_score"], hit["n"]))
            chunks = dict.fromkeys(windows[hit["n"]][:2] for hit in hits)
            right = [path in gold for path, _ in chunks][:20]
            rank = right.index(True) + 1 if True in right else 0
            first += rank == 1
            five += 1 <= rank <= 5
            reciprocals += 1 / rank if rank else 0
    count = len(questions)
    return first / count, five / count, reciprocals / count


if __name__ == "__main__":
    main()
