"""What many tests share: no network, a quiet environment, the real weights."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests import processes

processes.bind()  # before anything counts the cores

# A shell has what it starts in the background ignore Ctrl-C, and so would every process that the
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in each run, so that a failure is the change's and not the day's.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Recognising a page takes seconds; tests that want it switch it on.
os.environ.setdefault("GROUNDTONE_OCR", "off")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        processes.arrange(items)


_LOOPBACK = ("127.", "::1", "localhost")
_connect = socket.socket.connect


class NetworkReached(AssertionError):
    """Something tried to leave this machine."""


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """No test may reach beyond loopback; a leak is a failure, not a slow test."""

    def guarded(self: socket.socket, address: Any) -> Any:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(host).startswith(_LOOPBACK):
            raise NetworkReached(f"a test tried to connect to {address}")
        return _connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def smollm() -> Path:
    """The chat model that is served (Q8_0 GGUF)."""
    from groundtone import weights

    return weights.path("smollm2-135m-instruct")


@pytest.fixture(scope="session")
def minilm() -> Any:
    """The default embedder."""
    from groundtone.embedding import open_embedder

    return open_embedder("all-minilm-l6-v2")


@pytest.fixture
def short_gate() -> Iterator[None]:
    """Gates of this process ask three everyday questions."""
    from tests.short_gate import short_gate

    with short_gate():
        yield


@pytest.fixture(scope="session")
def examples() -> Path:
    """The examples that come with the project."""
    return Path(__file__).parent.parent / "examples"
