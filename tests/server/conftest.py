"""One server for all tests here: two collections, documents of groups, keys of several kinds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.serving import Served, served

from groundtone import Workspace

SETTINGS = """[chat]
max_tokens = 24
context_tokens = 2048

[answer]
passages = 2
passage_tokens = 80
"""
SECRETS = {
    "launch.md": "# Launch plan\n\nThe product Zephyrine launches on the 9th of March in Tromsø.",
    "pay.md": "---\ngroups: [hr]\nteam: people\n---\n# Pay\n\nThe pay rise of 7 percent is for "
    "Quillfeather employees.",
}


@pytest.fixture(scope="session")
def kb(tmp_path_factory: pytest.TempPathFactory, examples: Path, minilm: object) -> Path:
    folder = tmp_path_factory.mktemp("served") / "kb"
    folder.mkdir()
    (folder / "groundtone.toml").write_text(SETTINGS, "utf-8")
    (folder / "guides").mkdir()
    for name in ("account-management-guide.md", "error-code-reference.md"):
        shutil.copy(examples / "manual" / name, folder / "guides" / name)
    (folder / "secrets").mkdir()
    for name, text in SECRETS.items():
        (folder / "secrets" / name).write_text(text, "utf-8")
    with Workspace.open(folder) as workspace:
        workspace.sync(folder / "guides")
        workspace.sync(folder / "secrets", collection="secrets")
    return folder


@pytest.fixture(scope="session")
def server(kb: Path) -> Iterator[Served]:
    made = {}
    with Workspace.open(kb) as workspace:
        for name, about in {
            "admin": {"scopes": ["admin"]},
            "guides": {
                "scopes": ["chat", "files", "tune"],
                "collections": ["default"],
                "groups": [],
            },
            "secrets": {"scopes": ["chat"], "collections": ["secrets"], "groups": []},
            "hr": {"scopes": ["chat"], "collections": ["secrets"], "groups": ["hr"]},
            "files": {"scopes": ["files"]},
        }.items():
            made[name] = workspace.catalog.create_key(name=name, **about)[1]  # type: ignore[arg-type]
    with served(kb) as running:
        running.keys = made
        yield running
