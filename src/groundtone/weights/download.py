"""One file over HTTP, going on where a cut download stopped."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from groundtone.errors import DamagedModel, GroundtoneError
from groundtone.weights.cache import sha256_of
from groundtone.weights.known import File

_PIECE = 1 << 18
_TRIES = 5
_TIMEOUT = 30.0  # seconds without a byte


def download(
    url: str,
    target: Path,
    file: File,
    name: str,
    progress: Callable[[str, int, int], None],
    *,
    pause: float = 1.0,
) -> None:
    """Download ``url`` to ``target``; refuse what has not ``file.sha256``.

    Bytes land in ``target`` + ".part", which survives a cut connection or a killed process:
    the next try asks for the rest only (``Range``), and starts over where the server knows no
    ranges. ``HF_TOKEN``, when set, is sent to the hub's own host only.

    Args:
        pause: seconds before the second try, doubled for each further one.

    Raises:
        DamagedModel: complete, but not the pinned file.
        GroundtoneError: not to be had: no network, not found, cut five times.
    """
    part = target.with_name(target.name + ".part")
    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            _go_on(url, part, file, progress)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part is no piece of that file
                part.unlink(missing_ok=True)
            reason = f"HTTP {error.code} {error.reason}"
            if error.code in (401, 403, 404, 410):
                break
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
        ) as e:
            reason = str(getattr(e, "reason", e)) or type(e).__name__
        else:
            if part.stat().st_size >= file.size:
                break
            reason = "the connection was cut"
    if not part.is_file() or part.stat().st_size < file.size:
        raise GroundtoneError(
            f"{url} could not be downloaded: {reason}.",
            "Run the same command again: it goes on where it stopped. Without a network, "
            "pass --from FOLDER|FILE.whl|FILE.gguf.",
        )
    if sha256_of(part) != file.sha256:
        part.unlink()
        raise DamagedModel(name, target)
    part.replace(target)


def _go_on(url: str, part: Path, file: File, progress: Callable[[str, int, int], None]) -> None:
    done = part.stat().st_size if part.is_file() else 0
    if done >= file.size:
        if done > file.size:
            part.unlink()
            done = 0
        else:
            return
    request = urllib.request.Request(url, headers={"User-Agent": "groundtone"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    token = os.environ.get("HF_TOKEN")
    if token and request.host == "huggingface.co":
        # Unredirected: the storage host it points to must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = answer.status == 206
        if not resumed:
            done = 0
        with part.open("ab" if resumed else "wb") as stream:
            while done <= file.size and (piece := answer.read(_PIECE)):
                stream.write(piece)
                done += len(piece)
                progress(f"download {file.name}", done, file.size)
