"""Embedding: speed beside the naive way and the limit, quality beside full precision.

    python bench/embedding.py [--data ../shared/data] [--threads 2] [--texts 64] [--ndcg]

Naive is what sentence-transformers does by default, in plain torch: float32, batches of 32 in
the order given, padded to the longest. The limits are the matrix products at the sizes of the
model's own layers with nothing else to do: torch's in float32, and ONNX Runtime's in 8 bits, which
round their input on the way. Rounds are interleaved and the best of each counts, so that a busy
machine hurts all alike.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from groundtone import weights
from groundtone.embedding import open_embedder
from groundtone.onnx_format import Graph

Embed = Callable[[Sequence[str]], np.ndarray]
NAME = "all-minilm-l6-v2"
QUERY = "How do I reset my password for the console?"
BYTE_LAYERS = ((384, 384), (384, 384), (384, 384), (384, 384), (384, 1536), (1536, 384))
LAYERS = ((384, 1152), (384, 384), (384, 1536), (1536, 384))  # in, out; six times a text


def windows(folder: Path, count: int, tokens: int) -> list[str]:
    """Spans of so many tokens from real manuals, spread over the files."""
    encode = open_embedder(NAME, threads=1).encode
    found: list[str] = []
    files = sorted(folder.rglob("*.md"))
    for path in files[:: max(1, len(files) // count)]:
        text = path.read_text(encoding="utf-8", errors="replace")[:8000]
        spans = encode(text)
        if len(spans) >= tokens:
            start = (len(spans) - tokens) // 2
            found.append(text[spans[start][0] : spans[start + tokens - 1][1]])
        if len(found) == count:
            break
    return found


def naive(threads: int) -> Embed:
    """Plain torch in float32."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    torch.set_num_threads(threads)
    folder = weights.path(NAME)
    model = BertModel(BertConfig.from_pretrained(str(folder)), add_pooling_layer=False)
    model.load_state_dict(load_file(str(folder / "model.safetensors")), strict=False)
    model.eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def embed(texts: Sequence[str]) -> np.ndarray:
        out = []
        for start in range(0, len(texts), 32):
            batch = tokenizer.encode_batch(list(texts[start : start + 32]))
            ids = torch.tensor([item.ids for item in batch])
            mask = torch.tensor([item.attention_mask for item in batch])
            with torch.inference_mode():
                hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
                mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
                out.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        return np.concatenate(out)

    return embed


def products(threads: int, tokens: int) -> Callable[[], None]:
    """The model's matrix products for so many tokens, and nothing else."""
    import torch

    torch.set_num_threads(threads)
    pairs = [(torch.randn(tokens, i), torch.randn(o, i)) for i, o in LAYERS]

    def run() -> None:
        for _ in range(6):
            for x, matrix in pairs:
                torch.nn.functional.linear(x, matrix)

    return run


def byte_products(threads: int, lengths: Sequence[int]) -> Callable[[], None]:
    """The model's matrix products in 8 bits, one text of so many tokens after the other."""
    import onnxruntime

    graph = Graph("products")
    x = graph.input("x", "float32", ["s", LAYERS[0][0]])
    for _ in range(6):
        for inner, outer in BYTE_LAYERS:
            weights8 = graph.constant(np.full((inner, outer), 3, np.int8))
            scale = graph.constant(np.full(outer, 1e-3, np.float32))
            zero = graph.constant(np.zeros(outer, np.int8))
            bias = graph.constant(np.ones(outer, np.float32))
            made = [x, weights8, scale, zero, bias]
            x = graph.node("DynamicQuantizeMatMul", made, domain="com.microsoft")
    graph.node("Identity", [x], name="y")
    graph.output("y", "float32", ["s", LAYERS[0][0]])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = graph.model({"": 17, "com.microsoft": 1})
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    texts = [np.ones((length, LAYERS[0][0]), np.float32) for length in lengths]
    pool = ThreadPoolExecutor(threads)

    def run() -> None:
        for _ in pool.map(lambda text: session.run(["y"], {"x": text}), texts):
            pass

    return run


def best(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Fewest seconds of each job, the jobs taking turns."""
    seconds = dict.fromkeys(jobs, math.inf)
    for _ in range(rounds):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            seconds[name] = min(seconds[name], time.perf_counter() - begin)
    return seconds


def ndcg10(embed: Embed, folder: Path, limit: int) -> float:
    """nDCG@10 of plain dense search, gains as graded; ``limit`` documents, judged ones first."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        grades[query][document] = int(score)
    judged = {document for found in grades.values() for document in found}
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").open(encoding="utf-8")]
    rows = sorted(rows, key=lambda row: row["id"] not in judged)[:limit]
    kept = {row["id"] for row in rows}
    asked = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    asked = [row for row in asked if set(grades.get(row["id"], ())) & kept]
    documents = embed([f"{row['title']}\n{row['text']}" for row in rows])
    scores = embed([row["question"] for row in asked]) @ documents.T
    total = 0.0
    for row, line in zip(asked, scores, strict=True):
        gold = {key: value for key, value in grades[row["id"]].items() if key in kept}
        top = np.argsort(-line)[:10]
        gains = [gold.get(rows[i]["id"], 0) for i in top]
        ideal = sorted(gold.values(), reverse=True)[:10]
        total += _dcg(gains) / _dcg(ideal)
    return total / len(asked)


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def _shown(key: str, row: dict[str, object]) -> str:
    value = row.get(key, "")
    fine = key.startswith(("cosine", "cranfield", "scifact"))
    return f"{value:.4f}" if fine and isinstance(value, float) else str(value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=100, help="of a text, as windows have")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ndcg", action="store_true", help="also nDCG@10 (some minutes more)")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    manuals = told.data / "aws_docs" / "docs"
    if not manuals.is_dir():
        print(f"There is no {manuals}: pass --data FOLDER with the corpora.", file=sys.stderr)
        return 2

    texts = windows(manuals, told.texts, told.tokens)
    ours = {
        precision: open_embedder(NAME, threads=told.threads, precision=precision)
        for precision in ("int8", "float32")
    }
    lengths = [min(len(ours["int8"].encode(text)) + 2, 256) for text in texts]
    tokens = sum(lengths)
    plain = naive(told.threads)
    right = plain(texts)
    limit = products(told.threads, tokens)
    seconds = best(
        {
            "naive torch float32": lambda: plain(texts),
            "float32": lambda: ours["float32"].embed(texts),
            "int8 (default)": lambda: ours["int8"].embed(texts),
            "float32 products only": limit,
            "8-bit products only": byte_products(told.threads, lengths),
        },
        told.rounds,
    )
    ways: dict[str, Embed] = {
        "naive torch float32": plain,
        "float32": ours["float32"].embed,
        "int8 (default)": ours["int8"].embed,
    }
    rows = []
    for name, spent in seconds.items():
        row: dict[str, object] = {
            "way": name,
            "tokens_per_s": round(tokens / spent),
            "texts_per_s": round(len(texts) / spent, 1),
            "to_naive": round(seconds["naive torch float32"] / spent, 2),
            "to_limit": round(seconds["float32 products only"] / spent, 2),
            "to_8_bit_limit": round(seconds["8-bit products only"] / spent, 2),
        }
        if name in ways:
            embed = ways[name]
            cosine = (embed(texts) * right).sum(1)
            row |= {"cosine_mean": float(cosine.mean()), "cosine_min": float(cosine.min())}
            embed([QUERY])
            spent = best({"q": lambda embed=embed: embed([QUERY])}, 50)["q"]  # type: ignore[misc]
            row["query_ms"] = round(spent * 1000, 2)
            if told.ndcg and name != "naive torch float32":  # its vectors are those of float32
                row["cranfield"] = ndcg10(embed, told.data / "cranfield", 1400)
                row["scifact_1500"] = ndcg10(embed, told.data / "scifact", 1500)
        rows.append(row)
    if told.json:
        print(json.dumps(rows))
        return 0
    print(f"{len(texts)} texts, {tokens} tokens, {told.threads} threads")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    print(f"{'way':<22}" + "".join(f"{key:>15}" for key in columns[1:]))
    for row in rows:
        print(f"{row['way']:<22}" + "".join(f"{_shown(key, row):>15}" for key in columns[1:]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
