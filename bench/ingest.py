"""Ingest: files in, searchable passages out, beside LangChain and LlamaIndex.

    python bench/ingest.py --source DOCS [DOCS …] [--files N] [--whole] [--peers-python PYTHON]

Side by side, over the first N files of each folder, each system reads, cuts, embeds with the same
MiniLM weights and stores, in a process of its own; the systems take turns. Ours is a whole `sync`,
vectors, words and catalog on disk; the peers get their text from pypdf and BeautifulSoup, their
pieces from their own splitters (512 tokens, 50 shared), their vectors from their own classes over
sentence-transformers, and store in memory. A second is counted from when the model is open. Also
printed: how much of the text the model ever saw (it stops at 256 tokens), the peak memory of the
process and its children, the share of the time in the embedding engine, and for ours what it takes
to sync again, unchanged and after seven changes. With `--whole` ours then takes in all files of
each folder, and syncs again there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OURS = "ours"
PEERS = ("langchain", "llamaindex")
KINDS = {".md", ".txt", ".html", ".htm", ".pdf"}
MODEL = "all-minilm-l6-v2"


def main() -> int:
    """Read the arguments, let the systems take turns, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--source", type=Path, required=True, nargs="+")
    parser.add_argument("--files", type=int, help="side by side only the first so many, by path")
    parser.add_argument("--whole", action="store_true", help="then ours over all of each folder")
    parser.add_argument("--peers-python", type=Path, help="has what bench/peers.txt names")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for folder in given.source:
        if not folder.is_dir():
            print(f"There is no folder {folder}: pass --source.", file=sys.stderr)
            return 2
    systems = (OURS, *PEERS) if given.peers_python else (OURS,)
    if not given.json:
        print(f"{cores()} cores", flush=True)
    for source in given.source:
        runs = [(systems, given.files)]
        if given.whole and given.files is not None:
            runs.append(((OURS,), None))
        for some, files in runs:
            rows, again = side_by_side(source, some, files, given.rounds, given.peers_python)
            if given.json:
                told = {"source": source.name, "systems": rows, "again": again}
                print(json.dumps(told), flush=True)
            else:
                show(source, rows, again)
    return 0


def side_by_side(
    source: Path, systems: Sequence[str], files: int | None, rounds: int, python: Path | None
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """Each system over the first files of a folder, its best round; and ours synced again."""
    rows: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        work = Path(folder)
        taken = copied(source, work / "source", files)
        model = prepared_model(work / "model")
        for turn in range(rounds):
            for system in systems:
                place = work / f"{system}-{turn}"
                place.mkdir()
                row = measured(system, taken, model, place, python)
                if system not in rows or row["seconds"] < rows[system]["seconds"]:
                    rows[system] = row
        return rows, synced_again(work / f"{OURS}-0" / "kb", taken)


def copied(source: Path, target: Path, files: int | None) -> Path:
    """The first files of the kinds that all systems read, in their folders, times kept."""
    found = sorted(p for p in source.rglob("*") if p.suffix.lower() in KINDS and p.is_file())
    for path in found[:files]:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    return target


def prepared_model(folder: Path) -> Path:
    """The pinned weights as the folder that sentence-transformers loads."""
    from groundtone import weights

    shutil.copytree(weights.path(MODEL), folder, ignore=shutil.ignore_patterns("*.onnx"))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True})
    )
    kinds = (
        ("", "models.Transformer"),
        ("1_Pooling", "models.Pooling"),
        ("2_Normalize", "models.Normalize"),
    )
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.{kind}"}
        for n, (path, kind) in enumerate(kinds)
    ]
    (folder / "2_Normalize").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 256, "do_lower_case": False})
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "BertTokenizerFast", "do_lower_case": True,
                "model_max_length": 512, "cls_token": "[CLS]", "sep_token": "[SEP]",
                "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]",
            }
        )
    )  # fmt: skip
    return folder


def measured(
    system: str, source: Path, model: Path, place: Path, python: Path | None
) -> dict[str, Any]:
    """One system's run in its own process, watched from here."""
    script = HERE / ("ingest_ours.py" if system == OURS else "ingest_peer.py")
    interpreter = sys.executable if system == OURS else str(python)
    began = time.perf_counter()
    process = subprocess.Popen(
        [interpreter, str(script), system, str(source), str(model), str(place)],
        stdout=subprocess.PIPE, text=True, env=clean_environment(),
    )  # fmt: skip
    peak = Peak(process.pid)
    told = process.communicate()[0]
    peak.stop()
    if process.returncode:
        sys.exit(f"{system} failed with exit code {process.returncode}.")
    row = json.loads(told.splitlines()[-1])
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    tokens, share = counted(place / "embedded.jsonl", place / "texts.jsonl")
    return {
        "files": row["files"],
        "seconds": row["seconds"],
        "started_s": time.perf_counter() - began - row["seconds"],
        "mb_per_s": size / 1e6 / row["seconds"],
        "tokens_per_s": tokens / row["seconds"],
        "tokens": tokens,
        "share_embedded": share,
        "peak_mb": peak.most / 1e6,
        "engine_share": row["engine_s"] / row["seconds"],
    }


def counted(embedded: Path, texts: Path) -> tuple[int, float]:
    """Tokens that went through the model, and the share of the text's characters among them."""
    from groundtone.embedding import open_embedder

    embedder = open_embedder(MODEL, threads=1)
    seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
    tokens = 0
    for row in _lines(embedded):
        spans = embedder.encode(row["text"])[: embedder.max_tokens - 2]
        if row.get("worked", True):
            tokens += len(spans) + 2
        if "document" in row:
            # What comes before the slice (headings, a path) counts as work, not as text.
            visible = (spans[-1][1] if spans else 0) - row["before"]
            seen[row["document"]].append((row["start"], row["start"] + max(0, visible)))
    whole = covered = 0
    for row in _lines(texts):
        marks = bytearray(len(row["text"]))
        for start, end in (*seen[row["document"]], *row.get("said", ())):
            start, end = max(0, start), min(end, len(marks))
            marks[start:end] = b"\1" * max(0, end - start)
        for mark, character in zip(marks, row["text"], strict=True):
            if not character.isspace():
                whole += 1
                covered += mark
    return tokens, covered / max(1, whole)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class Peak:
    """The most memory that a process and its descendants held together, in bytes (PSS)."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.most = max(self.most, sum(_pss(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, path.read_text().split())
            except OSError:
                continue
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def synced_again(workspace: Path, source: Path) -> dict[str, float]:
    """Seconds of whole `groundtone sync` processes: nothing changed, then seven changes."""
    again = {"unchanged_s": min(synced(workspace) for _ in range(3))}
    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in {".md", ".txt", ".html"})
    if len(files) < 8:
        return again
    for path in files[:5]:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n\nThe quixotic ferret inspects the zinc turbine every Tuesday.\n")
    for path in files[5:7]:
        path.unlink()
    again["seven_changes_s"] = synced(workspace)
    done = _groundtone("search", "quixotic ferret zinc turbine", "-k", "5", "--json", at=workspace)
    found = json.loads(done)
    again["edits_found"] = sum("quixotic ferret" in passage["text"] for passage in found)
    return again


def synced(workspace: Path) -> float:
    """Seconds of one sync, start-up included."""
    began = time.perf_counter()
    _groundtone("sync", "--json", at=workspace)
    return time.perf_counter() - began


def _groundtone(*arguments: str, at: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "groundtone.cli.main", *arguments, "--workspace", str(at)],
        capture_output=True, text=True, check=True, env=clean_environment(),
    )  # fmt: skip
    return done.stdout


def cores() -> int:
    """Processors that this may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def show(source: Path, rows: dict[str, dict[str, Any]], again: dict[str, float]) -> None:
    """The tables."""
    print(
        f"\n{source}\n\n"
        "| | files | seconds | MB/s | embedded tokens/s | tokens | of the text embedded | peak MB "
        "| time in the engine | start s |\n" + "| --- " + "| ---: " * 9 + "|"
    )
    for system, row in rows.items():
        print(
            f"| {system} | {row['files']:,} | {row['seconds']:.1f} | {row['mb_per_s']:.3f} "
            f"| {row['tokens_per_s']:,.0f} | {row['tokens']:,} | {row['share_embedded']:.1%} "
            f"| {row['peak_mb']:,.0f} | {row['engine_share']:.1%} | {row['started_s']:.1f} |"
        )
    ours = rows[OURS]
    for system, row in rows.items():
        if system != OURS:
            tokens, megabytes = (ours[n] / row[n] for n in ("tokens_per_s", "mb_per_s"))
            print(f"\nours / {system}: {tokens:.2f} in tokens/s, {megabytes:.2f} in MB/s")
    said = ", ".join(f"{name} {value:.2f}" for name, value in again.items())
    print(f"\nours, again: {said}", flush=True)


def clean_environment() -> dict[str, str]:
    """Nobody may reach for the network."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


if __name__ == "__main__":
    raise SystemExit(main())
