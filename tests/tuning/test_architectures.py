"""Every family: base and adapter in llama.cpp equal transformers' and PEFT's.

Each model is tiny and random, built here: configuration → weights → GGUF → loaded for training →
trained a few steps → adapter exported → both loaded by our engine. The table, largest difference of
log-probabilities of the next token (float32; llama.cpp keeps attention's state in 16 bits):

| family                                   | base  | adapter | rows not reordered |
|------------------------------------------|-------|---------|--------------------|
| Llama, Mistral, SmolLM2, SmolLM3 (pairs) | < .1  | < .1    | > .3               |
| Qwen2, Qwen3, Gemma, Gemma2, Gemma3      | < .1  | < .1    | the same           |
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `tune`")
peft = pytest.importorskip("peft", reason="needs the extra `tune`")

from chat.small_model import USER  # noqa: E402
from groundtone.chat import complete  # noqa: E402
from groundtone.chat.llama import LlamaEngine  # noqa: E402
from groundtone.errors import WrongUse  # noqa: E402
from groundtone.tuning import gguf as exporting  # noqa: E402
from groundtone.tuning.architectures import ARCHITECTURES  # noqa: E402
from groundtone.tuning.architectures import FAMILIES as KNOWN  # noqa: E402
from groundtone.tuning.base_model import load_base  # noqa: E402
from groundtone.tuning.gguf import export_adapter  # noqa: E402
from groundtone.tuning.lora import Sequence3, Trainer  # noqa: E402
from groundtone.tuning.recipe import Recipe  # noqa: E402
from tuning.families import FAMILIES, build  # noqa: E402
from tuning.test_gguf import distance, rendered, served  # noqa: E402
from tuning.test_gguf import trained as logits  # noqa: E402

NOISE = 0.2  # 8-bit products, a 16-bit store, and what flash attention adds: .14 at most here


def test_all_families_that_can_be_tuned_are_in_the_table() -> None:
    assert {architecture for _, architecture, _ in FAMILIES.values()} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_served_is_what_was_trained(name: str, tmp_path: Path) -> None:
    original, path = build(name, tmp_path)
    plain, tokenizer = load_base(path)
    prompts = rendered(path)
    expected = logits(original, prompts)
    assert distance(logits(plain, prompts), expected) < 1e-3
    assert distance(served(path, None, prompts), expected) < NOISE

    rows = [
        Sequence3((), tuple(prompt), tuple(tokenizer("so it is<|im_end|>").input_ids))
        for prompt in prompts
    ]
    recipe = Recipe(kind="lora", rank=4, alpha=16, learning_rate=2e-2, epochs=6, batch_size=4)
    trainer = Trainer(plain, recipe, rows, [])
    events = list(trainer.run())
    assert events[-1]["train_loss"] < 0.7 * events[1]["train_loss"]
    wanted = logits(trainer.peft, prompts)
    assert distance(wanted, expected) > 5 * NOISE

    def exported(file: str) -> np.ndarray:
        adapter = export_adapter(
            trainer.state(), trainer.config, tmp_path / file, base_gguf=path, dtype="F32"
        )
        return served(path, adapter, prompts)

    assert distance(exported("adapter.gguf"), wanted) < NOISE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "permute_for_rope", lambda rows, _heads: rows)
        apart = distance(exported("wrong.gguf"), wanted)
    assert apart > 3 * NOISE if KNOWN[FAMILIES[name][1]].paired else apart < NOISE


@pytest.mark.parametrize("name", ["Qwen3", "Gemma3"])
def test_activated_answers_equal_pefts(name: str, tmp_path: Path) -> None:
    _, path = build(name, tmp_path)
    plain, tokenizer = load_base(path)
    switch = tuple(tokenizer(USER).input_ids)
    text = f"<|im_start|>system\nhello 12<|im_end|>{USER}w?<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(text).input_ids
    begin = next(i for i in range(len(ids)) if tuple(ids[i : i + len(switch)]) == switch)
    answer = tuple(tokenizer("us hello<|im_end|>").input_ids)
    row = Sequence3(tuple(ids[:begin]), tuple(ids[begin:]), answer)
    recipe = Recipe(rank=4, alpha=8, learning_rate=2e-2, epochs=10, batch_size=1)
    trainer = Trainer(plain, recipe, [row], [])
    list(trainer.run())
    trainer.config.alora_invocation_tokens = list(switch)
    adapter = export_adapter(trainer.state(), trainer.config, tmp_path / "a.gguf", base_gguf=path)
    messages = [{"role": "system", "content": "hello 12"}, {"role": "user", "content": "w?"}]
    with LlamaEngine(path, threads=1, context_tokens=256, adapters={"a": adapter}) as engine:
        assert engine.tokens(engine.render(messages)) == ids
        assert complete(engine, messages, model="a", max_tokens=12).text == "us hello"


def test_an_unknown_architecture_is_refused_before_any_work(tmp_path: Path) -> None:
    from chat.small_model import write_model

    other = write_model(tmp_path / "other.gguf", architecture="mamba")
    for work in (load_base, lambda path: export_adapter({}, {}, tmp_path / "a", base_gguf=path)):
        with pytest.raises(WrongUse, match=r"mamba.*llama.*qwen3"):
            work(other)
