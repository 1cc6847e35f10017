"""How commands end: codes, one line for people, pure JSON, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from tests.cli.calling import ROOT, command

from groundtone import errors
from groundtone.cli import doctor, output
from groundtone.cli.main import run

HEAVY = ("rich", "pydantic", "sqlalchemy", "numpy", "lancedb", "torch", "onnxruntime", "jinja2")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from groundtone.cli.main import run; run(['--help']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert "compare" in done.stdout
    for name in HEAVY:
        assert f"'{name}'" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        *(
            [*name.split(), "--help"]
            for name in (
                "init", "sync", "forget", "search", "ask", "compare", "demo", "doctor", "tune",
                "tune check", "tune run", "tune status", "tune cancel", "tune resume", "models",
                "models fetch", "models list", "models use", "models rollback",
            )
        ),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_help(call, arguments: list[str]) -> None:
    result = call(*arguments)
    assert result.code == 0
    assert "Usage: groundtone" in result.out


@pytest.mark.parametrize(
    "name",
    [
        "init", "sync", "forget", "search", "ask", "compare", "demo", "doctor", "tune check",
        "tune run", "tune status", "tune cancel", "tune resume", "models fetch", "models list",
        "models use", "models rollback",
    ],
)  # fmt: skip
def test_every_command_takes_workspace_and_json(call, name: str) -> None:
    shown = call(*name.split(), "--help").out
    assert "--workspace" in shown
    assert "--json" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bogus"], "No such command"),
        (["ask"], "Missing argument"),
        (["sync", "--bogus"], "--bogus"),
        (["search", "x", "-k", "0"], "-k"),
        (["tune", "run", "x.jsonl"], "--suffix"),
        (["search"], "question"),
        (["search", "x", "--queries", "y"], "question"),
        (["demo", "--fresh", "--resume"], "exclude"),
    ],
)
def test_wrong_use_is_code_2_with_one_line(call, arguments: list[str], says: str) -> None:
    result = call(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert says in result.err
    assert "Traceback" not in result.err


def test_wrong_use_with_json_is_one_document(call, tmp_path: Path) -> None:
    result = call("ask", "hello", "--workspace", tmp_path, "--json")
    assert result.code == 2
    assert result.json["error"]["code"] == 2
    assert "groundtone init" in result.json["error"]["remedy"]
    assert "error: " in result.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.WrongUse("Wrong.", "Do right."), 2),
        (errors.GroundtoneError("Not now.", "Later."), 3),
        (errors.GateRefused("No.", "More examples."), 4),
        (output.Interrupted("Stopped.", "All is kept."), 130),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 3),
        (OSError(28, "No space left on device", "/x"), 3),
        (ZeroDivisionError("division by zero"), 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_code_and_no_traceback(
    call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, code: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".groundtone").mkdir()
    monkeypatch.setattr(doctor, "_python", fail)
    result = call("doctor", "--json")
    assert result.code == code
    assert result.json["error"]["code"] == code
    assert result.err.startswith("error: ") == (code != 130)
    assert "Traceback" not in result.err
    crash = tmp_path / ".groundtone" / "crash.log"
    is_bug = isinstance(error, ZeroDivisionError)
    assert crash.exists() == is_bug
    if is_bug:
        assert "this is a bug" in result.err
        assert str(crash) in result.err
        assert "ZeroDivisionError" in crash.read_text("utf-8")


def test_a_bug_without_a_workspace_is_logged_elsewhere(
    call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(doctor, "_python", lambda: 1 / 0)
    result = call("doctor")
    assert result.code == 3
    assert (tmp_path / "groundtone-crash.log").exists()


@pytest.mark.skipif(os.name != "posix", reason="a signal sent to oneself")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=str)
def test_ctrl_c_while_the_commands_are_imported(tmp_path: Path, options: tuple[str, ...]) -> None:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, name = script["groundtone"].partition(":")
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from {module} import {name}; sys.exit({name}())",
         "doctor", *options],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{tmp_path}"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
    if options:
        assert json.loads(done.stdout)["error"]["code"] == 130


def test_a_reader_that_left_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m groundtone.cli.main doctor --json | true",
        shell=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_stdout_that_knows_no_unicode_still_gets_json(tmp_path: Path) -> None:
    result = command(
        "ask", "Was heißt „öffnen“?", "--json", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"}
    )
    assert result.code == 2
    assert json.loads(result.out)["error"]["message"]


def test_numbers_that_are_none_become_null() -> None:
    assert (
        output.dump({"a": float("nan"), "b": [float("inf"), 1.5]})
        == '{"a": null, "b": [null, 1.5]}'
    )


def test_version(call) -> None:
    assert call("--version").out.startswith("groundtone 0.")


def test_run_takes_the_process_arguments(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["groundtone", "--version"])
    assert run() == 0
    assert "groundtone" in capsys.readouterr().out
