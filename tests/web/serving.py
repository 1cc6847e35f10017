"""A real server in a process of its own, and what the browser tests look for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
        env={**os.environ, "GROUNDTONE_THREADS": "2"},
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
        process.wait(timeout=30)


def faults(page: Any) -> list[str]:
    """What axe finds on a page that is serious or worse."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
    ]
