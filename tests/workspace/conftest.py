"""Workspaces that several tests here share: over the example manual, and with a tiny base."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chat.small_model import write_model
from groundtone import Workspace

SETTINGS = """[answer]
label = "[Source: {{title}}, Section {{section}}]"
refusal = "The manual does not answer this question."
passages = {passages}

[chat]
max_tokens = 64
"""


@contextmanager
def manual(folder: Path, examples: Path, passages: int) -> Iterator[Workspace]:
    """The example manual, synced, with its style, and so many passages for a question."""
    (folder / "groundtone.toml").write_text(SETTINGS.format(passages=passages), "utf-8")
    (folder / "style.toml").write_text((examples / "style.toml").read_text("utf-8"), "utf-8")
    with Workspace.open(folder) as opened:
        report = opened.sync(examples / "manual")
        assert (report.added, report.failed) == (17, [])
        yield opened


@pytest.fixture(scope="package")
def workspace(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Workspace]:
    with manual(tmp_path_factory.mktemp("kb"), examples, passages=2) as opened:
        yield opened


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Workspace]:
    """An empty one whose base is tiny and random, for where it does not matter what it says."""
    pytest.importorskip("torch", reason="the tune extra is not installed")
    base = write_model(tmp_path / "Tiny-Base.gguf")
    folder = tmp_path / "kb"
    folder.mkdir()
    chat = f'[chat]\nmodel = "gguf:{base}"\nmax_tokens = 32\ncontext_tokens = 512\n'
    (folder / "groundtone.toml").write_text(chat, "utf-8")
    with Workspace.open(folder) as opened:
        yield opened
