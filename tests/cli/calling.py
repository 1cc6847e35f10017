"""Calling commands, and files to call them with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Result:
    """What one command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def command(*arguments: object, cwd: Path, **options: Any) -> Result:
    """Runs a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "groundtone.cli.main", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **options.pop("env", {})},
        **options,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def example(question: str = "How do I reset my password?", **changes: Any) -> dict[str, Any]:
    """The issue's canonical example line, with another question."""
    return {
        "messages": [
            {
                "role": "system",
                "content": "You are a technical support assistant. Answer concisely with specific "
                "citations from the documentation.",
            },
            {"role": "user", "content": question},
            {
                "role": "assistant",
                "content": "Go to Settings > Account > Reset Password. A confirmation email will "
                "be sent to your registered address. [Source: Account Management Guide, "
                "Section 2.1]",
            },
        ],
        **changes,
    }


def examples_file(path: Path, rows: list[Any]) -> Path:
    """A JSONL file of these rows; a text stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
