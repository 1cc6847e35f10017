"""A real server with a real worker beside it; unless told, training trains nothing there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, OpenAI

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stubbed:
    """A running server; `process` leads it, and has the worker as a child."""

    folder: Path
    url: str
    process: subprocess.Popen[str]

    def client(self) -> OpenAI:
        return OpenAI(base_url=self.url, api_key="any", max_retries=0, timeout=120)

    def async_client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.url, api_key="any", max_retries=0, timeout=120)

    def worker_pid(self) -> int:
        """The worker's process, by what the system knows of the server's children."""

        def found() -> int | None:
            for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):  # a thread that has ended meanwhile
                    if children := task.read_text().split():
                        return int(children[0])
            return None

        return int(until(found))


def until(told: Callable[[], Any], seconds: float = 180.0) -> Any:
    """What `told` returns, once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = told()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not become true")


def start(folder: Path, *, step_s: float = 0.01, module: str = "tests.jobs.stub") -> Stubbed:
    """Serve a workspace on a free port, with the worker that `module` is."""
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "serve", "--workspace", str(folder),
             "--port", "0", "--no-pages", "--json"],
            stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
                "GROUNDTONE_LEASE_S": "2",
                "STUB_STEP_S": str(step_s),
            },
        )  # fmt: skip
    assert process.stdout is not None
    told = process.stdout.readline()
    assert told, (folder / "server.log").read_text()
    return Stubbed(folder, json.loads(told)["url"], process)


def stop(server: Stubbed) -> None:
    server.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(30)
    server.process.kill()


@contextlib.contextmanager
def stubbed(folder: Path, **options: Any) -> Iterator[Stubbed]:
    """The same until the block ends."""
    server = start(folder, **options)
    try:
        yield server
    finally:
        stop(server)
