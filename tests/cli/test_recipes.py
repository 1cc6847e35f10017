"""tune run, tune sweep, models export and delete: what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.calling import example, examples_file


@pytest.fixture
def file(call, tmp_path: Path) -> Path:
    call("init", tmp_path / "kb")
    return examples_file(tmp_path / "style.jsonl", [example(f"Question {n}?") for n in range(12)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "--targets", "lm_head"), "q_proj"),
        (("run", "--contexts", 2, "--without-documents"), "exclude each other"),
        (("run", "--kind", "ia3"), "dora"),
        (("run", "--schedule", "step"), "cosine"),
        (("run", "--batch-tokens", 0), "batch-tokens"),
        (("sweep", "--learning-rates", "fast"), "list of numbers"),
        (("sweep", "--ranks", "8,-1"), "list of numbers"),
        (("sweep", "--trials", 0), "trials"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_no_recipe_can_be_is_wrong_use(
    call, file: Path, words: tuple[object, ...], told: str
) -> None:
    command, *options = words
    kb = file.parent / "kb"
    result = call("tune", command, file, "--suffix", "x", *options, "--workspace", kb)
    assert result.code == 2 and told in result.err, result.err
    assert not list((kb / ".groundtone").glob("runs/*"))


def test_the_base_is_neither_exported_nor_deleted(call, file: Path) -> None:
    kb, out = file.parent / "kb", file.parent / "out"
    for words in (("export", "base", "--to", out), ("delete", "base"), ("delete", "nobody")):
        result = call("models", *words, "--workspace", kb, "--json")
        assert result.code == 2 and result.json["error"]["code"] == 2
    assert not out.exists()
    assert call("models", "export", "base", "--to", out, "--format", "onnx").code == 2


def test_nothing_to_pause_is_wrong_use(call, file: Path) -> None:
    result = call("tune", "pause", "--workspace", file.parent / "kb")
    assert result.code == 2 and "tune run" in result.err
