"""The engine on OpenVINO: the contract, llama.cpp's prompts, and no traces of earlier questions."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from chat.small_model import CONTEXT, write_adapter, write_model
from contracts.chat import ChatContract, ask
from groundtone.chat import Message, complete, open_chat
from groundtone.chat.llama import LlamaEngine
from groundtone.chat.pages import SIZE
from groundtone.errors import EngineError, WrongUse

pytest.importorskip("openvino_genai", reason="the extra openvino is not installed")

from groundtone.chat.openvino import OpenVINOEngine


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openvino")


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model in a format that OpenVINO reads."""
    return write_model(tmp_path_factory.mktemp("half") / "half.gguf", half=True)


@pytest.fixture(scope="module")
def open_small(half: Path, cache: Path) -> Callable[[], OpenVINOEngine]:
    return lambda: OpenVINOEngine(half, threads=1, context_tokens=CONTEXT, cache=cache)


class TestOpenVINO(ChatContract):
    @pytest.fixture(scope="class")
    def engine(self, open_small: Callable[[], OpenVINOEngine]) -> Iterator[OpenVINOEngine]:
        with open_small() as engine:
            yield engine

    @pytest.fixture
    def fresh(self, open_small: Callable[[], OpenVINOEngine]) -> Callable[[], OpenVINOEngine]:
        return open_small


@pytest.fixture(scope="module")
def engine(open_small: Callable[[], OpenVINOEngine]) -> Iterator[OpenVINOEngine]:
    with open_small() as engine:
        yield engine


SYSTEM = "Use the passages. " + " ".join(f"passage {number} hello" for number in range(16))
FIRST = ask("hello?", SYSTEM)
LENGTH = 24


def talks(engine: OpenVINOEngine, answer: str) -> dict[str, list[Message]]:
    """Conversations with common beginnings, of lengths around the edge of a page."""
    found = {
        "first": FIRST,
        "other question": ask("who?", SYSTEM),
        "other passages": ask("hello?", SYSTEM[:120] + " changed " + SYSTEM[120:]),
        "next turn": [
            *FIRST,
            {"role": "assistant", "content": answer},
            {"role": "user", "content": "who?"},
        ],
        "short": ask("hello", "x"),
    }
    length = len(engine.tokens(engine.render(ask("", SYSTEM))))
    for more in (-1, 0, 1, 2):
        missing = -length % SIZE + more
        edge = ask("!" * missing, SYSTEM)
        assert len(engine.tokens(engine.render(edge))) % SIZE == more % SIZE
        found[f"edge {more}"] = edge
    return found


@pytest.fixture(scope="module")
def alone(
    open_small: Callable[[], OpenVINOEngine],
) -> tuple[dict[str, list[Message]], dict[str, str]]:
    """The conversations, and the answer of an engine that was asked nothing before."""
    with open_small() as engine:
        asked = talks(engine, complete(engine, FIRST, max_tokens=40).text)
    answers = {}
    for name, messages in asked.items():
        with open_small() as engine:
            done = complete(engine, messages, max_tokens=LENGTH)
            assert done.cached_tokens == 0
            answers[name] = done.text
    assert len(set(answers.values())) > len(answers) / 2
    return asked, answers


class TestHistory:
    def test_an_answer_does_not_depend_on_any_history(
        self, open_small: Callable[[], OpenVINOEngine], alone: tuple[dict, dict]
    ) -> None:
        asked, answers = alone
        draw = random.Random(5)
        cached = total = 0
        with open_small() as engine:
            for step in range(120):
                name = draw.choice(list(asked))
                if draw.random() < 0.15:  # somebody loses patience
                    stream = engine.stream(asked[name], max_tokens=LENGTH)
                    next(stream)
                    stream.close()  # type: ignore[attr-defined]
                    continue
                done = complete(engine, asked[name], max_tokens=LENGTH)
                assert done.text == answers[name], (step, name)
                cached += done.cached_tokens
                total += done.prompt_tokens
        assert cached > total / 3

    def test_nor_do_the_probabilities(
        self, open_small: Callable[[], OpenVINOEngine], alone: tuple[dict, dict]
    ) -> None:
        asked, _ = alone
        for first, second in (("next turn", "first"), ("edge 1", "edge 0"), ("edge 0", "edge 1")):
            seen = []
            for before in ([], [first, second]):
                with open_small() as engine:
                    for name in before:
                        complete(engine, asked[name], max_tokens=LENGTH)
                    prompt = engine.tokens(engine.render(asked[second]))
                    held = engine._pages.take(prompt)
                    for position in range(held.found, len(prompt), SIZE):
                        piece = prompt[position : position + SIZE]
                        logits = engine._read(held, piece, position, True)
                    seen.append(logits)
            assert np.array_equal(seen[0], seen[1]), (first, second)

    def test_nor_on_what_is_asked_at_the_same_time(
        self, engine: OpenVINOEngine, alone: tuple[dict, dict]
    ) -> None:
        asked, answers = alone
        names = [*asked] * 3
        random.Random(6).shuffle(names)
        with ThreadPoolExecutor(5) as pool:
            done = pool.map(
                lambda name: complete(engine, asked[name], max_tokens=LENGTH).text, names
            )
            assert list(done) == [answers[name] for name in names]

    def test_seeds_do_not_either(self, engine: OpenVINOEngine) -> None:
        def draw() -> str:
            return complete(engine, FIRST, max_tokens=12, temperature=0.8, seed=11).text

        before = draw()
        complete(engine, ask("who?", SYSTEM), max_tokens=8, temperature=1.0, seed=3)
        assert draw() == before

    def test_passages_seen_before_are_not_read_again(self, engine: OpenVINOEngine) -> None:
        complete(engine, FIRST, max_tokens=2)
        done = complete(engine, ask("what about it?", SYSTEM), max_tokens=2)
        assert done.cached_tokens >= done.prompt_tokens - 2 * SIZE
        assert done.cached_tokens % SIZE == 0 < done.cached_tokens

    def test_more_passages_than_are_kept(self, engine: OpenVINOEngine) -> None:
        first = complete(engine, FIRST, max_tokens=LENGTH).text
        for number in range(20):
            complete(engine, ask("hello?", f"{number} {SYSTEM}"), max_tokens=1)
        assert engine._pages.count <= engine._pages.keep
        again = complete(engine, FIRST, max_tokens=LENGTH)
        assert (again.text, again.cached_tokens) == (first, 0)


class TestBesideLlama:
    """The same prompts, token by token, and on a model of two layers the same answers."""

    def test_prompts_and_tokens_are_equal(self, engine: OpenVINOEngine, half: Path) -> None:
        with LlamaEngine(half, threads=1, context_tokens=CONTEXT) as llama:
            for text in ("hello", "", "Grüße  12 345\n\n", "<|im_end|> x"):
                messages = ask(text, SYSTEM)
                prompt = engine.render(messages)
                assert prompt == llama.render(messages)
                assert engine.tokens(prompt) == llama.tokens(prompt)
                assert llama._backend is not None
                assert engine.tokens(prompt) == llama._backend.tokenize(prompt)

    def test_answers_are_equal(self, engine: OpenVINOEngine, half: Path) -> None:
        with LlamaEngine(half, threads=1, context_tokens=CONTEXT) as llama:
            for text in ("hello", "who are you?", "a b c d", "12 345", "Grüße"):
                ours = complete(engine, ask(text), max_tokens=12)
                theirs = complete(llama, ask(text), max_tokens=12)
                # llama.cpp leaves out the beginning of a character at an answer's end.
                assert ours.text.rstrip("\ufffd") == theirs.text.rstrip("\ufffd")
                assert ours.prompt_tokens == theirs.prompt_tokens
                assert (ours.completion_tokens, ours.finish) == (
                    theirs.completion_tokens,
                    theirs.finish,
                )


class TestForm:
    def test_an_object(self, engine: OpenVINOEngine) -> None:
        schema = {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "blue"]}, "fast": {"type": "boolean"}},
            "required": ["colour", "fast"],
            "additionalProperties": False,
        }
        done = complete(engine, ask("hello"), max_tokens=80, json_schema=schema)
        value = json.loads(done.text)
        assert value["colour"] in ("red", "blue")
        assert value["fast"] in (True, False)
        assert done.finish == "stop"

    def test_cut_off_it_says_length(self, engine: OpenVINOEngine) -> None:
        schema = {"type": "string", "minLength": 50, "maxLength": 60}
        done = complete(engine, ask("hello"), max_tokens=5, json_schema=schema)
        assert done.finish == "length"

    @pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "#/nowhere"}])
    def test_a_bad_schema_is_an_engine_error(self, engine: OpenVINOEngine, schema: dict) -> None:
        with pytest.raises(EngineError, match="schema"):
            complete(engine, ask("hello"), max_tokens=4, json_schema=schema)
        assert complete(engine, ask("hello"), max_tokens=2).completion_tokens == 2

    @pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan")])
    def test_temperature_out_of_range(self, engine: OpenVINOEngine, temperature: float) -> None:
        with pytest.raises(WrongUse, match="temperature"):
            complete(engine, ask("hello"), temperature=temperature)

    def test_a_stop_string_over_several_tokens(self, engine: OpenVINOEngine) -> None:
        whole = complete(engine, ask("hello"), max_tokens=20).text
        mark = whole[6:10]
        *pieces, done = engine.stream(ask("hello"), max_tokens=20, stop=["never seen", mark])
        assert "".join(pieces) == whole[: whole.index(mark)] == done.text  # type: ignore[arg-type]


class TestLoading:
    def test_adapters_are_refused(self, engine: OpenVINOEngine, tmp_path: Path) -> None:
        engine.load({})
        with pytest.raises(WrongUse, match=r"cannot apply adapters.*tuned"):
            engine.load({"tuned": write_adapter(tmp_path / "a.gguf")})
        with pytest.raises(WrongUse, match="No model is named 'tuned'"):
            complete(engine, ask("hello"), model="tuned")
        assert complete(engine, ask("hello"), max_tokens=2).completion_tokens == 2

    def test_by_name(self, half: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GROUNDTONE_CACHE", str(cache / "user"))
        for name in (f"openvino:{half}", f"openvino:gguf:{half}"):
            engine = open_chat(name, threads=1, context_tokens=256)
            assert (engine.name, engine.context_tokens) == (name, 256)
            assert complete(engine, ask("hello"), model=name, max_tokens=2).text is not None
            engine.close()
        assert list((cache / "user" / "openvino").glob("half-*/openvino_model.bin"))

    @pytest.mark.parametrize("name", ["openvino:", "openvino:all-minilm-l6-v2", "openvino:x.bin"])
    def test_other_names(self, name: str) -> None:
        with pytest.raises(WrongUse, match="openvino:MODEL"):
            open_chat(name)

    def test_it_is_converted_once(self, half: Path, cache: Path) -> None:
        with OpenVINOEngine(half, threads=1, cache=cache):
            files = {path: path.stat().st_mtime_ns for path in cache.glob("half-*/*.xml")}
        begun = time.perf_counter()
        with OpenVINOEngine(half, threads=1, cache=cache):
            pass
        assert files == {path: path.stat().st_mtime_ns for path in files}
        assert time.perf_counter() - begun < 10

    def test_missing_damaged_and_foreign_files(
        self, half: Path, small: Path, tmp_path: Path, cache: Path
    ) -> None:
        whole = half.read_bytes()
        for content in (b"", b"nonsense", whole[:2000], whole[:-5000]):
            bad = tmp_path / "bad.gguf"
            bad.write_bytes(content)
            with pytest.raises(EngineError, match=r"bad\.gguf"):
                OpenVINOEngine(bad, threads=1, cache=cache)
        with pytest.raises(EngineError):
            OpenVINOEngine(tmp_path / "none.gguf", threads=1, cache=cache)
        adapter = write_adapter(tmp_path / "adapter.gguf")
        with pytest.raises(EngineError, match="is not a model"):
            OpenVINOEngine(adapter, threads=1, cache=cache)
        with pytest.raises(EngineError, match=r"file_type.*llama\.cpp|file_type"):
            OpenVINOEngine(small, threads=1, cache=cache)
        odd = write_model(tmp_path / "odd.gguf", architecture="gemma9", half=True)
        with pytest.raises(EngineError, match="gemma9"):
            OpenVINOEngine(odd, threads=1, cache=cache)
        other = write_model(tmp_path / "other.gguf", splitting="qwen2", half=True)
        with pytest.raises(EngineError, match="gpt2/qwen2"):
            OpenVINOEngine(other, threads=1, cache=cache)
        assert not list(cache.glob(".making-*"))


@pytest.mark.slow
class TestReal:
    """SmolLM2, from the user's cache; it is converted there if it was not."""

    @pytest.fixture(scope="class")
    def engine(self, smollm: Path) -> Iterator[OpenVINOEngine]:
        with OpenVINOEngine(smollm, context_tokens=2048) as engine:
            yield engine

    def test_it_reads_what_stands_there(self, engine: OpenVINOEngine) -> None:
        messages = ask("Which colour is the cap?", "The cap of the bottle is green.")
        assert "green" in complete(engine, messages, max_tokens=30).text

    def test_the_cache_changes_nothing(self, engine: OpenVINOEngine) -> None:
        passages = " ".join(f"Valve {number} opens at {number * 7} bar." for number in range(40))
        questions = [ask(f"When does valve {number} open?", passages) for number in (3, 17, 31)]
        alone = [complete(engine, question, max_tokens=20).text for question in questions]
        again = [complete(engine, question, max_tokens=20) for question in reversed(questions)]
        assert [done.text for done in reversed(again)] == alone
        assert all(done.cached_tokens >= done.prompt_tokens - 2 * SIZE for done in again)

    def test_stopping_while_it_writes(self, engine: OpenVINOEngine) -> None:
        stream = engine.stream(ask("Tell a long story."), max_tokens=400)
        next(stream)
        begun = time.perf_counter()
        stream.close()  # type: ignore[attr-defined]
        assert time.perf_counter() - begun < 10
