"""A real server in a process of its own, and what the browser tests look for."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"
SCRIPT = "</script><script>document.title='pwned'</script>"
START = "import sys; from groundtone.cli.main import run; sys.exit(run(sys.argv[1:]))"
SERIOUS = frozenset({"serious", "critical"})


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """``groundtone serve`` of a workspace; its address, without the slash at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", "--port", "0", "--json", "-w", str(folder)],
        stdout=subprocess.PIPE,
        stderr=(folder / "serve.log").open("wb"),
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        told = (folder / "serve.log").read_text("utf-8", "replace")
        assert '"url"' in line, f"{line}{told}"
        yield json.loads(line)["url"].removesuffix("/v1")
    finally:
        process.terminate()
        process.wait(timeout=120)


def keep_answer(folder: Path, question: str, quote: str) -> str:
    """Put an answer into the ledger that says what a document says; its id in addresses."""
    from groundtone import Workspace
    from groundtone.catalog import StoredAnswer

    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        document, start = next(
            (one, text.index(quote))
            for one in catalog.documents()
            if quote in (text := catalog.text(one.version))
        )
        chunk = next(c for c in catalog.chunks(document.version) if c.start <= start < c.end)
        place = {
            "document": document.path,
            "title": document.title,
            "section": chunk.section,
            "page": chunk.page,
            "box": chunk.box,
        }
        passage = {
            **place,
            "rank": 1,
            "text": catalog.text(document.version, chunk.start, chunk.end),
            "start": chunk.start,
            "end": chunk.end,
            "shown": [],
            "version": document.version,
        }
        citation = {
            **place,
            "marker": "[1]",
            "sentence": quote,
            "start": start,
            "end": start + len(quote),
            "quote": quote,
            "score": 0.97,
            "passage": 1,
        }
        answer = {
            "answer": f"{quote} [1]",
            "refused": False,
            "rescued": False,
            "citations": [citation],
            "unsupported": ["Pigs fly."],
            "verdicts": [{"sentence": quote, "support": 0.97, "supported": True}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "cost_usd": 0.0},
            "timings_ms": {"total": 1.0},
            "model": "nobody",
            "passages": [passage],
        }
        id = uuid.uuid4().hex[:12]
        catalog.put_answer(StoredAnswer(f"answer-{id}", question, "nobody", answer))
        return id


def faults(page: Any) -> list[str]:
    """What axe finds on a page that is serious or worse."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
    ]
