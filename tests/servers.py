"""Real servers on loopback for tests: started by fixtures, ended with them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock


@contextlib.contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """A Chroma server over a folder; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [Path(sys.executable).with_name("chroma"), "run", "--path", folder,
         "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/api/v2/heartbeat", timeout=1).close()
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL 16 with pgvector on a socket of its own; its address."""
    pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL to test with")
    # Not under pytest's folder, which only its owner may enter: started by root, the server runs
    # as another user.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        # The first server on a machine makes that user; two processes must not do it at once.
        with FileLock(Path(tempfile.gettempdir()) / "groundtone-tests-postgres.lock"):
            server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
