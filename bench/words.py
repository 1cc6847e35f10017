"""How words are best indexed: stems, stop words, and further forms of identifiers.

    python bench/words.py --data DATA --work WORK

Takes the windows of the collections that bench/fusion.py has synced, indexes their words once for
each way, and prints how well BM25 alone finds the relevant documents.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundtone.evaluation.ranking import ndcg
from groundtone.index import words
from judged import NAMES, Asked, load, synced

Prepare = Callable[[str], str]
WORD = re.compile(r"[^\W_]+")
HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
CAMEL = re.compile(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*\b")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="How words are best indexed.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(NAMES))
    given = parser.parse_args()
    names = given.sets.split(",")
    print(f"| BM25 alone, nDCG@10 | {' | '.join(names)} | mean |")
    print("| --- |" + " --- |" * (len(names) + 1))
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for name in names:
        collection = load(name, given.data, given.work)
        with synced(collection, given.work) as workspace:
            windows = [
                (document.path, chunk.lead + text[start:end])
                for document in workspace.catalog.documents()
                for text in [workspace.catalog.text(document.version)]
                for chunk in workspace.catalog.chunks(document.version)
                for start, end in chunk.windows
            ]
        for way, (document_words, question_words) in WAYS.items():
            found[way].append(judge(windows, collection.questions, document_words, question_words))
    for way, values in found.items():
        cells = " | ".join(f"{value:.3f}" for value in values)
        print(f"| {way} | {cells} | {np.mean(values):.3f} |")


def folded(text: str) -> str:
    """Words as they are, case folded."""
    return " ".join(WORD.findall(text.casefold()))


def stems(text: str) -> str:
    """Stems, without the forms of compounds."""
    return words.indexed(text).partition("\n")[0]


def singular(text: str) -> str:
    """Harman's (1991) S stemmer: only the plural's ending goes."""
    return " ".join(_singular(word) for word in WORD.findall(text.casefold()))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 3 and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("es") and len(word) > 3 and word[-3] not in "aeo":
        return word[:-1]
    if word.endswith("s") and len(word) > 2 and word[-2] not in "us":
        return word[:-1]
    return word


def with_humps(text: str) -> str:
    """What is indexed, and ``CreateBucket`` as "create bucket" too."""
    parts = (part for match in CAMEL.finditer(text) for part in HUMP.findall(match.group()))
    return f"{words.indexed(text)} {stems(' '.join(dict.fromkeys(parts)))}"


def once(prepare: Prepare) -> Prepare:
    """For questions: each word once."""
    return lambda question: " ".join(dict.fromkeys(prepare(question).split()))


WAYS: dict[str, tuple[Prepare, Prepare]] = {
    "as they are": (folded, once(folded)),
    "plurals cut (S stemmer)": (singular, once(singular)),
    "stems (Porter 2)": (stems, once(stems)),
    "stems, compounds also as one word": (words.indexed, once(words.indexed)),
    "**and no stop words in questions**": (words.indexed, words.asked),
    "and camel case split in documents": (with_humps, words.asked),
}


def judge(
    windows: list[tuple[str, str]],
    questions: tuple[Asked, ...],
    document_words: Prepare,
    question_words: Prepare,
) -> float:
    """nDCG@10 of documents by their best window, mean over questions."""
    import lancedb
    import pyarrow as pa
    from lancedb.index import FTS
    from lancedb.query import MatchQuery

    values = []
    with tempfile.TemporaryDirectory() as folder:
        rows = {"n": range(len(windows)), "text": [document_words(text) for _, text in windows]}
        table = lancedb.connect(folder).create_table("words", pa.table(rows))
        plain = {"stem": False, "lower_case": False, "ascii_folding": False}
        config = FTS(
            base_tokenizer="whitespace",
            max_token_length=words.LONGEST,
            remove_stop_words=False,
            **plain,
        )
        table.create_index("text", config=config)
        for each in questions:
            query = MatchQuery(question_words(each.text), "text")
            search = table.search(query, query_type="fts").select(["n", "_score"]).limit(100)
            hits = sorted(search.to_arrow().to_pylist(), key=lambda hit: (-hit["_score"], hit["n"]))
            values.append(ndcg(list(dict.fromkeys(windows[h["n"]][0] for h in hits)), each.gains))
    return float(np.mean(values))


if __name__ == "__main__":
    main()
