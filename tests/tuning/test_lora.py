"""The training loop on a tiny model: exact where it saves work, repeatable, resumable."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the tune extra is not installed")

from groundtone.errors import WrongUse  # noqa: E402
from groundtone.tuning.batches import batches  # noqa: E402
from groundtone.tuning.lora import Sequence3, Trainer  # noqa: E402
from groundtone.tuning.recipe import KINDS, LAYERS, Recipe  # noqa: E402


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_adapter_to_the_bit(kind: str) -> None:
    recipe = Recipe(**{**FAST_FIELDS, "kind": kind})
    first, _ = train(recipe)
    second, _ = train(recipe)
    assert same(first.best, second.best)


FAST_FIELDS = {name: getattr(FAST, name) for name in FAST.__dataclass_fields__}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "dora", "accumulate": 2},
        {"dropout": 0.2, "stop_on": "answers", "answers": 4, "batch_tokens": 60},
    ],
    ids=lambda changes: ",".join(changes) or "default",
)
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    recipe = replace(FAST, **changes)
    whole, _ = train(recipe)
    first = Trainer(tiny(), recipe, TRAIN, HELD_OUT)
    saved = tmp_path / "checkpoint.pt"
    for event in first.run(checkpoint=lambda: first.save(saved)):
        if event.get("step") == 5:
            break  # killed here; the last checkpoint is older than this step
    second = Trainer(tiny(), recipe, TRAIN, HELD_OUT)
    second.load(saved)
    assert 0 < second.step <= 5
    torch.manual_seed(99)  # what happened since must not matter
    second.load(saved)
    list(second.run())
    assert same(whole.best, second.best)
    assert same(whole.state(), second.state())


def test_a_resumed_run_took_the_time_of_all_its_lives(tmp_path: Path) -> None:
    first = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    first.began -= 1000
    first.save(tmp_path / "checkpoint.pt")
    second = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    second.began -= 200
    second.load(tmp_path / "checkpoint.pt")
    assert 1200 <= second.seconds < 1260
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    del kept["seconds"]  # as of an earlier version
    torch.save(kept, tmp_path / "old.pt")
    second.load(tmp_path / "old.pt")
    assert 200 <= second.seconds < 260


def test_keeping_passage_states_changes_nothing() -> None:
    kept, _ = train(FAST)
    read_again, _ = train(Recipe(**{**FAST_FIELDS, "cache_bytes": 0}))
    assert same(kept.best, read_again.best)


def test_the_passages_are_read_by_the_base_alone() -> None:
    """What an activated adapter computes equals the base reading and the adapter writing."""
    trainer, _ = train(FAST)
    item = HELD_OUT[0]
    before = trainer.reader.passages(("probe", 0), [item])[0]
    with torch.no_grad():
        for parameter in trainer.parameters:
            parameter.mul_(3.0)
    trainer.reader.forget()
    assert torch.equal(before, trainer.reader.passages(("probe", 0), [item])[0])


def test_loss_counts_answer_tokens_only_and_padding_not_at_all() -> None:
    """One batch of unequal lengths has the mean loss of its examples one by one."""
    trainer = Trainer(tiny(), Recipe(**{**FAST_FIELDS, "kind": "lora"}), TRAIN, [])
    with torch.no_grad():

        def mean(key: str, batch: list[Sequence3]) -> float:
            loss, tokens, _ = trainer.reader.loss((key,), batch)
            return float(loss) / tokens

        together = mean("x", TRAIN[:4])
        alone = [mean(f"y{i}", [item]) for i, item in enumerate(TRAIN[:4])]
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


def test_accumulated_batches_give_the_gradient_of_one_large_batch() -> None:
    whole, _ = train(replace(FAST, batch_size=12, epochs=1))
    small, _ = train(replace(FAST, batch_size=4, accumulate=3, epochs=1))
    assert whole.steps == small.steps == 1
    for name, value in whole.state().items():
        assert torch.allclose(value, small.state()[name], atol=1e-4), name


def test_batches_read_in_parts_give_the_same_up_to_rounding() -> None:
    whole, _ = train(replace(FAST, batch_size=8, epochs=1))
    halves, _ = train(replace(FAST, batch_size=8, epochs=1), parts=2)
    for name, value in whole.state().items():
        assert torch.allclose(value, halves.state()[name], atol=1e-4), name


def test_batches_by_tokens_hold_no_more_than_that() -> None:
    for kind in ("alora", "lora"):
        trainer = Trainer(tiny(), replace(FAST, kind=kind, batch_tokens=50), TRAIN, HELD_OUT)
        assert sum(map(len, trainer.batches)) == len(TRAIN)
        assert any(len(batch) > 1 for batch in trainer.batches)
        for batch in trainer.batches:
            assert len(batch) == 1 or len(batch) * max(map(len, batch)) <= 50
    lengths = [len(item.prefix) for batch in trainer.batches for item in batch]
    assert lengths == sorted(lengths)


def test_prefixes_that_are_padded_apart_are_counted_apart() -> None:
    """The longest prefix and the longest question need not be of one example."""
    some = [
        Sequence3((1,) * 100, (1,) * 40, (1,) * 10),
        Sequence3((1,) * 140, (1,) * 5, (1,) * 5),
    ]
    whole = batches(some, size=8, tokens=300, seed=0)
    assert [len(batch) for batch in whole] == [2]  # 2 × 150
    apart = batches(some, size=8, tokens=300, seed=0, activated=True)
    assert [len(batch) for batch in apart] == [1, 1]  # 2 × (140 + 50)
    assert batches(some, size=8, tokens=380, seed=0, activated=True) == whole
    recipe = replace(FAST, batch_tokens=300)
    assert len(Trainer(tiny(), recipe, some, []).batches) == 2
    assert len(Trainer(tiny(), replace(recipe, kind="lora"), some, []).batches) == 1


def test_written_answers_choose_the_best_state() -> None:
    trainer, events = train(replace(FAST, stop_on="answers", answers=4))
    told = [event["valid_answers"] for event in events if "valid_answers" in event]
    assert trainer.best_answers == pytest.approx(max(told), abs=1e-3)
    assert told[-1] > told[0]  # "9 8 7" can be learned
    item = HELD_OUT[0]
    written = trainer.reader.answers(("one",), [item])[0]
    ids = torch.tensor([item.prefix + item.question + tuple(written)])
    with torch.no_grad(), trainer.peft.disable_adapter():
        base = trainer.peft(input_ids=ids).logits[0].argmax(-1).tolist()
    asked = len(item.prefix) + len(item.question)
    assert written != base[asked - 1 : asked - 1 + len(written)]  # the adapter writes


@pytest.mark.parametrize("kind", ["alora", "lora"])
def test_answers_are_what_the_model_writes_token_by_token(kind: str) -> None:
    trainer = Trainer(tiny(), replace(FAST, kind=kind), TRAIN, HELD_OUT)
    together = trainer.reader.answers(("all",), HELD_OUT)  # a fresh adapter changes nothing
    for item, written in zip(HELD_OUT, together, strict=True):
        ids = list(item.prefix + item.question)
        for token in written:
            with torch.no_grad():
                logits = trainer.peft(input_ids=torch.tensor([ids])).logits[0, -1]
            assert float(logits.max() - logits[token]) < 1e-2
            ids.append(token)


def test_running_out_of_memory_halves_the_batch_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole, _ = train(FAST)
    trainer = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    loss = trainer.reader.loss

    def small(key: Any, batch: list[Sequence3]) -> Any:
        if len(batch) > 2 and key[0] == "train" and trainer.step >= 3:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return loss(key, batch)

    monkeypatch.setattr(trainer.reader, "loss", small)
    saved = tmp_path / "checkpoint.pt"
    events = list(trainer.run(lambda: trainer.save(saved)))
    assert [e for e in events if e["event"] == "halved"] == [
        {"event": "halved", "parts": 2, "why": "memory ran out"}
    ]
    assert trainer.step == whole.step and trainer.parts == 2
    for name, value in whole.state().items():
        assert torch.allclose(value, trainer.state()[name], atol=1e-2), name
    again = Trainer(tiny(), FAST, TRAIN, HELD_OUT)
    again.load(saved)
    assert again.parts == 2

    def none(_key: Any, _batch: list[Sequence3]) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(again.reader, "loss", none)
    again.step = 0
    with pytest.raises(torch.OutOfMemoryError):
        list(again.run())


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "ia3"}, {"schedule": "step"}, {"stop_on": "luck"}, {"targets": ("lm_head",)}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_a_recipe_does_not_know_is_wrong_use(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongUse, match=next(iter(wrong)).rstrip("s").replace("target", "layer")):
        Recipe(**wrong)


def test_schedules_rise_and_fall_as_they_say() -> None:
    for schedule, last in (("cosine", 0.1), ("linear", 0.1), ("constant", 1.0)):
        recipe = Recipe(learning_rate=1.0, warmup=0.2, schedule=schedule)
        rates = [recipe.rate(step, 100) for step in range(100)]
        assert rates[0] == pytest.approx(0.05) and rates[19] == rates[20] == 1.0
        assert rates[-1] == pytest.approx(last, abs=0.02)
        assert all(a >= b for a, b in itertools.pairwise(rates[20:]))
    assert Recipe(learning_rate=1.0, warmup=0).rate(0, 10) == 1.0


def test_a_recipe_is_read_back_whatever_version_wrote_it() -> None:
    recipe = Recipe(kind="dora", targets=("q_proj",))
    assert Recipe.of({"kind": "dora", "targets": ["q_proj"], "of_later": 1}) == recipe
    assert Recipe.of({}).targets == LAYERS
