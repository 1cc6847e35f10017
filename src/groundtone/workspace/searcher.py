"""One of the `searchers`: opens the workspace, and makes a few searches at a time.

It is started as ``python -c`` and spoken to in frames of pickle (`syncing.worker`). First come the
folder and the settings; then searches, a list at a time, answered by a frame for each: its
passages, or what it raised, and then no more of this list. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterator

from groundtone.errors import GroundtoneError
from groundtone.retrieval.elsewhere import Wanted
from groundtone.syncing.worker import keep_quiet, receive, send
from groundtone.workspace.workspace import Workspace


def main() -> None:
    """Serve the process at the other end of standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the parent, which ends this one
    incoming, outgoing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    keep_quiet()
    with contextlib.suppress(EOFError, OSError):
        folder, settings = pickle.loads(receive(incoming))
        workspace = Workspace(folder, settings)
        with contextlib.suppress(GroundtoneError, RuntimeError, ValueError):  # told to who asks
            workspace.retriever.warm()
        gc.freeze()  # what is open by now stays: each collection would look at all of it
        while True:
            for frame in _frames(workspace, pickle.loads(receive(incoming))):
                send(outgoing, frame)
    # Nothing is to be kept, and a thread may still be reading the table.
    os._exit(0)


def _frames(workspace: Workspace, wanted: list[Wanted]) -> Iterator[bytes]:
    try:
        for passages in workspace.retriever.batch(wanted):
            yield pickle.dumps(passages, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        yield _told(error)


def _told(error: Exception) -> bytes:
    """An error as the other process can raise it."""
    if not isinstance(error, GroundtoneError):
        error.add_note(f"In a process that searches:\n{traceback.format_exc()}")
    with contextlib.suppress(Exception):  # one that is made of other things than its text
        told = pickle.dumps(error)
        pickle.loads(told)
        return told
    return pickle.dumps(GroundtoneError(str(error)))
