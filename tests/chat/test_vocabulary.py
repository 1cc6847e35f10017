"""The tokenizer and template read from GGUF are llama.cpp's and the template's own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.small_model import CONTEXT, write_model
from groundtone.chat.llama import LlamaEngine
from groundtone.chat.metadata import metadata, tensor_entries
from groundtone.chat.process import Backend
from groundtone.chat.vocabulary import SAMPLES, Vocabulary
from groundtone.errors import EngineError, WrongUse

TEXTS = [
    *SAMPLES,
    "",
    " ",
    "a  5",
    "a   55   b",
    "1234567890" * 3,
    "x\u00a05 \u2003 7\u3000",
    "user\nassistant\n<|im_start|>user\n<|im_end|><|im_start|>",
    "It's we'll THEY'RE i'M",
    "\r\n\r\n \t\x0b\x0c end",
    "e\u0301 ﬁ Ⅳ ① 𝟘 ௧",
    "<|endoftext|><repo_name> <file_sep>",
]


class TestReal:
    @pytest.fixture(scope="class")
    def words(self, smollm: Path) -> Vocabulary:
        return Vocabulary(smollm)

    @pytest.fixture(scope="class")
    def backend(self, smollm: Path) -> Iterator[Backend]:
        backend = Backend(smollm, context=256)
        yield backend
        backend.close()

    @pytest.mark.parametrize("text", TEXTS)
    def test_ids_are_llama_cpps(self, words: Vocabulary, backend: Backend, text: str) -> None:
        assert words.tokens(text) == backend.tokenize(text)

    def test_ids_are_llama_cpps_for_random_texts(self, words: Vocabulary, backend: Backend) -> None:
        draw = random.Random(3)
        pieces = [
            "hello",
            " world",
            "  ",
            "\n",
            "\t",
            "7",
            "42",
            "'s",
            "é",
            "東",
            "🚀",
            "-",
            "_",
            "A",
        ]
        for _ in range(300):
            text = "".join(draw.choice(pieces) for _ in range(draw.randrange(1, 12)))
            assert words.tokens(text) == backend.tokenize(text), repr(text)

    def test_the_prompt_is_chatml(self, words: Vocabulary) -> None:
        assert words.render([{"role": "user", "content": "hi"}]).endswith(
            "<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
        )
        assert words.render(
            [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
        ) == (
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
            "<|im_start|>assistant\n"
        )

    # Unassigned code points are left out: llama.cpp's Unicode tables are older than Python's.
    @given(text=st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=60))
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def test_ids_are_llama_cpps_for_any_text(
        self, words: Vocabulary, backend: Backend, text: str
    ) -> None:
        assert words.tokens(text) == backend.tokenize(text)


def test_an_unknown_way_of_splitting_asks_llama_cpp(tmp_path: Path) -> None:
    model = write_model(tmp_path / "other.gguf", splitting="qwen2")
    words = Vocabulary(model)
    assert not words.known
    with pytest.raises(EngineError, match="gpt2/qwen2"):
        words.tokens("hello")
    with LlamaEngine(model, threads=1, context_tokens=256) as engine:
        ids = engine.tokens("hello <|im_end|>")
        assert ids[-1] == 2


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("", "no chat template"),
        ("{% if %}", "not valid"),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{{ messages.__class__.__mro__ }}", "refuses"),
    ],
)
def test_bad_templates(tmp_path: Path, template: str, error: str) -> None:
    words = Vocabulary(write_model(tmp_path / "bad.gguf", template=template))
    with pytest.raises(EngineError, match=error):
        words.render([{"role": "user", "content": "hi"}])


def test_messages_are_named(small: Path) -> None:
    with pytest.raises(WrongUse, match=r"Message 2 .*'content'"):
        Vocabulary(small).render([{"role": "user", "content": "hi"}, {"role": "user"}])


class TestMetadata:
    def test_values_and_matrices(self, small: Path) -> None:
        head = metadata(small)
        assert head["llama.context_length"] == CONTEXT
        assert head["tokenizer.ggml.add_bos_token"] is False
        assert head["tokenizer.ggml.tokens"][:2] == ["<|endoftext|>", "<|im_start|>"]
        entries = {entry.name: entry for entry in tensor_entries(small)}
        assert entries["blk.0.ffn_down.weight"].shape == (64, 96)

    @given(size=st.integers(0, 4000))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def test_a_file_cut_anywhere_is_named(self, small: Path, tmp_path: Path, size: int) -> None:
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(small.read_bytes()[:size])
        with pytest.raises(EngineError, match=r"cut\.gguf"):
            metadata(cut)

    def test_another_version(self, tmp_path: Path) -> None:
        (tmp_path / "new.gguf").write_bytes(b"GGUF" + (9).to_bytes(4, "little") + bytes(16))
        with pytest.raises(EngineError, match="version 9"):
            metadata(tmp_path / "new.gguf")


def test_templates_run_in_a_sandbox(tmp_path: Path) -> None:
    evil = "{{ ''.__class__.__base__.__subclasses__() }}"
    words = Vocabulary(write_model(tmp_path / "evil.gguf", template=evil))
    with pytest.raises(EngineError) as caught:
        words.render([{"role": "user", "content": "hi"}])
    assert isinstance(caught.value.__cause__, jinja2.TemplateError)
