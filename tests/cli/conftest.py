"""A command line to call, and a workspace of the examples to call it in."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES, Result


@pytest.fixture
def call() -> Callable[..., Result]:
    """Runs a command in this process."""
    from groundtone.cli.main import run

    def called(*arguments: object) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([str(argument) for argument in arguments])
        return Result(code, out.getvalue(), err.getvalue())

    return called


@pytest.fixture(scope="session")
def manual(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Path:
    """A synced workspace of three short guides; read-only by convention."""
    from groundtone.workspace import Workspace

    folder = tmp_path_factory.mktemp("cli") / "kb"
    folder.mkdir()
    (folder / "groundtone.toml").write_text("[chat]\nmax_tokens = 64\n")  # quick answers
    with Workspace.create(folder) as workspace:
        (folder / "guides").mkdir()
        for name in ("account-management-guide.md", "error-code-reference.md"):
            shutil.copy(EXAMPLES / "manual" / name, folder / "guides" / name)
        shutil.copy(EXAMPLES / "manual" / "installation-guide.pdf", folder / "guides")
        workspace.sync(folder / "guides")
    return folder
