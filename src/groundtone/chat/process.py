"""One xllamacpp server: started quietly and privately, asked, cancelled, stopped."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import http.client
import json
import os
import queue
import secrets
import signal
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from groundtone.errors import EngineError

BATCH = 64
"""Prompt tokens read at once: a piece, of which only whole ones are used again, and after each of
which a cancelled request stops. Measured, without flash attention: 64 and 256 read 159 and 154
tokens per second of one core, 512 reads 134; with it 64 and 128 read 169 and 179."""


_open: weakref.WeakSet[Backend] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Stop what is still running: Python ends a thread that is inside the library by aborting."""
    for backend in list(_open):
        backend.close()


class Backend:
    """llama.cpp with one model and its adapters, all adapters off unless a request says so.

    xllamacpp always opens an HTTP listener. Ours is a Unix socket in a folder that only this user
    may enter (on Windows: a random port of the loopback), and it wants a random key. Requests do
    not go through it but through the library.

    Args:
        model: the GGUF file.
        adapters: GGUF adapters; their numbers are their places in this list.
        slots: requests worked on at once.
        context: tokens for prompt and answer of each slot.
        threads: CPU threads.
    """

    def __init__(
        self,
        model: Path,
        *,
        adapters: Sequence[Path] = (),
        slots: int = 1,
        context: int = 8192,
        threads: int = 1,
    ) -> None:
        xllamacpp = _library()
        for path in (model, *adapters):
            if not path.is_file():
                raise EngineError(f"{path} does not exist.", "Check the path.")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._key = secrets.token_hex(16)
        self._cancelled = threading.Event()
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in adapters
        ]
        params.n_parallel = slots
        params.n_ctx = context * slots
        params.kv_unified = False  # else sums run over what other slots hold, too
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.n_batch = params.n_ubatch = BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.n_gpu_layers = 0
        params.fit_params = False
        params.warmup = False
        params.cache_ram_mib = 0  # keyed by tokens alone: hands one adapter's state to another
        params.slot_prompt_similarity = 0.0
        params.n_ctx_checkpoints = 0
        params.ctx_shift = False
        params.verbosity = -1
        params.ui = False
        params.endpoint_slots = False
        params.endpoint_metrics = True  # for `_start`
        params.n_threads_http = 2
        params.sse_ping_interval = 1 << 30
        params.api_keys = [self._key]
        params.port = 0
        self._workers: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._server: Any = None
        try:
            self._start(params)
        except RuntimeError as error:
            what = ", ".join(path.name for path in (model, *adapters))
            raise EngineError(
                f"llama.cpp cannot load {what}.",
                "Check that the file is whole and that each adapter was made for this model.",
            ) from error
        _open.add(self)

    def _start(self, params: Any) -> None:
        """Start the server in a thread of its own, where no Ctrl-C can end it half-started.

        xllamacpp's constructor returns before the server's loop runs. A server that is freed
        between the two is told to stop before it begins, begins all the same, and is waited for
        without end. Ctrl-C, which had waited for the constructor, would do just that; but Python
        raises it in the main thread only.
        """
        failed: list[BaseException] = []

        def run() -> None:
            try:
                server = self._made(params)
                server.handle_metrics()  # the loop tells them: from now on it runs
                self._server = server
            except BaseException as error:
                failed.append(error)
            if failed or self._cancelled.is_set():
                self.close()

        starting = threading.Thread(target=run, name="groundtone-start")
        try:
            starting.start()
            starting.join()
        except BaseException:
            self.close()  # now, or by the thread itself when it is done
            raise
        if failed:
            raise failed.pop()

    def _made(self, params: Any) -> Any:
        self._folder = tempfile.TemporaryDirectory(prefix="groundtone-", ignore_cleanup_errors=True)
        own = str(Path(self._folder.name, "s.sock"))
        params.hostnames = [own if hasattr(socket, "AF_UNIX") else "127.0.0.1"]
        with _keeping_signal_handlers():
            return _library().Server(params)

    def complete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer at once, without streaming."""
        answer: dict[str, Any] = self._server.handle_completions({**request, "stream": False})
        _raise_error(answer)
        return answer

    def stream(
        self, requests: Sequence[dict[str, Any]], *, ended: Callable[[bool], None]
    ) -> Iterator[dict[str, Any]]:
        """Yield the server's events; closing the iterator stops the work at the next batch.

        Args:
            requests: made one after the other; the events are those of the last one.
            ended: called once when the work is over, even if nobody reads the events any more:
                whether the server read the whole prompt, and did not refuse or fail.
        """
        events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stopped = threading.Event()
        good, whole = True, False

        def receive(event: dict[str, Any], *, forward: bool) -> bool:
            nonlocal good, whole
            if _error(event) is not None:
                good, forward = False, True
            whole = forward and (whole or "prompt_progress" not in event)
            if forward or event.get("usage"):
                events.put(event | {"forward": forward})
            return stopped.is_set() or self._cancelled.is_set()

        def work() -> None:
            nonlocal good
            final: BaseException | None = None
            try:
                for number, request in enumerate(requests, start=1):
                    if not good or stopped.is_set() or self._cancelled.is_set():
                        break
                    self._server.handle_completions(
                        {
                            **request,
                            "stream": True,
                            "stream_options": {"include_usage": True},
                            "return_progress": True,  # so that `receive` can stop the reading, too
                        },
                        partial(receive, forward=number == len(requests)),
                    )
            except BaseException as error:
                final, good = error, False
            finally:
                ended(whole and good)
                events.put(final)

        worker = threading.Thread(target=work, name="groundtone-llama", daemon=True)
        self._workers.add(worker)
        worker.start()
        try:
            while (event := events.get()) is not None:
                if isinstance(event, BaseException):
                    raise EngineError(f"llama.cpp failed: {event}.") from event
                _raise_error(event)
                yield event
        finally:
            stopped.set()
            worker.join()

    def tokenize(self, text: str) -> list[int]:
        """Return llama.cpp's own ids of `text`, special tokens parsed, none added."""
        answer = self._post(
            "/tokenize", {"content": text, "add_special": False, "parse_special": True}
        )
        return [int(token) for token in answer["tokens"]]

    def cancel(self) -> None:
        """Make all requests in progress end at their next event."""
        self._cancelled.set()

    def close(self) -> None:
        """End the requests in progress, stop the server and free the model."""
        self.cancel()
        for worker in list(self._workers):
            if worker is not threading.current_thread():
                worker.join()
        _open.discard(self)
        self._server = None
        if self._folder is not None:
            self._folder.cleanup()

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        address: str = self._server.listening_address
        connection: http.client.HTTPConnection
        if address.startswith("unix://"):
            connection = _UnixConnection(address.removeprefix("unix://"))
        else:
            connection = http.client.HTTPConnection(address.split("://")[-1], timeout=60)
        try:
            connection.request(
                "POST",
                path,
                json.dumps(body),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
            )
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"The local engine does not answer: {error}.") from error
        finally:
            connection.close()
        _raise_error(answer)
        return answer


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _error(answer: dict[str, Any]) -> str | None:
    error = answer.get("error") or (answer if "message" in answer and "code" in answer else None)
    return str(error.get("message", error)) if error else None


def _raise_error(answer: dict[str, Any]) -> None:
    error = _error(answer)
    if error:
        raise EngineError(f"llama.cpp refused the request: {error}.")


def _library() -> Any:
    """Import xllamacpp so that its waiting threads spin briefly, then sleep.

    libgomp reads the variable when it is loaded, and by default lets a thread that waits for
    another burn the core which that one needs. Measured with 2 threads on 2 idle cores, tokens a
    second read and written: 257 and 59 after short spinning, 177 and 20 asleep; beside other work
    19 and 38 were written. Set for the loading only, so that child processes do not inherit it.
    """
    name = "GOMP_SPINCOUNT"
    chosen = name in os.environ or "OMP_WAIT_POLICY" in os.environ
    if not chosen:
        os.environ[name] = "2000"
    try:
        import xllamacpp
    finally:
        if not chosen:
            os.environ.pop(name, None)
    return xllamacpp


@contextlib.contextmanager
def _keeping_signal_handlers() -> Iterator[None]:
    """Put back the handlers of SIGINT and SIGTERM, which xllamacpp takes for itself.

    With its own, Ctrl-C would stop the server under Python's feet, and a second one would end the
    process. Done in C because Python lets only its main thread set handlers.
    """
    if os.name != "posix":
        yield
        return
    libc = ctypes.CDLL(None)
    kept = {number: ctypes.create_string_buffer(512) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, action in kept.items():
        libc.sigaction(int(number), None, action)
    try:
        yield
    finally:
        for number, action in kept.items():
            libc.sigaction(int(number), action, None)
