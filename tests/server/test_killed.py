"""Killed, or told to end, while files are taken in or answers are streamed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from tests.server.serving import Served, served
from tests.server.stubbed import Stubbed, start, stop, until

from groundtone import Workspace

pytestmark = pytest.mark.slow


class HandingIn(threading.Thread):
    """Uploads files and takes them into a collection, one by one and in batches, until it fails."""

    def __init__(self, server: Stubbed, store: str) -> None:
        super().__init__()
        self.client = server.client()
        self.store = store
        self.acknowledged: dict[str, str] = {}
        self.batches: list[str] = []
        self.fault: Exception | None = None

    def run(self) -> None:
        number = 0
        try:
            while True:
                made = []
                for _ in range(2):
                    number += 1
                    text = f"# Berth {number}\n\nBerth {number} is kept for the boat Wren{number}."
                    name = f"berth-{number}.md"
                    file = self.client.files.create(
                        file=(name, text.encode()), purpose="assistants"
                    )
                    made.append((file.id, name))
                if number % 4:
                    for id, name in made:
                        self.client.vector_stores.files.create(self.store, file_id=id)
                        self.acknowledged[id] = name
                else:
                    batch = self.client.vector_stores.file_batches.create(
                        self.store, file_ids=[id for id, _ in made]
                    )
                    self.batches.append(batch.id)
                    self.acknowledged |= dict(made)
        except openai.OpenAIError as error:
            self.fault = error


def test_a_worker_and_then_all_of_it_killed_while_files_are_taken_in(
    tmp_path: Path, minilm: object
) -> None:
    folder = tmp_path / "kb"
    Workspace.create(folder).close()
    server = start(folder)
    try:
        store = server.client().vector_stores.create(name="Harbour")
        first = HandingIn(server, store.id)
        first.start()
        until(lambda: len(first.acknowledged) >= 4, 300)
        worker = server.worker_pid()
        os.kill(worker, signal.SIGKILL)
        until(lambda: server.worker_pid() != worker, 300)
        known = len(first.acknowledged)
        until(lambda: len(first.acknowledged) > known, 300)  # the server goes on meanwhile

        both = (server.worker_pid(), server.process.pid)
        for pid in both:
            os.kill(pid, signal.SIGKILL)
        first.join(60)
        assert isinstance(first.fault, openai.APIConnectionError)
        server.process.wait(30)

        server = start(folder)
        client = server.client()

        def done() -> bool:
            counts = client.vector_stores.retrieve(store.id).file_counts
            return counts.in_progress == 0 and counts.completed >= len(first.acknowledged)

        until(done, 300)
        states = {file.id: file.status for file in client.vector_stores.files.list(store.id)}
        assert {states.get(id) for id in first.acknowledged} == {"completed"}
        for batch in first.batches:
            told = client.vector_stores.file_batches.retrieve(batch, vector_store_id=store.id)
            assert told.file_counts.completed == told.file_counts.total == 2
        last, name = list(first.acknowledged.items())[-1]
        number = name.removesuffix(".md").partition("-")[2]
        found = client.vector_stores.search(store.id, query=f"Which boat has berth {number}?")
        assert last in [result.file_id for result in found.data]
    finally:
        stop(server)


def test_a_stream_is_drained_when_the_server_ends_and_broken_off_when_it_is_killed(
    tmp_path: Path, smollm: Path
) -> None:
    folder = tmp_path / "kb"
    Workspace.create(folder).close()

    def begun(server: Served, tokens: int) -> Iterator[ChatCompletionChunk]:
        stream = server.client().chat.completions.create(
            model="base",
            messages=[{"role": "user", "content": "Tell me a long story about the sea."}],
            max_tokens=tokens,
            temperature=0,
            stream=True,
        )
        pieces = iter(stream)
        while not next(pieces).choices[0].delta.content:
            pass
        return pieces

    with served(folder, "--no-worker") as server:
        pieces = begun(server, 40)
        server.process.send_signal(signal.SIGTERM)
        assert [piece.choices[0].finish_reason for piece in pieces][-1] in ("stop", "length")
        assert server.process.wait(60) == 0
        with pytest.raises(openai.APIConnectionError):
            server.client().models.list()
    with served(folder, "--no-worker") as server:
        pieces = begun(server, 2000)
        server.process.kill()
        with pytest.raises((openai.APIError, httpx.HTTPError)):
            list(pieces)
