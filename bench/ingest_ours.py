"""Our side of ``bench/ingest.py``: one sync into a new workspace, told as JSON.

    python ingest_ours.py ours SOURCE MODEL PLACE

Leaves ``embedded.jsonl`` (each text that the engine got, and each window's place) and
``texts.jsonl`` (each document's text) in PLACE, to be counted by the caller.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from groundtone.catalog import DocumentInfo, StoredChunk
from groundtone.embedding import Embedder
from groundtone.workspace import Workspace

_NOT_TEXT = re.compile(r"<[^>\n]*>|\\")  # tags, and the backslashes before Markdown's marks


class Timed:
    """An embedder that keeps what it was given and how long it took."""

    def __init__(self, inner: Embedder, kept: TextIO) -> None:
        self.fingerprint = inner.fingerprint
        self.dimensions = inner.dimensions
        self.max_tokens = inner.max_tokens
        self.encode = inner.encode  # goes to the processes that read
        self.seconds = 0.0
        self._inner = inner
        self._kept = kept
        self._lock = threading.Lock()
        self._running = 0
        self._since = 0.0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        with self._lock:
            self._kept.writelines(json.dumps({"text": text}) + "\n" for text in texts)
            if not self._running:
                self._since = time.perf_counter()
            self._running += 1
        try:
            return self._inner.embed(texts)
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self.seconds += time.perf_counter() - self._since


def main() -> None:
    """Sync, then write down what was embedded of what."""
    _, _, source, _, place = sys.argv
    folder = Path(place)
    with (
        (folder / "embedded.jsonl").open("w", encoding="utf-8") as kept,
        Workspace.create(folder / "kb") as workspace,
    ):
        timed = Timed(workspace.embedder, kept)
        workspace.__dict__["embedder"] = timed
        began = time.perf_counter()
        report = workspace.sync(Path(source))
        seconds = time.perf_counter() - began
        with (folder / "texts.jsonl").open("w", encoding="utf-8") as texts:
            for document in workspace.catalog.documents():
                text = workspace.catalog.text(document.version)
                chunks = workspace.catalog.chunks(document.version)
                for row in places(document, text, chunks):
                    kept.write(json.dumps(row) + "\n")
                said = list(in_leads(text, chunks))
                row = {"document": document.version, "text": text, "said": said}
                texts.write(json.dumps(row) + "\n")
    print(json.dumps({"files": report.added, "seconds": seconds, "engine_s": timed.seconds}))


def places(
    document: DocumentInfo, text: str, chunks: Sequence[StoredChunk]
) -> Iterator[dict[str, Any]]:
    """Where each window stands, as the caller wants to know it."""
    for chunk in chunks:
        for number, (start, end) in enumerate(chunk.windows):
            embedded = chunk.embedded(text, number)
            yield {
                "document": document.version,
                "text": embedded,
                "start": start,
                "before": len(embedded) - (end - start),
                "worked": False,
            }


def in_leads(text: str, chunks: Sequence[StoredChunk]) -> Iterator[tuple[int, int]]:
    """Spans of headings: they are embedded in the line above each window of their section."""
    said = {part for chunk in chunks for part in chunk.lead.strip("\n").split(" > ")}
    at = 0
    for line in text.splitlines(keepends=True):
        bare = _NOT_TEXT.sub("", line).strip("#=*_ \t\r\n")
        if " ".join(bare.split()) in said:
            yield at, at + len(line)
        at += len(line)


if __name__ == "__main__":
    main()
