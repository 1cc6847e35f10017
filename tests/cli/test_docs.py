"""Every `$ groundtone …` line of the documentation does what it says.

A block after ``<!-- not run: why -->`` is left out; ``<!-- exits with 2 -->`` names other exit
codes than 0. A block after ``<!-- file: path -->`` is written to that file before the commands run.
After a block, ``<!-- as printed -->`` and a text block: the last command prints that; ``<!-- quotes
as printed -->``: its indented lines (what a model writes may differ a little on another processor).
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES, ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^>]*?) -->\n+)?```console\n(?P<body>.*?)```"
    r"(?:\n+<!-- (?P<how>(?:quotes )?as printed) -->\n+```text\n(?P<shown>.*?)```)?",
    re.DOTALL,
)
FILE = re.compile(r"<!-- file: (?P<path>\S+) -->\n+```\w+\n(?P<text>.*?)```", re.DOTALL)
SLOW = re.compile(r"groundtone (ask|compare|tune run|demo)")


def commands(page: Path) -> list[tuple[list[str], set[int], list[str]]]:
    """The commands of a page, each with the exit codes that are right and what it must print."""
    found: list[tuple[list[str], set[int], list[str]]] = []
    for block in BLOCK.finditer(page.read_text("utf-8") if page.exists() else ""):
        note = block["note"] or ""
        if note.startswith("not run:"):
            continue
        codes = set(map(int, re.findall(r"\d+", note))) if note.startswith("exits with") else {0}
        lines = [x for x in block["body"].splitlines() if x.startswith("$ groundtone")]
        printed = (block["shown"] or "").splitlines()
        if block["how"] == "quotes as printed":
            printed = [line for line in printed if line.startswith("    ")]
        for line in lines:
            wanted = printed if line == lines[-1] else []
            found.append((shlex.split(line, comments=True)[2:], codes, wanted))
    return found


def pages() -> list[object]:
    """A parameter for each page that has commands."""
    found = []
    for page in PAGES:
        lines = commands(page)
        if lines:
            slow = any(SLOW.search("groundtone " + " ".join(words)) for words, *_ in lines)
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
    call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, prepared: Path, short_gate: None,
    page: Path,
) -> None:  # fmt: skip
    folder = tmp_path / "kb"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    for file in FILE.finditer(page.read_text("utf-8")):
        (folder / file["path"]).write_text(file["text"], "utf-8")
    if any(words[:2] == ["tune", "run"] for words, *_ in commands(page)):
        monkeypatch.setenv("GROUNDTONE_ANSWER__PASSAGES", "1")  # to read is most of the work
    for words, codes, printed in commands(page):
        result = call(*words)
        told = f"groundtone {shlex.join(words)}\n{result.out[-1000:]}\n{result.err[-1000:]}"
        assert result.code in codes, told
        assert "Traceback" not in result.err
        for line in printed:
            assert _plain(line) in _plain(result.out), told


def _plain(text: str) -> str:
    """Without line breaks, which follow the width of a terminal."""
    return " ".join(text.split())


def test_every_command_has_its_page() -> None:
    from groundtone.cli.main import ORDER

    listed = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for name in ORDER:
        assert (ROOT / "docs" / f"{name}.md").exists()
        assert f"({name}.md)" in listed
