"""What every chat engine must do: inherit `ChatContract` and provide `engine`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundtone.chat import ChatEngine, Completion, Message, complete, complete_many
from groundtone.errors import EngineError, WrongUse


def ask(text: str, system: str = "Answer briefly.") -> list[Message]:
    """A conversation with one question."""
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


class ChatContract:
    """Inherit and override the fixtures.

    `engine` is shared by the tests of a class, `fresh` opens another one. The context must be
    512 tokens or less for `too_long` to be too long.
    """

    @pytest.fixture
    def engine(self) -> Iterator[ChatEngine]:
        raise NotImplementedError

    @pytest.fixture
    def fresh(self) -> Callable[[], ChatEngine]:
        raise NotImplementedError

    @pytest.fixture
    def schema_engine(self, engine: ChatEngine) -> Iterator[ChatEngine]:
        """One that follows schemas; override it where `engine` does not."""
        yield engine

    def test_it_is_an_engine(self, engine: ChatEngine) -> None:
        assert isinstance(engine, ChatEngine)
        assert engine.context_tokens > 0
        assert engine.parallel >= 1

    def test_pieces_join_to_the_answer(self, engine: ChatEngine) -> None:
        *pieces, done = engine.stream(ask("hello world"), max_tokens=12)
        assert isinstance(done, Completion)
        assert all(isinstance(piece, str) and piece for piece in pieces)
        assert "".join(str(piece) for piece in pieces) == done.text != ""
        assert 0 < done.first_token_ms <= done.total_ms

    def test_usage_is_counted(self, engine: ChatEngine) -> None:
        messages = ask("hello world")
        done = complete(engine, messages, max_tokens=5)
        if engine.exact_tokens:
            assert done.prompt_tokens == len(engine.tokens(engine.render(messages)))
        assert done.prompt_tokens > 0
        assert 1 <= done.completion_tokens <= 5
        assert 0 <= done.cached_tokens < done.prompt_tokens

    def test_greedy_answers_repeat(self, engine: ChatEngine) -> None:
        answers = {complete(engine, ask("hello again"), max_tokens=16).text for _ in range(3)}
        assert len(answers) == 1

    def test_the_same_seed_gives_the_same_answer(self, engine: ChatEngine) -> None:
        def draw(seed: int) -> str:
            return complete(engine, ask("hello"), max_tokens=16, temperature=1.0, seed=seed).text

        assert draw(7) == draw(7)
        assert len({draw(seed) for seed in range(6)}) > 1

    def test_max_tokens_ends_the_answer(self, engine: ChatEngine) -> None:
        long = complete(engine, ask("hello"), max_tokens=8)
        short = complete(engine, ask("hello"), max_tokens=2)
        assert short.completion_tokens <= 2
        assert long.text.startswith(short.text)
        if short.completion_tokens == 2:
            assert short.finish in ("length", "stop")
        with pytest.raises(WrongUse):
            complete(engine, ask("hello"), max_tokens=0)

    def test_a_stop_string_ends_the_answer_and_is_not_in_it(self, engine: ChatEngine) -> None:
        whole = complete(engine, ask("hello"), max_tokens=16).text
        mark = whole[len(whole) // 2]
        done = complete(engine, ask("hello"), max_tokens=16, stop=[mark])
        assert done.text == whole[: whole.index(mark)]
        assert done.finish == "stop"

    def test_a_schema_is_followed(self, schema_engine: ChatEngine) -> None:
        colour = {"enum": ["red", "blue"]}
        done = complete(schema_engine, ask("hello"), max_tokens=100, json_schema=colour)
        assert json.loads(done.text) in ("red", "blue")

    @pytest.mark.parametrize(
        "text", ["", " ", "Grüße aus 東京 👩‍🚀", "\x00\x07 <|im_end|> \\n \"'"]
    )
    def test_any_text_is_answered(self, engine: ChatEngine, text: str) -> None:
        done = complete(engine, ask(text), max_tokens=4)
        assert done.prompt_tokens > 0

    @pytest.mark.parametrize(
        "messages",
        [[], [{"role": "user"}], [{"content": "x"}], [{"role": "user", "content": None}]],
    )
    def test_malformed_messages_are_wrong_use(self, engine: ChatEngine, messages: list) -> None:
        with pytest.raises(WrongUse):
            complete(engine, messages)

    def test_a_prompt_over_the_context_says_so(self, engine: ChatEngine) -> None:
        with pytest.raises(EngineError, match=r"\d+.*tokens|tokens.*\d+"):
            complete(engine, ask("hello 1 2 3 " * 200), max_tokens=4)
        assert complete(engine, ask("hello"), max_tokens=2).text is not None

    def test_requests_at_once_get_their_own_answers(self, engine: ChatEngine) -> None:
        questions = [ask(f"hello number {number}") for number in range(6)]
        alone = [complete(engine, question, max_tokens=8).text for question in questions]
        with ThreadPoolExecutor(6) as pool:
            together = list(
                pool.map(lambda question: complete(engine, question, max_tokens=8).text, questions)
            )
        assert together == alone
        many = complete_many(engine, questions, max_tokens=8)
        assert [done.text for done in many] == alone

    def test_closing_a_stream_stops_the_work(self, engine: ChatEngine) -> None:
        stream = engine.stream(ask("hello"), max_tokens=400)
        next(stream)
        begun = time.perf_counter()
        stream.close()  # type: ignore[attr-defined]
        assert time.perf_counter() - begun < 20
        done = complete(engine, ask("hello"), max_tokens=2)
        assert done.total_ms < 20_000

    def test_an_unread_stream_blocks_nobody(self, engine: ChatEngine) -> None:
        streams = [engine.stream(ask("hello"), max_tokens=4) for _ in range(engine.parallel + 2)]
        for stream in streams:
            next(stream)
        assert complete(engine, ask("hello"), max_tokens=2).text is not None

    def test_close_twice_and_then_refuse(self, fresh: Callable[[], ChatEngine]) -> None:
        engine = fresh()
        complete(engine, ask("hello"), max_tokens=2)
        engine.close()
        engine.close()
        with pytest.raises(EngineError, match="closed"):
            complete(engine, ask("hello"), max_tokens=2)

    def test_close_ends_what_is_in_progress(self, fresh: Callable[[], ChatEngine]) -> None:
        engine = fresh()
        ended = threading.Event()

        def work() -> None:
            try:
                complete(engine, ask("hello"), max_tokens=400)
            except EngineError:
                pass
            finally:
                ended.set()

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.1)
        engine.close()
        assert ended.wait(60)
        worker.join()
