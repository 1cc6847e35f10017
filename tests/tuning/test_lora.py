"""The training loop on a tiny model: exact where it saves work, repeatable, resumable."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the tune extra is not installed")

from groundtone.tuning.lora import Sequence3, Trainer  # noqa: E402
from groundtone.tuning.recipe import Recipe  # noqa: E402


def tiny() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def data(count: int, seed: int) -> list[Sequence3]:
    draw = random.Random(seed)

    def tokens(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randrange(1, 60) for _ in range(draw.randint(low, high)))

    return [Sequence3(tokens(5, 12), (7, *tokens(1, 3)), (9, 8, 7)) for _ in range(count)]


TRAIN, HELD_OUT = data(12, 0), data(4, 1)
FAST = Recipe(rank=4, alpha=8, learning_rate=1e-2, epochs=3, batch_size=4, threads=1, patience=99)


def train(recipe: Recipe, **options: Any) -> tuple[Trainer, list[dict[str, Any]]]:
    trainer = Trainer(tiny(), recipe, TRAIN, HELD_OUT, **options)
    return trainer, list(trainer.run())


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_and_tells_every_step() -> None:
    trainer, events = train(FAST)
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == steps[-1]["of"] == trainer.steps == 9
    assert steps[-1]["train_loss"] < steps[0]["train_loss"]
    assert trainer.best_loss < events[0]["valid_loss"]
    assert {"step", "of", "train_loss", "valid_loss", "tokens_per_s", "left_s"} <= steps[0].keys()


@pytest.mark.parametrize("kind", ["alora", "lora"])
def test_the_same_seed_gives_the_same_adapter_to_the_bit(kind: str) -> None:
    recipe = Recipe(**{**FAST_FIELDS, "kind": kind})
    first, _ = train(recipe)
    second, _ = train(recipe)
    assert same(first.best, second.best)


FAST_FIELDS = {name: getattr(FAST, name) for name in FAST.__dataclass_fields__}


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, _ = train(FAST)
    first = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    saved = tmp_path / "checkpoint.pt"
    for event in first.run(checkpoint=lambda: first.save(saved)):
        if event.get("step") == 5:
            break  # killed here; the last checkpoint is older than this step
    second = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    second.load(saved)
    assert 0 < second.step <= 5
    list(second.run())
    assert same(whole.best, second.best)
    assert same(whole.state(), second.state())


def test_keeping_passage_states_changes_nothing() -> None:
    kept, _ = train(FAST)
    read_again, _ = train(Recipe(**{**FAST_FIELDS, "cache_bytes": 0}))
    assert same(kept.best, read_again.best)


def test_the_passages_are_read_by_the_base_alone() -> None:
    """What an activated adapter computes equals the base reading and the adapter writing."""
    trainer, _ = train(FAST)
    item = HELD_OUT[0]
    before = trainer._passages(("probe", 0), [item])[0]
    with torch.no_grad():
        for parameter in trainer.parameters:
            parameter.mul_(3.0)
    trainer._kept.clear()
    assert torch.equal(before, trainer._passages(("probe", 0), [item])[0])


def test_loss_counts_answer_tokens_only_and_padding_not_at_all() -> None:
    """One batch of unequal lengths has the mean loss of its examples one by one."""
    trainer = Trainer(tiny(), Recipe(**{**FAST_FIELDS, "kind": "lora"}), TRAIN, [])
    with torch.no_grad():
        together = float(trainer._loss(("x", 0), TRAIN[:4]))
        alone = [float(trainer._loss(("y", i), [item])) for i, item in enumerate(TRAIN[:4])]
        direct = []
        for item in TRAIN[:4]:
            ids = torch.tensor([item.prefix + item.question + item.answer])
            with trainer.peft.disable_adapter():
                logits = trainer.peft(input_ids=ids).logits[0]
            span = len(item.answer)
            direct.append(
                float(torch.nn.functional.cross_entropy(logits[-span - 1 : -1], ids[0, -span:]))
            )
    assert together == pytest.approx(sum(alone) / 4, abs=1e-4)
    assert alone == pytest.approx(direct, abs=1e-4)  # a fresh adapter changes nothing


def test_it_stops_when_the_held_out_loss_no_longer_falls() -> None:
    wild = Recipe(**{**FAST_FIELDS, "learning_rate": 0.5, "epochs": 30, "patience": 2})
    trainer, events = train(wild)
    assert trainer.step < trainer.steps
    valid = [event["valid_loss"] for event in events if event["valid_loss"] is not None]
    assert trainer.best_loss == pytest.approx(min(valid), abs=1e-3)
