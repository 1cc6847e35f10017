"""A base named by its path: tuned, gated, exported in every form, deleted. All tiny and random."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.small_model import write_model
from groundtone import Workspace
from groundtone.chat.metadata import metadata
from groundtone.errors import WrongUse
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import exporting

pytest.importorskip("torch", reason="the tune extra is not installed")
SETTINGS = '[chat]\nmodel = "gguf:{base}"\nmax_tokens = 16\ncontext_tokens = 512\n'


def workspace_of(folder: Path) -> Path:
    """A workspace whose base is a file, and an examples file in it."""
    base = write_model(folder / "Tiny-Base.gguf")
    kb = folder / "kb"
    kb.mkdir()
    (kb / "groundtone.toml").write_text(SETTINGS.format(base=base), "utf-8")
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": f"hello {number}"},
                    {"role": "assistant", "content": "so use it"},
                ]
            }
        )
        for number in range(16)
    ]
    (kb / "style.jsonl").write_text("\n".join(lines), "utf-8")
    return kb


def tune(workspace: Workspace, kind: str) -> str:
    run = workspace.tune(
        workspace.folder / "style.jsonl",
        suffix=kind,
        recipe=Recipe(
            kind=kind, rank=4, alpha=8, epochs=4, batch_size=4, learning_rate=1e-2, threads=1
        ),
        contexts=Contexts.none(),
    )
    last = list(run.events())[-1]
    assert last["event"] == "done", last
    assert last["gate"]["parity"] == 1.0 and last["gate"]["applied"]
    assert any("of 30 everyday questions" in reason for reason in last["gate"]["reasons"])
    return str(run.model)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(workspace_of(tmp_path_factory.mktemp("tiny"))) as workspace:
        tune(workspace, "lora")
        tune(workspace, "alora")
        yield workspace


def test_a_base_named_by_its_path_is_tuned_and_called_by_its_file(opened: Workspace) -> None:
    name = opened.model_name("lora")
    assert name.startswith("ft:Tiny-Base:lora:")
    stored = opened.catalog.get_model(name)
    assert stored is not None and stored.settings["recipe"]["kind"] == "lora"
    assert opened.model_name(name) == name


@pytest.mark.parametrize("format", exporting.FORMATS)
def test_what_is_exported_answers_as_it_was_trained(
    opened: Workspace, tmp_path: Path, format: str
) -> None:
    to = tmp_path / "out"
    done = exporting.export(opened, "lora", to, format)
    assert done.verified.of == 5 and done.verified.holds
    assert done.verified.equal >= (4 if format in ("merged-q8_0", "ollama") else 5)
    assert set(done.files) == {str(p.relative_to(to)) for p in to.rglob("*") if p.is_file()}
    for path in to.rglob("*"):
        if path.suffix in (".json", ".md", ".sh") or path.name == "Modelfile":
            assert str(opened.folder.parent) not in path.read_text("utf-8"), path
    if format.startswith("merged") or format == "ollama":
        head = metadata(next(to.glob("*.gguf")))
        assert "<|im_start|>" in head["tokenizer.chat_template"]
        assert head["general.file_type"] == (1 if format == "merged-f16" else 7)
    if format == "ollama":
        told = (to / "Modelfile").read_text("utf-8")
        assert told.startswith("FROM ./")
        assert "{{ .Prompt }}<|im_end|>\n<|im_start|>assistant" in told
    if format == "vllm":
        assert done.command is not None and done.model in done.command
    with pytest.raises(WrongUse, match="holds something"):
        exporting.export(opened, "lora", to, format)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_activated_adapter_is_exported_only_where_it_can_work(
    opened: Workspace, tmp_path: Path
) -> None:
    for format in ("peft", "gguf"):
        done = exporting.export(opened, "alora", tmp_path / format, format)
        assert done.verified.equal == done.verified.of
    for format in ("merged-f16", "merged-q8_0", "ollama", "vllm"):
        with pytest.raises(WrongUse, match="activated"):
            exporting.export(opened, "alora", tmp_path / format, format)
    with pytest.raises(WrongUse, match="no adapter"):
        exporting.export(opened, "base", tmp_path / "base", "gguf")


def test_an_export_that_answers_otherwise_is_not_kept(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(job: exporting._Job, folder: Path) -> exporting.Written:
        shutil.copyfile(job.base, folder / "base.gguf")
        return None, exporting._served(job, folder / "base.gguf")

    monkeypatch.setitem(exporting._WRITERS, "gguf", other)
    with pytest.raises(Exception, match="not kept"):
        exporting.export(opened, "lora", tmp_path / "out", "gguf")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_deleted_is_gone_and_one_in_use_stays(opened: Workspace) -> None:
    name = tune(opened, "rslora")
    folder = (opened.state / str(opened.catalog.get_model(name).path)).parent  # type: ignore[union-attr]
    opened.use(name, force=True)
    with pytest.raises(WrongUse, match="in use"):
        opened.delete_model(name)
    assert folder.is_dir()
    opened.rollback()
    assert opened.delete_model("rslora") == name
    assert not folder.exists() and opened.catalog.get_model(name) is None
    with pytest.raises(WrongUse):
        opened.delete_model("base")
