"""Many clients at once: streams beside the bare engine's, searches, long use, and tuning beside.

    python bench/serve.py WORKSPACE --searched BIG --examples examples/style.jsonl

Four parts, each with a server of its own in a process of its own:

* ``streams``: as many clients as ``--clients`` says, each asking again as soon as it was answered.
  ``ratio`` is tokens written a second by those of the bare engine, which is asked the same by as
  many threads in a process of its own, before and after. ``fair`` is the slowest first token by
  the median one.
* ``searches``: of ``BIG`` (a workspace of 100,000 passages: `bench/search.py` makes one), each
  question another. ``memory_mb`` is what the server and the processes that search for it need
  together (PSS); ``--processes`` says how many these are.
* ``long_use``: the server's resident memory over ``--requests`` requests of several kinds.
* ``tuning``: how long ``/health`` takes while a job trains. Trains on a copy of the workspace.

The clients speak HTTP by hand, since they share the cores with what they measure. Needs the extra
`serve` (`tuning` also `tune`) and a synced workspace. Prints one JSON object; about nine minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from groundtone import Workspace
from groundtone.chat import Completion
from shared_memory import held_mb

QUESTIONS = (
    "Name three colours.",
    "What is a good name for a cat?",
    "Say something about rain.",
    "Count from one to ten.",
)
TOKENS = 32
PARTS = ("streams", "searches", "long_use", "tuning")
SEARCHERS = 8  # clients at once, as many as the server has threads for searches
WARM_S = 60  # a server that is searched often reads a large table into memory meanwhile


def bare(folder: Path, clients: int, seconds: float) -> dict[str, float]:
    """Tokens a second of the engine alone, asked by as many threads as there are clients."""
    written: list[int] = []
    with Workspace.open(folder) as workspace:
        engine = workspace.chat
        end = time.perf_counter() + seconds

        def ask(number: int) -> None:
            for question in itertools.islice(itertools.cycle(QUESTIONS), number % 4, None):
                if time.perf_counter() > end:
                    return
                messages = [{"role": "user", "content": question}]
                events = engine.stream(messages, max_tokens=TOKENS, temperature=0.0)
                with closing(cast(Any, events)):
                    written.extend(
                        event.completion_tokens for event in events if isinstance(event, Completion)
                    )

        took = _together(ask, clients)
    return {"tokens_per_s": round(sum(written) / took, 1), "answers": len(written)}


# -- the server, and clients of it -----------------------------------------------------------


@dataclass
class Server:
    """A server in a process of its own, while `serving` is entered."""

    process: subprocess.Popen[str]
    host: str
    port: int

    def memory_mb(self) -> float:
        """Resident memory; 0 where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return 0.0
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return round(int(line.split()[1]) / 1024, 1)

    def caller(self) -> Callable[..., Any]:
        """A client with a connection of its own: method, path and body to the JSON answered."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=600)

        def call(method: str, path: str, body: Any = None, headers: Any = None) -> Any:
            sent = body if isinstance(body, bytes) or body is None else json.dumps(body)
            told = {"content-type": "application/json", **(headers or {})}
            connection.request(method, path, sent, told)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
            return json.loads(text)

        return call


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", "serve", "--workspace", str(folder),
         "--port", "0", "--no-pages", "--json", *options],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        place = urlsplit(json.loads(process.stdout.readline())["url"])
        yield Server(process, str(place.hostname), int(place.port or 0))
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def watched(server: Server, pause: float = 0.1) -> Iterator[list[float]]:
    """How long ``/health`` takes, again and again, until the block ends."""
    told: list[float] = []
    done = threading.Event()
    call = server.caller()

    def watch() -> None:
        while not done.wait(pause):
            began = time.perf_counter()
            call("GET", "/health")
            told.append(time.perf_counter() - began)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield told
    finally:
        done.set()
        thread.join()


# -- streams ---------------------------------------------------------------------------------


async def streamed(server: Server, clients: int, seconds: float, model: str) -> dict[str, Any]:
    """As many clients, each asking again as soon as it was answered."""
    firsts: list[float] = []
    errors: list[str] = []
    written = 0
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        nonlocal written
        for question in itertools.islice(itertools.cycle(QUESTIONS), number % 4, None):
            began = time.perf_counter()
            if began > end:
                return
            body = {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "max_tokens": TOKENS,
                "temperature": 0,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
            first, tokens = 0.0, 0
            async for line in _lines(server, body):
                if line.startswith(b"data: {") and b'"error":' in line[:12]:
                    errors.append(line.decode())
                elif not first and b'"content":"' in line and b'"content":""' not in line:
                    first = time.perf_counter() - began
                elif b'"usage":{' in line:
                    tokens = json.loads(line[6:])["usage"]["completion_tokens"]
                elif line.startswith(b"HTTP/1.1") and b" 200 " not in line:
                    errors.append(line.decode())
            if not tokens:
                errors.append("an answer did not end")
            written += tokens
            firsts.append(first)

    began = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    median = statistics.median(firsts)
    return {
        "tokens_per_s": round(written / (time.perf_counter() - began), 1),
        "answers": len(firsts),
        "errors": len(errors),
        "first_errors": errors[:3],
        "first_token_s": {"median": round(median, 2), "slowest": round(max(firsts), 2)},
        "fair": round(max(firsts) / median, 2),
    }


async def _lines(server: Server, body: Any) -> Any:
    """The lines of a streamed answer, its head included."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    sent = json.dumps(body).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent
    )
    try:
        while line := await reader.readline():
            yield line
    finally:
        writer.close()


def plain_model(server: Server) -> str:
    """The base model's name, which no documents are behind."""
    listed = server.caller()("GET", "/v1/models")["data"]
    return next(str(one["id"]) for one in listed if one["id"].partition(":")[0] != "docs")


def streams(folder: Path, clients: int, seconds: float) -> dict[str, Any]:
    def alone() -> dict[str, Any]:
        command = [sys.executable, __file__, str(folder), "--bare", "--clients", str(clients)]
        command += ["--seconds", str(seconds / 2)]
        told: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
        return told

    before = alone()
    with serving(folder, "--no-worker") as server:
        model = plain_model(server)
        asyncio.run(streamed(server, 2, 1, model))
        with watched(server) as health:
            told = asyncio.run(streamed(server, clients, seconds, model))
    after = alone()
    engine = (before["tokens_per_s"] + after["tokens_per_s"]) / 2
    ratio = round(told["tokens_per_s"] / engine, 3)
    return {**told, "health": _times(health), "bare": [before, after], "ratio": ratio}


# -- searches --------------------------------------------------------------------------------


def searches(folder: Path, seconds: float) -> dict[str, Any]:
    asked = questions(folder)
    took: list[float] = []
    with serving(folder, "--no-worker") as server:

        def client(until: float, told: list[float]) -> None:
            call = server.caller()
            while (began := time.perf_counter()) < until:
                body = {"query": next(asked), "max_num_results": 5}
                call("POST", "/v1/vector_stores/vs_default/search", body)
                told.append(time.perf_counter() - began)

        _together(lambda _: client(time.perf_counter() + WARM_S, []), SEARCHERS)
        all_took = _together(lambda _: client(time.perf_counter() + seconds, took), SEARCHERS)
        memory = round(held_mb(server.process.pid), 1)
    with Workspace.open(folder) as workspace:
        passages = workspace.catalog.counts()[1]
    return {
        "passages": passages,
        "clients": SEARCHERS,
        "per_s": round(len(took) / all_took, 1),
        **_times(took),
        "memory_mb": memory,
    }


def questions(folder: Path) -> Iterator[str]:
    """Words out of the documents, each time others; safe to take from any thread."""
    chosen = random.Random(0)
    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        documents = catalog.documents()
        some = chosen.sample(documents, min(300, len(documents)))
        words = [word for one in some for word in catalog.text(one.version, 0, 2000).split()]
    made = [" ".join(words[at : at + 9]) for at in range(0, len(words) - 9, 3)]
    chosen.shuffle(made)
    return itertools.cycle(made)


# -- long use, and tuning --------------------------------------------------------------------


def long_use(folder: Path, requests: int) -> dict[str, Any]:
    """Memory after each tenth of many requests; the first tenth opens what is opened once."""
    asked = questions(folder)
    memory: list[float] = []
    with serving(folder, "--no-worker") as server:
        model = plain_model(server)

        def some(number: int, count: int) -> None:
            call = server.caller()
            for at in range(number, count, SEARCHERS):
                if at % 250 == 0:
                    said = [{"role": "user", "content": next(asked)}]
                    body = {"model": model, "messages": said, "max_tokens": 4}
                    call("POST", "/v1/chat/completions", body)
                elif at % 5 == 0:
                    body = {"model": "all-minilm-l6-v2", "input": next(asked)}
                    call("POST", "/v1/embeddings", body)
                elif at % 5 == 1:
                    call("GET", "/v1/models")
                else:
                    body = {"query": next(asked), "max_num_results": 5}
                    call("POST", "/v1/vector_stores/vs_default/search", body)

        began = time.perf_counter()
        for _ in range(10):
            _together(lambda number: some(number, requests // 10), SEARCHERS)
            memory.append(server.memory_mb())
        took = time.perf_counter() - began
    later = memory[1:]
    return {
        "requests": requests,
        "per_s": round(requests / took, 1),
        "memory_mb": memory,
        "growth_mb": round(later[-1] - later[0], 1),
    }


def tuning(folder: Path, examples: Path, seconds: float) -> dict[str, Any]:
    """`/health` while a job of the API trains, from its first step on."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "kb"
        shutil.copytree(folder, copy)
        with serving(copy) as server:
            call = server.caller()
            file = call(
                "POST", "/v1/files", *_form(examples.read_bytes(), "train.jsonl", "fine-tune")
            )
            body = {"model": "base", "training_file": file["id"]}
            body |= {"hyperparameters": {"n_epochs": 20}}  # type: ignore[dict-item]
            job = f"/v1/fine_tuning/jobs/{call('POST', '/v1/fine_tuning/jobs', body)['id']}"
            began = time.perf_counter()
            while not steps(call, job):
                state = call("GET", job)
                if state["error"] or time.perf_counter() - began > 600:
                    raise RuntimeError(f"the job did not train: {state}")
                time.sleep(0.5)
            first = steps(call, job)
            with watched(server, 0.05) as health:
                time.sleep(seconds)
            told = {**_times(health), "asked": len(health), "steps": steps(call, job) - first}
            call("POST", f"{job}/cancel")
            while call("GET", job)["status"] != "cancelled":
                time.sleep(0.2)
    return told


def steps(call: Callable[..., Any], job: str) -> int:
    """Steps that a job has told of, at most the last hundred events'."""
    told = call("GET", f"{job}/events?limit=100")["data"]
    return max([int(event["data"].get("step", 0)) for event in told], default=0)


def _form(content: bytes, name: str, purpose: str) -> tuple[bytes, dict[str, str]]:
    """A form with a file in it: its bytes and the headers to send."""
    head = (
        '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n'
        f"{purpose}\r\n--b\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    ).encode()
    return head + content + b"\r\n--b--\r\n", {"content-type": "multipart/form-data; boundary=b"}


def _together(work: Callable[[int], object], count: int) -> float:
    """Work in so many threads at once; how long all took, in seconds."""
    faults: list[BaseException] = []

    def one(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            faults.append(error)

    began = time.perf_counter()
    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return time.perf_counter() - began


def _times(told: list[float]) -> dict[str, float]:
    """Milliseconds: the median, and what 95 and 99 of a hundred stayed under."""
    ordered = sorted(told)
    return {
        f"p{part}_ms": round(ordered[min(len(told) - 1, len(told) * part // 100)] * 1000, 1)
        for part in (50, 95, 99)
        if told
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--searched", type=Path, help="another workspace for the searches")
    parser.add_argument("--examples", type=Path, help="training file; without it, no tuning")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--processes", type=int, help="that search; not given: as it is set")
    parser.add_argument("--only", choices=PARTS, nargs="*", default=PARTS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder, seconds = given.workspace, given.seconds
    if given.processes is not None:
        os.environ["GROUNDTONE_RETRIEVAL__PROCESSES"] = str(given.processes)
    if given.bare:
        print(json.dumps(bare(folder, given.clients, seconds)))
        return
    told: dict[str, Any] = {"clients": given.clients, "seconds": seconds}
    if "streams" in given.only:
        told["streams"] = streams(folder, given.clients, seconds)
    if "searches" in given.only:
        told["searches"] = searches(given.searched or folder, seconds / 2)
    if "long_use" in given.only:
        told["long_use"] = long_use(folder, given.requests)
    if "tuning" in given.only and given.examples:
        told["tuning"] = tuning(folder, given.examples, seconds / 2)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
