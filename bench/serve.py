"""Many clients at once: the server's streams beside the bare engine's, and searches over HTTP.

    python bench/serve.py WORKSPACE --clients 64 --seconds 60

The bare engine answers the same prompts with as many threads as it serves at once, in a process
of its own, before and after the server; the ratio is that of tokens written a second. Needs the
extra `serve` and a synced workspace. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx

from groundtone import Workspace
from groundtone.chat import Completion

QUESTIONS = (
    "Name three colours.",
    "What is a good name for a cat?",
    "Say something about rain.",
    "Count from one to ten.",
)
TOKENS = 32


def bare(folder: Path, seconds: float) -> dict[str, float]:
    """Tokens a second of the engine alone, kept as busy as it can be."""
    written: list[int] = []
    with Workspace.open(folder) as workspace:
        engine = workspace.chat
        end = time.perf_counter() + seconds

        def ask(number: int) -> None:
            for question in itertools.islice(itertools.cycle(QUESTIONS), number, None):
                if time.perf_counter() > end:
                    return
                messages = [{"role": "user", "content": question}]
                events = engine.stream(messages, max_tokens=TOKENS, temperature=0.0)
                with closing(cast(Any, events)):
                    written.extend(
                        event.completion_tokens for event in events if isinstance(event, Completion)
                    )

        began = time.perf_counter()
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(engine.parallel)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
    return {"tokens_per_s": round(sum(written) / took, 1), "answers": len(written)}


async def streams(url: str, clients: int, seconds: float) -> dict[str, Any]:
    """As many clients, each asking again as soon as it was answered."""
    firsts: list[float] = []
    errors: list[str] = []
    written = 0
    limits = httpx.Limits(max_connections=clients + 4)

    async def client(http: httpx.AsyncClient, number: int) -> None:
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
            first = 0.0
            try:
                async with http.stream("POST", f"{url}/chat/completions", json=body) as answer:
                    if answer.status_code != 200:
                        errors.append(str(answer.status_code))
                        return
                    async for line in answer.aiter_lines():
                        if not line.startswith("data: {"):
                            continue
                        piece = json.loads(line[6:])
                        if "error" in piece:
                            errors.append(piece["error"]["message"])
                        if piece.get("usage"):
                            written += piece["usage"]["completion_tokens"]
                        elif not first and piece["choices"][0]["delta"].get("content"):
                            first = time.perf_counter() - began
                            firsts.append(first)
            except httpx.HTTPError as error:
                errors.append(repr(error))

    async with httpx.AsyncClient(timeout=600, limits=limits) as http:
        model = (await http.get(f"{url}/models")).json()["data"][0]["id"]
        began = time.perf_counter()
        end = began + seconds
        healthy: list[float] = []
        watching = asyncio.create_task(health(url.removesuffix("/v1"), healthy))
        await asyncio.gather(*(client(http, number) for number in range(clients)))
        took = time.perf_counter() - began
        watching.cancel()
    return {
        "tokens_per_s": round(written / took, 1),
        "answers": len(firsts),
        "errors": errors[:5],
        "first_token_s": {
            "median": round(statistics.median(firsts), 2),
            "slowest": round(max(firsts), 2),
        },
        "health_ms": {"p99": round(_part(healthy, 0.99) * 1000, 1), "asked": len(healthy)},
    }


async def health(root: str, told: list[float]) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        while True:
            began = time.perf_counter()
            await http.get(f"{root}/health")
            told.append(time.perf_counter() - began)
            await asyncio.sleep(0.2)


async def searches(url: str, clients: int, seconds: float) -> dict[str, Any]:
    """Searches of the default collection."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def client(http: httpx.AsyncClient, number: int) -> None:
        for count in itertools.count(number):
            began = time.perf_counter()
            if began > end:
                return
            body = {"query": f"{QUESTIONS[count % 4]} {count}", "max_num_results": 5}
            answer = await http.post(f"{url}/vector_stores/vs_default/search", json=body)
            answer.raise_for_status()
            took.append(time.perf_counter() - began)

    async with httpx.AsyncClient(timeout=60) as http:
        began = time.perf_counter()
        await asyncio.gather(*(client(http, number) for number in range(clients)))
        all_took = time.perf_counter() - began
    return {
        "per_s": round(len(took) / all_took, 1),
        "p50_ms": round(_part(took, 0.5) * 1000, 1),
        "p95_ms": round(_part(took, 0.95) * 1000, 1),
    }


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process, where the system tells it."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def served(folder: Path, clients: int, seconds: float) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "groundtone.cli.main", "serve", "--workspace", str(folder),
         "--port", "0", "--no-pages", "--no-worker", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        asyncio.run(streams(url, 2, 2))  # models opened
        before = memory_mb(process.pid)
        told = {"streams": asyncio.run(streams(url, clients, seconds))}
        told["searches"] = asyncio.run(searches(url, 8, seconds / 2))
        told["memory_mb"] = {"before": before, "after": memory_mb(process.pid)}
        return told
    finally:
        process.terminate()
        process.wait(60)


def _part(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        print(json.dumps(bare(given.workspace, given.seconds)))
        return

    def alone() -> dict[str, Any]:
        command = [sys.executable, __file__, str(given.workspace), "--bare"]
        command += ["--seconds", str(given.seconds / 2)]
        told: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
        return told

    before = alone()
    server = served(given.workspace, given.clients, given.seconds)
    after = alone()
    engine = (before["tokens_per_s"] + after["tokens_per_s"]) / 2
    print(
        json.dumps(
            {
                "clients": given.clients,
                "engine": [before, after],
                **server,
                "ratio": round(server["streams"]["tokens_per_s"] / engine, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
