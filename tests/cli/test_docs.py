"""Every `$ groundtone …` line of the documentation does what it says.

A block after ``<!-- not run: why -->`` is left out; ``<!-- exits with 2 -->`` names other exit
codes than 0.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES, ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*?) -->\n+)?```console\n(?P<body>.*?)```", re.DOTALL)
SLOW = re.compile(r"groundtone (ask|compare|tune run|demo)")


def commands(page: Path) -> list[tuple[list[str], set[int]]]:
    """The commands of a page, each with the exit codes that are right."""
    found = []
    for block in BLOCK.finditer(page.read_text("utf-8") if page.exists() else ""):
        note = block["note"] or ""
        if note.startswith("not run:"):
            continue
        codes = set(map(int, re.findall(r"\d+", note))) if note.startswith("exits with") else {0}
        lines = [x for x in block["body"].splitlines() if x.startswith("$ groundtone")]
        found += [(shlex.split(line, comments=True)[2:], codes) for line in lines]
    return found


def pages() -> list[object]:
    """A parameter for each page that has commands."""
    found = []
    for page in PAGES:
        lines = commands(page)
        if lines:
            slow = any(SLOW.search("groundtone " + " ".join(words)) for words, _ in lines)
            marks = [pytest.mark.slow] if slow else []
            found.append(pytest.param(page, id=page.name, marks=marks))
    return found


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Path:
    """A workspace of the examples, as the pages suppose it."""
    from groundtone.cli import examples
    from groundtone.workspace import Workspace

    folder = tmp_path_factory.mktemp("docs") / "kb"
    folder.mkdir()
    examples.copy(EXAMPLES, folder)
    toml = examples.settings(folder / "style.toml").replace("max_tokens = 96", "max_tokens = 64")
    (folder / "groundtone.toml").write_text(toml, "utf-8")
    with Workspace.create(folder) as workspace:
        workspace.sync(folder / "manual")
    return folder


@pytest.mark.parametrize("page", pages())
def test_the_commands_of_a_page_run(
    call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prepared: Path, page: Path
) -> None:
    folder = tmp_path / "kb"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    for words, codes in commands(page):
        result = call(*words)
        told = f"groundtone {shlex.join(words)}\n{result.out[-1000:]}\n{result.err[-1000:]}"
        assert result.code in codes, told
        assert "Traceback" not in result.err


def test_every_command_has_its_page() -> None:
    from groundtone.cli.main import ORDER

    listed = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for name in ORDER:
        assert (ROOT / "docs" / f"{name}.md").exists()
        assert f"({name}.md)" in listed
