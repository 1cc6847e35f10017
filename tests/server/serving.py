"""A real server on loopback, in a process of its own, over a small workspace."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from openai import OpenAI

from groundtone import Workspace

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A running server.

    Attributes:
        url: up to ``/v1``.
        keys: secrets by what they are for.
    """

    url: str
    folder: Path
    process: subprocess.Popen[str]
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")

    def client(self, key: str = "admin", **options: object) -> OpenAI:
        options = {"max_retries": 0, "timeout": 120, **options}
        return OpenAI(base_url=self.url, api_key=self.keys.get(key, "none"), **options)  # type: ignore[arg-type]

    def logged(self) -> int:
        """Answers in the log."""
        with Workspace.open(self.folder) as workspace:
            return len(workspace.catalog.list_answers(1_000))

    def http(self, key: str | None = "admin") -> httpx.Client:
        headers = {"authorization": f"Bearer {self.keys[key]}"} if key in self.keys else {}
        return httpx.Client(base_url=self.root, headers=headers, timeout=120)


@contextlib.contextmanager
def served(folder: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Served]:
    """Serves the workspace in a folder until the block ends."""
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", "serve", "--workspace", str(folder),
         "--port", "0", "--no-pages", "--json", *options],
        stdout=subprocess.PIPE, stderr=log, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(env or {})},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, (folder / "server.log").read_text()
        yield Served(json.loads(told)["url"], folder, process)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        log.close()


def words(stream: Iterator[str]) -> str:
    return "".join(stream)
