"""The remote engine: the contract against llama.cpp's HTTP server, and a server that misbehaves."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contracts.chat import ChatContract, ask
from groundtone import Workspace
from groundtone.chat import ChatEngine, complete, open_chat
from groundtone.chat.openai import OpenAIEngine
from groundtone.errors import EngineError, WrongUse


@contextlib.contextmanager
def served(small: Path, *, pure: bool) -> Iterator[str]:
    """llama.cpp's own HTTP server on the loopback, serving the small model.

    ``pure``: text as the model writes it, whatever it is; schemas are only followed without.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(small)
    params.n_ctx = 512
    params.cpuparams.n_threads = 1
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0
    params.fit_params = False
    params.warmup = False
    params.verbosity = -1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.force_pure_content_parser = pure
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(scope="module")
def address(small: Path) -> Iterator[str]:
    with served(small, pure=True) as address:
        yield address


class TestOpenAI(ChatContract):
    @pytest.fixture
    def engine(self, address: str) -> Iterator[ChatEngine]:
        engine = open_chat(f"{address}#small", context_tokens=512, parallel=2)
        yield engine
        engine.close()

    @pytest.fixture
    def fresh(self, address: str) -> Callable[[], ChatEngine]:
        return lambda: open_chat(f"{address}#small", context_tokens=512)

    @pytest.fixture
    def schema_engine(self, small: Path) -> Iterator[ChatEngine]:
        with served(small, pure=False) as address:
            yield open_chat(f"{address}#small", context_tokens=512)


class Scripted:
    """A server that answers from a list: a status with a body, or lines of an event stream.

    A number among the lines is a pause in seconds. A body of bytes is sent as a web page.
    """

    def __init__(self) -> None:
        self.script: list[tuple[int, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.requests.append(json.loads(self.rfile.read(length)))
                outer.keys.append(self.headers["Authorization"])
                status, body = outer.script.pop(0)
                self.send_response(status)
                if isinstance(body, list):
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    for event in body:
                        if isinstance(event, float):
                            outer.released.wait(event)
                            continue
                        with contextlib.suppress(OSError):
                            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                elif isinstance(body, bytes):
                    self.send_header("Content-Type", "text/html; charset=utf-8")
                    self.send_header("Retry-After-Ms", "1")
                    self.end_headers()
                    self.wfile.write(body)
                else:
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Retry-After-Ms", "1")
                    self.end_headers()
                    self.wfile.write(json.dumps({"error": {"message": body}}).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


def event(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }


GOOD = [event("Hel"), event("lo"), event(finish="stop")]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    monkeypatch.setenv("OPENAI_API_KEY", "for-openai-alone")
    monkeypatch.delenv("GROUNDTONE_API_KEY", raising=False)
    server = Scripted()
    yield server
    server.released.set()
    server.server.shutdown()
    server.server.server_close()


def test_retries_until_it_answers(scripted: Scripted) -> None:
    scripted.script = [(503, "starting"), (429, "slowly"), (200, GOOD)]
    engine = OpenAIEngine("m", base_url=scripted.url, retries=3)
    done = complete(engine, ask("hi"))
    assert (done.text, done.finish) == ("Hello", "stop")
    assert len(scripted.requests) == 3


def test_counts_are_estimated_where_the_server_sends_none(scripted: Scripted) -> None:
    scripted.script = [(200, GOOD)]
    engine = OpenAIEngine("m", base_url=scripted.url)
    done = complete(engine, ask("hi"))
    assert done.prompt_tokens == len(engine.tokens(engine.render(ask("hi")))) > 0
    assert done.completion_tokens == len(engine.tokens("Hello")) > 0


def test_the_servers_counts_are_taken(scripted: Scripted) -> None:
    usage = {
        "prompt_tokens": 11,
        "completion_tokens": 3,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 7},
    }
    scripted.script = [(200, [*GOOD, {**event(), "choices": [], "usage": usage}])]
    done = complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))
    assert (done.prompt_tokens, done.completion_tokens, done.cached_tokens) == (11, 3, 7)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (401, "bad key", "GROUNDTONE_API_KEY"),
        (403, "no", "GROUNDTONE_API_KEY"),
        (404, "no such model", "has no model 'm'"),
        (400, "maximum context length is 4096 tokens", "4096"),
        (400, "odd", "odd"),
    ],
)
def test_refusals_say_what_to_do(
    scripted: Scripted, status: int, message: str, expected: str
) -> None:
    scripted.script = [(status, message)]
    with pytest.raises(EngineError, match=expected):
        complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))


@pytest.mark.parametrize("status", [429, 500])
def test_it_gives_up_in_the_end(scripted: Scripted, status: int) -> None:
    scripted.script = [(status, "never")] * 3
    with pytest.raises(EngineError):
        complete(OpenAIEngine("m", base_url=scripted.url, retries=2), ask("hi"))
    assert len(scripted.requests) == 3


def test_an_answer_broken_off_is_an_error(scripted: Scripted) -> None:
    scripted.script = [(200, GOOD[:2])]
    with pytest.raises(EngineError, match="broke off"):
        complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))


def test_a_server_that_stalls_in_the_middle(scripted: Scripted) -> None:
    scripted.script = [(200, [*GOOD[:2], 30.0, GOOD[2]])]
    engine = OpenAIEngine("m", base_url=scripted.url, timeout=0.3)
    stream = engine.stream(ask("hi"))
    assert (next(stream), next(stream)) == ("Hel", "lo")
    begun = time.perf_counter()
    with pytest.raises(EngineError, match=r"nothing more for 0\.3 s.*timeout"):
        next(stream)
    assert time.perf_counter() - begun < 20
    assert len(scripted.requests) == 1, "what has begun is not asked again"


def test_a_server_that_never_begins(scripted: Scripted) -> None:
    scripted.script = [(200, [30.0, *GOOD])]
    engine = OpenAIEngine("m", base_url=scripted.url, timeout=0.3, retries=0)
    with pytest.raises(EngineError, match=r"0\.3 s.*timeout"):
        complete(engine, ask("hi"))


def test_the_time_out_is_a_setting(scripted: Scripted, tmp_path: Path) -> None:
    scripted.script = [(200, [GOOD[0], 30.0])]
    settings = f'[chat]\nmodel = "{scripted.url}#m"\ntimeout = 0.3\n'
    (tmp_path / "groundtone.toml").write_text(settings)
    with Workspace.open(tmp_path) as workspace, pytest.raises(EngineError, match=r"0\.3 s"):
        complete(workspace.chat, ask("hi"))


def test_closing_the_stream_of_a_slow_server_does_not_wait(scripted: Scripted) -> None:
    scripted.script = [(200, [GOOD[0], 30.0])]
    stream = OpenAIEngine("m", base_url=scripted.url).stream(ask("hi"))
    next(stream)
    begun = time.perf_counter()
    stream.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - begun < 20


PAGE = b"<!DOCTYPE html><html><body>" + b"<p>Sign in first.</p>" * 500 + b"</body></html>"


@pytest.mark.parametrize("status", [200, 400, 404, 502])
def test_a_web_page_is_no_answer(scripted: Scripted, status: int) -> None:
    scripted.script = [(status, PAGE)] * 2
    with pytest.raises(EngineError, match="web page") as raised:
        complete(OpenAIEngine("m", base_url=scripted.url, retries=1), ask("hi"))
    assert "/v1" in str(raised.value)
    assert len(str(raised.value)) < 300


def test_an_answer_that_is_no_stream_is_named(scripted: Scripted) -> None:
    scripted.script = [(200, "whole")]
    with pytest.raises(EngineError, match="application/json"):
        complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))


@pytest.mark.parametrize("broken", ["text", [1], {"choices": [{"delta": {"content": 5}}]}, {}])
def test_events_that_are_no_chunks_are_errors(scripted: Scripted, broken: Any) -> None:
    scripted.script = [(200, [GOOD[0], broken])]
    with pytest.raises(EngineError):
        complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))


@pytest.mark.parametrize(
    "lie",
    [
        {"prompt_tokens": -5, "completion_tokens": -1},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**12, "completion_tokens": 10**9},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": "many", "completion_tokens": 2.5},
        {"prompt_tokens": True, "completion_tokens": []},
        {},
    ],
)
def test_counts_that_cannot_be_are_replaced_by_ours(scripted: Scripted, lie: dict) -> None:
    usage = {**lie, "prompt_tokens_details": {"cached_tokens": -3}}
    scripted.script = [(200, [*GOOD, {**event(), "choices": [], "usage": usage}])]
    engine = OpenAIEngine("m", base_url=scripted.url)
    done = complete(engine, ask("hi"))
    assert done.prompt_tokens == len(engine.tokens(engine.render(ask("hi"))))
    assert done.completion_tokens == len(engine.tokens("Hello"))
    assert done.cached_tokens == 0


def test_more_cached_than_sent_cannot_be(scripted: Scripted) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    usage |= {"prompt_tokens_details": {"cached_tokens": 12}}
    scripted.script = [(200, [*GOOD, {**event(), "choices": [], "usage": usage}])]
    done = complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))
    assert (done.prompt_tokens, done.cached_tokens) == (11, 0)


def test_a_server_that_writes_on_is_cut(scripted: Scripted) -> None:
    scripted.script = [(200, [event("endless ") for _ in range(500)])]
    done = complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"), max_tokens=10)
    assert done.finish == "length"
    assert len(done.text) < 200


def test_nobody_there() -> None:
    engine = OpenAIEngine("m", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(EngineError, match="cannot be reached"):
        complete(engine, ask("hi"))


def test_openais_key_goes_to_openai_alone(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.script = [(200, GOOD), (200, GOOD)]
    complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))
    monkeypatch.setenv("GROUNDTONE_API_KEY", "for-this-one")
    complete(OpenAIEngine("m", base_url=scripted.url), ask("hi"))
    assert scripted.keys == ["Bearer none", "Bearer for-this-one"]


def test_openai_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        open_chat("openai:gpt-test")


def test_tuned_models_go_by_their_name(scripted: Scripted) -> None:
    scripted.script = [(200, GOOD), (200, GOOD)]
    engine = OpenAIEngine("m", base_url=scripted.url)
    complete(engine, ask("hi"))
    complete(engine, ask("hi"), model="ft:m:style:1")
    assert [request["model"] for request in scripted.requests] == ["m", "ft:m:style:1"]


def test_adapter_files_cannot_be_loaded(tmp_path: Path) -> None:
    engine = OpenAIEngine("m", base_url="http://127.0.0.1:9/v1")
    engine.load({})
    with pytest.raises(WrongUse):
        engine.load({"a": tmp_path / "a.gguf"})
