"""What is served is what was trained: the base, the export, and the table of answers.

The table, on SmolLM2-135M, answers equal to peft's of 10 (greedy, 24 tokens; `test_the_table`):

| adapter              | base in F16   | base in Q8_0, as it is served          |
|----------------------|---------------|----------------------------------------|
| exported, F16        | 10            | at least 6; others leave peft at a tie |
| exported, Q8_0       | 10            | at least 6; others leave peft at a tie |
| rows not permuted    | at most 6     |                                        |
| adapter off          | at most 2     |                                        |

Another kind of processor adds up in another order: there one answer may leave peft on F16, too,
where peft's two likeliest tokens are less than `NOISE` apart.

The weights are the same on both bases and in peft (dequantised from the Q8_0 file); with the Q8_0
file llama.cpp also rounds the activations to 8 bits, which decides ties otherwise: everywhere the
answers part, peft's own two likeliest tokens are less than `TIE` apart. The exact tests use a small
model in float32, where only the state of attention is rounded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chat.small_model import ASSISTANT, USER, write_model

torch = pytest.importorskip("torch", reason="needs the extra `tune`")
peft = pytest.importorskip("peft", reason="needs the extra `tune`")

from groundtone.chat import complete  # noqa: E402
from groundtone.chat.adapters import ANY_ASCII  # noqa: E402
from groundtone.chat.llama import LlamaEngine  # noqa: E402
from groundtone.chat.metadata import metadata, tensor_entries  # noqa: E402
from groundtone.chat.places import common_prefix  # noqa: E402
from groundtone.chat.process import Backend  # noqa: E402
from groundtone.errors import WrongUse  # noqa: E402
from groundtone.tuning import gguf as exporting  # noqa: E402
from groundtone.tuning.base_model import (  # noqa: E402
    load_base,
    load_tokenizer,
    permute_for_rope,
    unpermute_from_rope,
)
from groundtone.tuning.gguf import export_adapter  # noqa: E402

NOISE = 0.04
"""What llama.cpp's 16-bit attention state alone makes of log-probabilities between 0 and -20."""

PROMPTS = ["hello", "who wrote it?", "a  5 and 17", "Grüße 東京"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("base") / "small.gguf")


def adapted(model: Any, *, size: float = 0.1, seed: int = 1, **settings: Any) -> Any:
    """The model with a random LoRA adapter on all linear layers."""
    config = peft.LoraConfig(
        **{
            "r": 8,
            "lora_alpha": 16,
            "target_modules": "all-linear",
            "task_type": "CAUSAL_LM",
            **settings,
        }
    )
    model = peft.get_peft_model(copy.deepcopy(model), config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * size)
    return model.eval()


def export(model: Any, path: Path, base: Path, dtype: str = "F32") -> Path:
    state = peft.get_peft_model_state_dict(model)
    return export_adapter(state, model.peft_config["default"], path, base_gguf=base, dtype=dtype)


def served(base: Path, adapter: Path | None, prompts: Sequence[list[int]]) -> np.ndarray:
    """llama.cpp's log-probabilities of the next token, for every token of the vocabulary."""
    backend = Backend(base, adapters=[adapter] if adapter else [], context=256)
    try:
        size = len(metadata(base)["tokenizer.ggml.tokens"])
        rows = []
        for prompt in prompts:
            answer = backend.complete(
                {
                    "prompt": prompt,
                    "max_tokens": 1,
                    "temperature": 0.0,
                    "logprobs": size,
                    "grammar": ANY_ASCII,
                    "cache_prompt": False,
                    "lora": [{"id": 0, "scale": 1.0}] if adapter else [],
                }
            )
            row = np.full(size, np.nan)
            for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
                row[token["id"]] = token["logprob"]
            rows.append(row)
        return np.array(rows)
    finally:
        backend.close()


def trained(model: Any, prompts: Sequence[list[int]]) -> np.ndarray:
    with torch.no_grad():
        return np.array(
            [
                model(input_ids=torch.tensor([prompt])).logits[0, -1].log_softmax(-1).numpy()
                for prompt in prompts
            ]
        )


def rendered(base: Path) -> list[list[int]]:
    tokenizer = load_tokenizer(base)
    return [
        tokenizer.apply_chat_template(
            [{"role": "system", "content": "s"}, {"role": "user", "content": text}],
            add_generation_prompt=True,
            return_dict=False,
        )
        for text in PROMPTS
    ]


def distance(first: np.ndarray, second: np.ndarray) -> float:
    assert not np.isnan(first).any()
    return float(np.abs(first - second).max())


class TestBase:
    def test_the_base_answers_as_it_is_served(self, base: Path) -> None:
        model, _ = load_base(base)
        prompts = rendered(base)
        assert distance(served(base, None, prompts), trained(model, prompts)) < NOISE

    def test_prompt_and_ids_are_the_engines(self, base: Path) -> None:
        messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "a  5"}]
        tokenizer = load_tokenizer(base)
        with LlamaEngine(base, threads=1, context_tokens=256) as engine:
            text = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False
            )
            assert text == engine.render(messages)
            assert tokenizer(text).input_ids == engine.tokens(text)
            assert rendered(base)[2] == engine.tokens(
                engine.render([messages[0], {"role": "user", "content": PROMPTS[2]}])
            )

    @pytest.mark.slow
    def test_the_real_base_is_what_transformers_reads(self, smollm: Path) -> None:
        from transformers import AutoModelForCausalLM

        ours, tokenizer = load_base(smollm)
        theirs = AutoModelForCausalLM.from_pretrained(
            str(smollm.parent), gguf_file=smollm.name, dtype=torch.float32
        )
        state, expected = ours.state_dict(), theirs.state_dict()
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[name], expected[name]) for name in expected)
        ids = torch.tensor([tokenizer("The light is green.").input_ids])
        with torch.no_grad():
            assert torch.equal(ours(ids).logits, theirs(ids).logits)

    def test_permuting_can_be_undone(self) -> None:
        rows = np.arange(4 * 8 * 3).reshape(32, 3)
        assert (unpermute_from_rope(permute_for_rope(rows, 4), 4) == rows).all()
        assert (permute_for_rope(rows, 4) != rows).any()


class TestExport:
    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"use_rslora": True},
            {"use_dora": True},
            {"use_dora": True, "use_rslora": True, "target_modules": ["k_proj", "down_proj"]},
            {"lora_alpha": 3, "r": 5},
            {"target_modules": ["q_proj", "v_proj"]},
            {"rank_pattern": {"q_proj": 4}},
            {"alpha_pattern": {"model.layers.0.self_attn.q_proj": 64}},
        ],
        ids=lambda settings: ",".join(settings) or "default",
    )
    def test_logits_equal_pefts(self, base: Path, tmp_path: Path, settings: dict) -> None:
        plain, _ = load_base(base)
        model = adapted(plain, **settings)
        prompts = rendered(base)
        expected = trained(model, prompts)
        assert distance(expected, trained(plain, prompts)) > 5 * NOISE
        path = export(model, tmp_path / "adapter.gguf", base)
        assert distance(served(base, path, prompts), expected) < NOISE

    @pytest.mark.parametrize(("dtype", "limit"), [("F16", 0.06), ("Q8_0", 0.4)])
    def test_small_types_stay_close(
        self, base: Path, tmp_path: Path, dtype: str, limit: float
    ) -> None:
        model = adapted(load_base(base)[0])
        prompts = rendered(base)
        path = export(model, tmp_path / "adapter.gguf", base, dtype)
        assert distance(served(base, path, prompts), trained(model, prompts)) < limit
        kinds = {entry.kind for entry in tensor_entries(path)}
        assert kinds == ({1} if dtype == "F16" else {1, 8})

    def test_without_the_permutation_it_is_wrong(
        self, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = adapted(load_base(base)[0])
        prompts = rendered(base)
        monkeypatch.setattr(exporting, "permute_for_rope", lambda rows, _heads: rows)
        path = export(model, tmp_path / "adapter.gguf", base)
        assert distance(served(base, path, prompts), trained(model, prompts)) > 5 * NOISE

    @pytest.mark.parametrize("begin", [USER, ASSISTANT, USER[1:], ASSISTANT[1:]])
    def test_an_activated_adapter_begins_at_pefts_token(
        self, base: Path, tmp_path: Path, begin: str
    ) -> None:
        plain, tokenizer = load_base(base)
        tokens = tokenizer(begin).input_ids
        model = adapted(plain, alora_invocation_tokens=tokens)
        prompts = rendered(base)
        expected = trained(model, prompts)
        assert distance(expected, trained(plain, prompts)) > 5 * NOISE
        path = export(model, tmp_path / "adapter.gguf", base)
        assert distance(served(base, path, prompts), expected) < NOISE
        # One token more or less would be noticed: llama.cpp's own key, taken as peft means it.
        shifted = adapted(plain, alora_invocation_tokens=tokens[1:])
        assert distance(trained(shifted, prompts), expected) > 5 * NOISE

    def test_activated_answers_of_the_engine_equal_pefts(self, base: Path, tmp_path: Path) -> None:
        plain, tokenizer = load_base(base)
        model = adapted(plain, alora_invocation_tokens=tokenizer(USER).input_ids)
        path = export(model, tmp_path / "adapter.gguf", base)
        system = "hello " * 40  # more than one piece, so that there is something to use again
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
        with LlamaEngine(base, threads=1, context_tokens=256, adapters={"a": path}) as engine:
            complete(engine, messages, max_tokens=4)
            done = complete(engine, messages, model="a", max_tokens=12)
            prompt = engine.tokens(engine.render(messages))
        ids = greedy(model, prompt, 12, begin=prompt_start(prompt, tokenizer(USER).input_ids))
        assert done.cached_tokens > 0
        assert done.text.startswith(text_of(tokenizer, ids))

    def test_writing_is_all_or_nothing(self, base: Path, tmp_path: Path) -> None:
        model = adapted(load_base(base)[0])
        state = dict(peft.get_peft_model_state_dict(model))
        config = model.peft_config["default"]
        out = tmp_path / "adapter.gguf"
        out.write_bytes(b"before")
        name = next(iter(state))
        other = {
            f"base_model.model.model.layers.7.mlp.up_proj.lora_{side}.weight": value
            for side, value in (("A", torch.ones(8, 64)), ("B", torch.ones(96, 8)))
        }
        for faulty, message in (
            ({}, "no LoRA matrices"),
            ({name: state[name]}, "do not belong together"),
            ({**state, "base_model.model.lm_head.weight": state[name]}, "cannot hold"),
            ({**state, name.replace("lora_A", "lora_magnitude_vector"): state[name]}, "lengths"),
            (other, "no such matrix"),
            ({**state, name: state[name][:, :-1]}, "the base has"),
        ):
            with pytest.raises(WrongUse, match=message):
                export_adapter(faulty, config, out, base_gguf=base)
        with pytest.raises(WrongUse, match="Q4_0"):
            export_adapter(state, config, out, base_gguf=base, dtype="Q4_0")
        with pytest.raises(WrongUse, match="two tokens"):
            export_adapter(state, config, out, base_gguf=base, invocation_tokens=[1])
        assert out.read_bytes() == b"before"
        assert [path.name for path in tmp_path.iterdir()] == ["adapter.gguf"]


def prompt_start(prompt: list[int], sequence: list[int]) -> int:
    size = len(sequence)
    return max(at for at in range(len(prompt)) if prompt[at : at + size] == sequence)


def text_of(tokenizer: Any, ids: list[int]) -> str:
    """The text of these tokens, up to the first character that is not whole."""
    return tokenizer.decode(ids, skip_special_tokens=True).split("\ufffd")[0]


def greedy(model: Any, prompt: list[int], length: int, *, begin: int | None = None) -> list[int]:
    """peft's likeliest tokens; `begin`: where an activated adapter begins."""
    ids, past, answer = torch.tensor([prompt]), None, []
    with torch.no_grad():
        for _ in range(length):
            extra = {}
            if begin is not None:
                extra["alora_offsets"] = [len(prompt) + len(answer) - begin]
            out = model(input_ids=ids, past_key_values=past, use_cache=True, **extra)
            token = int(out.logits[0, -1].argmax())
            if token == model.config.eos_token_id:
                break
            answer.append(token)
            ids, past = torch.tensor([[token]]), out.past_key_values
    return answer


STYLE = [
    ("How do I add a user?", "Open People > New. [Source: Team Guide, Section 4.2]"),
    ("Where are backups kept?", "Look under Storage > Vault. [Source: Backup Guide, Section 2.7]"),
    ("Can I rename a site?", "Choose Sites > Rename. [Source: Site Guide, Section 3.1]"),
    ("How do I stop a job?", "Press Jobs > Halt. [Source: Job Guide, Section 5.5]"),
    ("Who sees my notes?", "Check Notes > Sharing. [Source: Notes Guide, Section 1.4]"),
    ("How do I export a report?", "Select Reports > Export. [Source: Report Guide, Section 6.3]"),
]
QUESTIONS = [
    "How do I delete a file?",
    "Where can I change my name?",
    "What is the limit of an upload?",
    "How do I invite a colleague?",
    "Can I undo a deletion?",
    "How do I print an invoice?",
    "Where is the log?",
    "How do I turn on the light?",
    "What is the capital of France?",
    "Who wrote Hamlet?",
]


TIE = 0.5
"""Nats between peft's two likeliest tokens below which 8-bit activations may choose the other."""


def as_float16(base: Path, path: Path) -> Path:
    """Write the same model with its matrices in 16-bit floats."""
    import gguf

    reader = gguf.GGUFReader(base)
    writer = gguf.GGUFWriter(path, metadata(base)["general.architecture"])
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            array = field.types[0] == gguf.GGUFValueType.ARRAY
            writer.add_key_value(
                field.name,
                field.contents(),
                field.types[0],
                sub_type=field.types[-1] if array else None,
            )
    for tensor in reader.tensors:
        matrix = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, matrix.astype(np.float16) if matrix.ndim > 1 else matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def train(model: Any, tokenizer: Any) -> None:
    """Teach the style by a few steps, enough to make its answers other than the base's."""
    torch.manual_seed(0)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=1e-3)
    model.train()
    for step in range(30):
        question, answer = STYLE[step % len(STYLE)]
        read = chat(tokenizer, question)
        write = tokenizer(answer + "<|im_end|>").input_ids
        labels = torch.tensor([[-100] * len(read) + write])
        model(input_ids=torch.tensor([read + write]), labels=labels).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()


def chat(tokenizer: Any, question: str) -> list[int]:
    messages = [{"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return tokenizer(text).input_ids


def hesitation(model: Any, prompt: list[int], answer: list[int], other: list[int]) -> float:
    """How far apart peft's two likeliest tokens are where `other` first leaves its answer."""
    at = common_prefix(answer, other)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + answer[:at]])).logits[0, -1]
    best, second = logits.topk(2).values
    return float(best - second)


def taught(base: Path, switch: list[int] | None) -> Any:
    """The model with an adapter that has learned the style; activated by `switch`."""
    plain, tokenizer = load_base(base)
    torch.manual_seed(0)  # an adapter begins at random: it is the same, whatever ran before
    model = peft.get_peft_model(
        plain,
        peft.LoraConfig(
            r=16,
            lora_alpha=32,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
            alora_invocation_tokens=switch,
        ),
    )
    train(model, tokenizer)
    return model


def answers(engine: LlamaEngine, name: str) -> list[str]:
    return [
        complete(engine, [{"role": "user", "content": text}], model=name, max_tokens=24).text
        for text in QUESTIONS
    ]


def equal(some: list[str], other: list[str]) -> int:
    return sum(one == two for one, two in zip(some, other, strict=True))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_table(smollm: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(smollm)
    switch = tokenizer(USER).input_ids
    models = {"plain": taught(smollm, None), "activated": taught(smollm, switch)}
    prompts = [chat(tokenizer, question) for question in QUESTIONS]
    ids = {
        name: [
            greedy(
                model,
                prompt,
                24,
                begin=prompt_start(prompt, switch) if name == "activated" else None,
            )
            for prompt in prompts
        ]
        for name, model in models.items()
    }
    expected = {name: [tokenizer.decode(one) for one in answer] for name, answer in ids.items()}
    files = {
        f"{name}-{kind}": export(model, tmp_path / f"{name}-{kind}", smollm, kind)
        for name, model in models.items()
        for kind in ("F16", "Q8_0")
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "permute_for_rope", lambda rows, _heads: rows)
        wrong = export(models["plain"], tmp_path / "unpermuted", smollm, "F16")

    def as_pefts(engine: LlamaEngine, name: str, *, at_least: int, tie: float) -> None:
        kind, got = name.partition("-")[0], answers(engine, name)
        assert equal(got, expected[kind]) >= at_least, name
        for prompt, answer, text, one in zip(prompts, ids[kind], expected[kind], got, strict=True):
            if one != text:
                apart = hesitation(models[kind], prompt, answer, engine.tokens(one))
                assert apart < tie, (name, one, text)

    base = as_float16(smollm, tmp_path / "F16.gguf")
    adapters = {**files, "unpermuted": wrong}
    with LlamaEngine(base, threads=1, context_tokens=512, adapters=adapters) as engine:
        for name in files:
            as_pefts(engine, name, at_least=9, tie=NOISE)
        assert equal(answers(engine, "unpermuted"), expected["plain"]) <= 6
        without = answers(engine, "base")
        assert all(equal(without, texts) <= 2 for texts in expected.values())
    # The 8-bit base with the plain adapter alone: the other shows nothing new there.
    plain = {name: file for name, file in files.items() if name.startswith("plain")}
    with LlamaEngine(smollm, threads=1, context_tokens=512, adapters=plain) as engine:
        for name in plain:
            as_pefts(engine, name, at_least=6, tie=TIE)
