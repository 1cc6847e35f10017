"""Readers that do to a process what hostile files do; given to it in place of the real ones."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from groundtone import documents
from groundtone.documents import Document, Part, Reading
from groundtone.errors import UnreadableFile


def read_all(path: Path, *, max_bytes: int) -> Reading:
    """Read a file; its first line may say what goes wrong meanwhile."""
    order = path.read_bytes().partition(b"\n")[0].decode("utf-8", "replace").split()
    match order:
        case ["hang"]:
            time.sleep(1000)
        case ["wait", seconds]:
            time.sleep(float(seconds))
        case ["spin"]:
            while True:
                pass
        case ["crash"]:
            os.kill(os.getpid(), signal.SIGSEGV)
        case ["exit"]:
            os._exit(7)
        case ["killed"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["claim", megabytes]:
            bytearray(int(megabytes) * 1_000_000)
        case ["fill", megabytes]:
            kept = [os.urandom(1) * 1_000_000 for _ in range(int(megabytes))]
            time.sleep(len(kept))
        case ["chatter"]:
            print("a library that prints", flush=True)
            os.write(1, b"as C code does")
        case ["grow"]:
            with path.open("ab") as file:
                file.write(b"More.\n")
        case ["lacking"]:
            raise UnreadableFile(path, "needs a package") from ImportError("no such package")
        case ["once", mark]:
            if not Path(mark).exists():
                Path(mark).touch()
                raise UnreadableFile(path, "not today") from OSError()
        case ["parts"]:
            return _parts(path)
        case ["pid"]:
            text = f"Read by process {os.getpid()}, child of {os.getppid()}."
            return Reading((Part("", Document(path.stem, text, (), "text/plain")),))
    return documents.read_all(path, max_bytes=max_bytes)


def _parts(path: Path) -> Reading:
    """A document for each further line ``NAME: text``; a line ``NAME!`` is one that fails."""
    parts, failed = [], []
    for line in path.read_text().splitlines()[1:]:
        name, _, text = line.partition(": ")
        if name.endswith("!"):
            failed.append((name[:-1], "it is broken"))
            continue
        block = documents.Block("paragraph", 0, len(text))
        parts.append(Part(name, Document(name or path.stem, text, (block,), "text/plain")))
    return Reading(tuple(parts), tuple(failed))
