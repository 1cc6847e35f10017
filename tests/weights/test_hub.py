"""Models named on the hub: found in its cache, chosen among its files, never fetched unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundtone.chat import complete, open_chat
from groundtone.errors import GroundtoneError, MissingModel, WrongUse
from groundtone.weights import hub


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, laid out as its own client does it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put(cache: Path, repository: str, *files: str, of: Path | None = None) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    snapshot = folder / "snapshots" / ("0" * 40)
    for name in files:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        if of is None:
            (snapshot / name).write_bytes(b"GGUF")
        else:
            shutil.copy(of, snapshot / name)
    return snapshot


def test_what_is_in_the_cache_is_found_and_the_best_file_chosen(cache: Path) -> None:
    snapshot = put(cache, "org/model", "model-Q4_K_M.gguf", "model-Q8_0.gguf", "README.md")
    assert hub.path("hf:org/model") == snapshot / "model-Q8_0.gguf"
    assert hub.path("hf:org/model#model-Q4_K_M.gguf") == snapshot / "model-Q4_K_M.gguf"


def test_what_is_not_there_is_named_with_the_command_that_fetches_it(cache: Path) -> None:
    put(cache, "org/model", "model-Q8_0.gguf")
    for name in ("hf:org/other", "hf:org/model#model-F16.gguf"):
        with pytest.raises(MissingModel, match="not on this machine") as raised:
            hub.path(name)
        assert f"models fetch {name}" in raised.value.remedy


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a.safetensors", "only.gguf"], "only.gguf"),
        (["m.f16.gguf", "m.q5_k_m.gguf"], "m.q5_k_m.gguf"),
        (
            ["m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf", "m-Q4_0.gguf"],
            "m-Q4_0.gguf",
        ),
        (["q/m-Q8_0.gguf", "q/m-Q6_K.gguf"], "q/m-Q8_0.gguf"),
    ],
)
def test_which_of_several_files(files: list[str], chosen: str) -> None:
    assert hub.choose("org/model", files) == chosen


@pytest.mark.parametrize("files", [[], ["a.safetensors"], ["x.gguf", "y.gguf"]])
def test_no_file_or_no_rule(files: list[str]) -> None:
    with pytest.raises(WrongUse, match="is meant is not clear"):
        hub.choose("org/model", files)


@pytest.mark.parametrize("name", ["hf:", "hf:model", "hf:a/b/c", "hf:a/b#x.bin", "hf:../b"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(GroundtoneError):
        hub.path(name)


def test_such_a_model_answers(cache: Path, smollm: Path) -> None:
    put(cache, "org/small", "small-Q8_0.gguf", of=smollm)
    engine = open_chat("hf:org/small", context_tokens=512)
    try:
        done = complete(engine, [{"role": "user", "content": "Say hello."}], max_tokens=4)
        assert engine.name == "hf:org/small" and done.completion_tokens > 0
    finally:
        engine.close()
