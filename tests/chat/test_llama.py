"""The local engine: the contract, and that no answer depends on what was asked before."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chat.small_model import write_adapter, write_model
from contracts.chat import ChatContract, ask
from groundtone.chat import Message, complete, open_chat
from groundtone.chat.adapters import ANY_ASCII
from groundtone.chat.llama import LlamaEngine
from groundtone.chat.places import Places
from groundtone.chat.process import BATCH
from groundtone.errors import EngineError, WrongUse


class TestLlama(ChatContract):
    @pytest.fixture(scope="class")
    def engine(self, small: Path) -> Iterator[LlamaEngine]:
        with LlamaEngine(small, threads=1, context_tokens=512, parallel=2) as engine:
            yield engine

    @pytest.fixture
    def fresh(self, small: Path) -> Callable[[], LlamaEngine]:
        return lambda: LlamaEngine(small, threads=1, context_tokens=512)


SYSTEM = "Use the passages. " + " ".join(f"passage {number} hello" for number in range(12))
TALKS: dict[str, list[Message]] = {
    "first": ask("hello?", SYSTEM),
    "other question": ask("who?", SYSTEM),
    "other passages": ask("hello?", SYSTEM[:120] + " changed " + SYSTEM[120:]),
    "same beginning": ask("hello? And more.", SYSTEM),
    "next turn": [
        *ask("hello?", SYSTEM),
        {"role": "assistant", "content": "hello, user"},
        {"role": "user", "content": "who?"},
    ],
}
MODELS = ("base", "plain", "other", "user", "assistant")
LENGTH = 8


@pytest.fixture(scope="module")
def engine(small: Path, adapters: dict[str, Path]) -> Iterator[LlamaEngine]:
    with LlamaEngine(small, threads=1, context_tokens=512, parallel=1, adapters=adapters) as engine:
        yield engine


@pytest.fixture(scope="module")
def alone(engine: LlamaEngine) -> dict[tuple[str, str], str]:
    """What each model answers when nothing was asked before."""
    answers = {}
    for talk, model in itertools.product(TALKS, MODELS):
        forget(engine)
        done = complete(engine, TALKS[talk], model=model, max_tokens=LENGTH)
        assert done.cached_tokens == 0
        answers[talk, model] = done.text
    for talk in TALKS:
        assert len({answers[talk, model] for model in MODELS}) == len(MODELS)
    return answers


def forget(engine: LlamaEngine) -> None:
    """Treat every slot's state as unknown, as a new server would."""
    places = engine._places
    engine._places = Places(places.count, places.piece, places.at_once)


@pytest.mark.parametrize(("before", "after"), itertools.permutations(MODELS, 2))
def test_an_answer_does_not_depend_on_who_answered_before(
    engine: LlamaEngine, alone: dict[tuple[str, str], str], before: str, after: str
) -> None:
    for first, second in (("first", "first"), ("first", "next turn"), ("next turn", "first")):
        forget(engine)
        for talk, model in ((first, before), (second, after), (first, before)):
            done = complete(engine, TALKS[talk], model=model, max_tokens=LENGTH)
            assert done.text == alone[talk, model], (first, second, talk, model)


@pytest.mark.parametrize("slots", [1, 3])
def test_an_answer_does_not_depend_on_any_history(
    small: Path, adapters: dict[str, Path], alone: dict[tuple[str, str], str], slots: int
) -> None:
    draw = random.Random(5)
    cached = total = 0
    with LlamaEngine(
        small, threads=1, context_tokens=512, parallel=slots, adapters=adapters
    ) as engine:
        for step in range(150):
            talk, model = draw.choice(list(TALKS)), draw.choice(MODELS)
            if draw.random() < 0.15:  # somebody loses patience
                stream = engine.stream(TALKS[talk], model=model, max_tokens=LENGTH)
                next(stream)
                stream.close()  # type: ignore[attr-defined]
                continue
            done = complete(engine, TALKS[talk], model=model, max_tokens=LENGTH)
            assert done.text == alone[talk, model], (step, talk, model)
            cached += done.cached_tokens
            total += done.prompt_tokens
    assert cached > total / 4


@pytest.mark.parametrize("slots", [1, 3])
def test_answers_at_once_with_different_adapters(
    slots: int, small: Path, adapters: dict[str, Path], alone: dict[tuple[str, str], str]
) -> None:
    asked = [*itertools.product(TALKS, MODELS)] * 2
    random.Random(6).shuffle(asked)
    with (
        LlamaEngine(
            small, threads=2, context_tokens=512, parallel=slots, adapters=adapters
        ) as engine,
        ThreadPoolExecutor(4) as pool,
    ):
        answers = pool.map(
            lambda one: complete(engine, TALKS[one[0]], model=one[1], max_tokens=LENGTH).text, asked
        )
        equal = [one == alone[key] for one, key in zip(answers, asked, strict=True)]
    # Several slots are computed together, which may turn a near tie: docs/engines.md.
    assert all(equal) if slots == 1 else sum(equal) >= 0.9 * len(equal)


class Recorder:
    """An engine's answers with the probabilities of every token, as the server computed them."""

    def __init__(self, engine: LlamaEngine) -> None:
        self.engine = engine
        self._told: dict[int, list] = {}
        assert engine._backend is not None
        self._stream = engine._backend.stream
        engine._backend.stream = self._recorded  # type: ignore[method-assign]

    def answer(self, messages: list[Message], model: str, length: int) -> tuple[str, list]:
        told = self._told[threading.get_ident()] = []
        done = complete(self.engine, messages, model=model, max_tokens=length)
        assert len(told) > 1
        return done.text, told

    def _recorded(self, requests: list[dict], **given: Any) -> Iterator[dict]:
        told = self._told.get(threading.get_ident(), [])
        *before, final = requests
        for event in self._stream(
            [*before, {**final, "logprobs": 3, "grammar": ANY_ASCII}], **given
        ):
            for choice in event.get("choices") or []:
                for token in (choice.get("logprobs") or {}).get("content", []):
                    told.append([(one["id"], one["logprob"]) for one in token["top_logprobs"]])
            yield event


def answers_stay(engine: LlamaEngine, asked: list[tuple[list[Message], str]], length: int) -> None:
    """Asked first, again, after each other and beside each other: the same to the last bit."""
    recorder = Recorder(engine)
    alone = []
    for messages, model in asked:
        forget(engine)
        alone.append(recorder.answer(messages, model, length))
    numbers = [*range(len(asked))] * 2
    random.Random(8).shuffle(numbers)
    for number in [*range(len(asked)), *numbers, numbers[-1]]:
        assert recorder.answer(*asked[number], length) == alone[number], (number, "again")
    with ThreadPoolExecutor(4) as pool:
        beside = pool.map(lambda number: recorder.answer(*asked[number], length), numbers)
        for number, told in zip(numbers, beside, strict=True):
            assert told == alone[number], (number, "beside others")


def test_probabilities_do_not_depend_on_what_was_or_is_asked(
    small: Path, adapters: dict[str, Path]
) -> None:
    asked = [*itertools.product(TALKS.values(), ("base", "plain", "user"))]
    with LlamaEngine(small, threads=1, context_tokens=512, adapters=adapters) as engine:
        answers_stay(engine, asked, 4)


@pytest.mark.slow
def test_nor_do_those_of_the_real_model(smollm: Path) -> None:
    system = "Answer from the manual. " + " ".join(
        f"Pump {number} is looked after every {number * 7 % 31} days." for number in range(12)
    )
    asked = [(ask(text, system), "base") for text in ("Which pump is last?", "And pump 7?", "Why?")]
    with LlamaEngine(smollm, threads=1, context_tokens=512) as engine:
        answers_stay(engine, asked, 8)


@pytest.mark.parametrize("model", ["user", "assistant"])
def test_activated_adapters_use_what_the_base_has_read(engine: LlamaEngine, model: str) -> None:
    forget(engine)
    messages = TALKS["first"]
    prompt = engine.tokens(engine.render(messages))
    question = len(engine.tokens(engine.render(messages)[len(SYSTEM) :]))
    assert complete(engine, messages, model="base", max_tokens=4).cached_tokens == 0
    adapted = complete(engine, messages, model=model, max_tokens=4)
    pieces = (len(prompt) - question) // BATCH * BATCH
    assert adapted.cached_tokens >= pieces - 1 > 0
    again = complete(engine, messages, model=model, max_tokens=4)
    assert again.cached_tokens >= len(prompt) - question - 20
    back = complete(engine, messages, model="base", max_tokens=4)
    assert back.cached_tokens >= pieces - 1


def test_a_plain_adapter_leaves_the_base_what_it_has_read(engine: LlamaEngine) -> None:
    forget(engine)
    complete(engine, TALKS["first"], max_tokens=4)
    complete(engine, TALKS["first"], model="plain", max_tokens=4)
    assert complete(engine, TALKS["first"], max_tokens=4).cached_tokens > 100
    assert complete(engine, TALKS["first"], model="plain", max_tokens=4).cached_tokens > 100


def test_llama_cpp_alone_would_mix_them(engine: LlamaEngine, alone: dict) -> None:
    """Why the account exists; if this fails, llama.cpp may have learned to keep it itself."""
    backend = engine._backend
    assert backend is not None
    prompt = engine.tokens(engine.render(TALKS["first"]))

    def raw(chosen: int | None) -> str:
        request = {"prompt": prompt, "max_tokens": LENGTH, "temperature": 0.0, "id_slot": 0}
        if chosen is not None:
            request["lora"] = [{"id": n, "scale": float(n == chosen)} for n in range(4)]
        return backend.complete(request)["choices"][0]["text"]

    raw(0)
    assert raw(None) != alone["first", "base"]
    raw(2)
    assert raw(None) != alone["first", "base"]
    raw(2)
    assert raw(3) != alone["first", "assistant"]
    forget(engine)


class TestLoading:
    def test_adapters_are_changed_while_serving(
        self, small: Path, adapters: dict[str, Path], alone: dict
    ) -> None:
        with LlamaEngine(small, threads=1, context_tokens=512) as engine:
            with pytest.raises(WrongUse, match="Loaded are: base"):
                complete(engine, TALKS["first"], model="plain")
            for names in (["plain"], ["other", "plain"], ["user"], []):
                engine.load({name: adapters[name] for name in names})
                for model in ["base", *names]:
                    done = complete(engine, TALKS["first"], model=model, max_tokens=LENGTH)
                    assert done.text == alone["first", model]

    def test_adapters_are_changed_under_requests_that_never_cease(
        self, small: Path, adapters: dict[str, Path]
    ) -> None:
        ended = threading.Event()
        with LlamaEngine(small, threads=1, context_tokens=512) as engine:
            told: list[str] = []

            def ask() -> None:
                while not ended.is_set():
                    told.append(complete(engine, TALKS["first"], max_tokens=LENGTH).text)

            callers = [threading.Thread(target=ask) for _ in range(4)]
            loading = threading.Thread(
                target=engine.load, args=({"plain": adapters["plain"]},), daemon=True
            )
            for thread in (*callers, loading):
                thread.start()
            loading.join(120)
            loaded = not loading.is_alive()
            ended.set()
            for thread in callers:
                thread.join()
            assert loaded
            assert complete(engine, TALKS["first"], model="plain", max_tokens=2).completion_tokens
            assert len(set(told)) == 1, "no request was dropped or answered otherwise"

    def test_loading_the_same_again_keeps_the_server(
        self, engine: LlamaEngine, adapters: dict[str, Path]
    ) -> None:
        backend = engine._backend
        engine.load(adapters)
        assert engine._backend is backend

    def test_an_adapter_that_changes_nothing_is_refused(self, small: Path, tmp_path: Path) -> None:
        nothing = write_adapter(tmp_path / "nothing.gguf", size=0.0)
        with LlamaEngine(small, threads=1, context_tokens=512) as engine:
            with pytest.raises(EngineError, match="changes nothing"):
                engine.load({"nothing": nothing})
            assert complete(engine, ask("hello"), max_tokens=2).completion_tokens == 2

    def test_an_adapter_whose_switch_is_not_in_the_prompt_is_refused(
        self, small: Path, tmp_path: Path
    ) -> None:
        never = write_adapter(tmp_path / "never.gguf", switch=[9, 8, 7])
        with pytest.raises(EngineError, match="switch"):
            LlamaEngine(small, threads=1, context_tokens=512, adapters={"never": never})

    def test_an_adapter_for_another_architecture_is_refused(
        self, small: Path, tmp_path: Path
    ) -> None:
        foreign = write_adapter(tmp_path / "foreign.gguf", architecture="qwen2")
        with pytest.raises(EngineError, match="qwen2"):
            LlamaEngine(small, threads=1, context_tokens=512, adapters={"foreign": foreign})

    def test_a_missing_damaged_or_wrong_file(self, small: Path, tmp_path: Path) -> None:
        for content in (b"", b"nonsense", small.read_bytes()[:2000]):
            bad = tmp_path / "bad.gguf"
            bad.write_bytes(content)
            with pytest.raises(EngineError):
                LlamaEngine(bad, threads=1)
        with pytest.raises(EngineError):
            LlamaEngine(tmp_path / "none.gguf", threads=1)
        with pytest.raises(EngineError):
            LlamaEngine(small, threads=1, adapters={"model": small})
        with pytest.raises(WrongUse):
            LlamaEngine(small, threads=1, adapters={"base": small})

    def test_a_model_cut_in_its_weights(self, small: Path, tmp_path: Path) -> None:
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(small.read_bytes()[:-5000])
        with pytest.raises(EngineError, match=r"cut\.gguf"):
            LlamaEngine(cut, threads=1)


class TestForm:
    def test_json_schema(self, engine: LlamaEngine) -> None:
        schema = {"enum": ["red", "green"]}
        *_, done = engine.stream(ask("hello"), max_tokens=40, json_schema=schema)
        assert json.loads(done.text) in ("red", "green")

    def test_grammar(self, engine: LlamaEngine) -> None:
        *_, done = engine.stream(ask("hello"), max_tokens=40, grammar='root ::= "yes" | "no"')
        assert done.text in ("yes", "no")

    def test_a_bad_grammar_is_an_engine_error(self, engine: LlamaEngine) -> None:
        with pytest.raises(EngineError):
            list(engine.stream(ask("hello"), max_tokens=40, grammar="root ::= ((("))
        assert complete(engine, ask("hello"), max_tokens=2).completion_tokens == 2

    @pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan")])
    def test_temperature_out_of_range(self, engine: LlamaEngine, temperature: float) -> None:
        with pytest.raises(WrongUse, match="temperature"):
            complete(engine, ask("hello"), temperature=temperature)


class TestManners:
    def test_no_listener_on_the_network(self, engine: LlamaEngine) -> None:
        if not hasattr(socket, "AF_UNIX"):
            pytest.skip("no Unix sockets here")
        assert engine._backend is not None
        address = Path(engine._backend._server.listening_address.removeprefix("unix://"))
        assert address.is_socket()
        assert address.parent.stat().st_mode & 0o077 == 0

    def test_the_handlers_of_signals_stay_pythons(self, small: Path) -> None:
        seen = []
        before = signal.signal(signal.SIGTERM, lambda *_: seen.append("term"))
        try:
            with LlamaEngine(small, threads=1, context_tokens=512) as engine:
                signal.raise_signal(signal.SIGTERM)
                assert complete(engine, ask("hello"), max_tokens=2).completion_tokens == 2
        finally:
            signal.signal(signal.SIGTERM, before)
        assert seen == ["term"]

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX's timer of signals")
    def test_ctrl_c_while_the_model_loads_ends_the_loading(
        self, small: Path, tmp_path: Path
    ) -> None:
        code = (
            "import signal, sys\n"
            "from pathlib import Path\n"
            "from groundtone.chat.process import Backend, _library\n"
            "_library()\n"
            "ended = []\n"
            "for number in range(60):\n"
            "    try:\n"
            "        signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
            "        signal.setitimer(signal.ITIMER_REAL, 0.0005 * (number + 1))\n"
            "        backend = Backend(Path(sys.argv[1]), context=256)\n"
            "        signal.setitimer(signal.ITIMER_REAL, 0)\n"
            "        backend.close()\n"
            "    except KeyboardInterrupt:\n"
            "        ended.append(number)\n"
            "    finally:\n"
            "        signal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
            "assert len(ended) > 5, ended\n"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, str(small)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "TMPDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        assert list(tmp_path.iterdir()) == [], "no socket's folder is left"

    def test_nothing_is_printed_and_leaving_without_closing_ends(self, small: Path) -> None:
        code = (
            "import sys; from groundtone.chat.llama import LlamaEngine; "
            "from groundtone.chat import complete; "
            "engine = LlamaEngine(sys.argv[1], threads=1, context_tokens=256); "
            "complete(engine, [{'role': 'user', 'content': 'hello'}], max_tokens=3); "
            "stream = engine.stream([{'role': 'user', 'content': 'hello'}], max_tokens=100); "
            "next(stream)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, str(small)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


class TestOpening:
    def test_by_path(self, small: Path) -> None:
        engine = open_chat(f"gguf:{small}", threads=1, context_tokens=256)
        assert engine.context_tokens == 256
        assert complete(engine, ask("hello"), model=f"gguf:{small}", max_tokens=2).text is not None
        engine.close()

    @pytest.mark.parametrize(
        "name", ["", "gpt", "gguf:", "openai:", "http://host/v1", "all-minilm-l6-v2"]
    )
    def test_unknown_names_list_the_forms(self, name: str) -> None:
        with pytest.raises(WrongUse, match="gguf:PATH"):
            open_chat(name)

    def test_the_context_is_at_most_the_models(self, small: Path) -> None:
        with LlamaEngine(small, threads=1, context_tokens=100_000) as engine:
            assert engine.context_tokens == 512

    def test_another_architecture_can_be_served(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError):
            LlamaEngine(write_model(tmp_path / "odd.gguf", architecture="noarch"), threads=1)
