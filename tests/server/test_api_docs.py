"""What docs/api.md says is said to a server, word for word but for its address and the key."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import ROOT, Served

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")


def blocks(server: Served, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return [
        text.replace("http://127.0.0.1:8000", server.root).replace(
            'api_key="…"', f'api_key="{server.keys["admin"]}"'
        )
        for text in found
    ]


def test_python(
    server: Served, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shutil.copy(examples / "manual" / "installation-guide.pdf", tmp_path / "handbook.pdf")
    monkeypatch.chdir(tmp_path)
    ask, stores, langchain, llama_index = blocks(server, "python")
    known: dict[str, Any] = {"client": server.client()}
    exec(stores, known)
    assert known["store"].id == "vs_handbook" and known["found"].data
    assert known["answer"].output_text
    exec(ask, known)
    assert known["answer"].choices[0].message.content in capsys.readouterr().out
    known["client"].vector_stores.delete("vs_handbook")
    pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    exec(langchain, known)
    assert known["chat"].invoke("How do I reset my password?").content
    assert "OpenAILike" in llama_index  # asked in test_chat.py, where it is installed


def test_curl(server: Served) -> None:
    (command,) = blocks(server, "console")
    told = subprocess.run(
        ["bash", "-c", command.removeprefix("$ ")], capture_output=True, text=True, timeout=300,
        env={**os.environ, "KEY": server.keys["admin"]},
    )  # fmt: skip
    assert '"object":"chat.completion"' in told.stdout.replace(" ", ""), told
