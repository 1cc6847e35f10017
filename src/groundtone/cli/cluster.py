"""What `groundtone doctor --cluster` looks at: every service that the settings name, from here.

Nothing is changed anywhere. A service that this workspace does not use is no fault.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import socket
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundtone.cli.findings import Finding, Level, free, safely
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

SKEW_S = 5.0
"""Seconds between two clocks from which leases of jobs, and rates, go wrong."""
CONNECT_S = 5.0
RAY_PORTS = {"auto": "127.0.0.1:6379"}
CLIENTS = {
    "pgvector": "psycopg",
    "qdrant": "qdrant-client",
    "weaviate": "weaviate-client",
    "pinecone": "pinecone",
    "chroma": "chromadb",
    "lancedb": "lancedb",
}


def look(workspace: Workspace) -> Iterator[Finding]:
    """All checks, each on its own: one that fails does not keep the others from being made."""
    for check in (_versions, _catalog, _store, _ray, _chat, _disk):
        yield from safely(check, workspace, "Check the address, and that it is running.")


def _versions(workspace: Workspace) -> Iterator[Finding]:
    from groundtone import __version__

    told = [f"groundtone {__version__}", f"Python {platform.python_version()}"]
    wanted = [CLIENTS[workspace.settings.index.store]]
    if workspace.settings.catalog.url:
        wanted.append("psycopg")
    if _ray_address(workspace):
        wanted.append("ray")
    for name in dict.fromkeys(wanted):
        with contextlib.suppress(PackageNotFoundError):
            told.append(f"{name} {version(name)}")
    yield Finding("ok", "versions", f"{', '.join(told)}: must be the same on every machine")


def _catalog(workspace: Workspace) -> Iterator[Finding]:
    program, took, now = _timed(workspace.catalog.program)
    where = workspace.catalog.where
    if not workspace.settings.catalog.url:
        yield Finding(
            "ok",
            "catalog",
            f"{program}, a file of this machine; others cannot share it",
            "For several machines set [catalog] url to a PostgreSQL database.",
        )
        return
    yield Finding("ok", "catalog", f"{program} at {where}: {took * 1000:.1f} ms, same schema")
    yield _clock("the catalog's", now - time.time(), took)


def _store(workspace: Workspace) -> Iterator[Finding]:
    from groundtone.index import shown

    index = workspace.settings.index
    where = shown(index.url) if index.url else "a folder of this machine"
    if workspace.catalog.fact("embedding") is None:
        yield Finding("ok", "store", f"{index.store}, {where}: nothing is indexed yet")
        return
    opened = workspace.indexes.current(workspace.embedder.dimensions)
    begun = time.monotonic()
    count = opened.count()
    took = time.monotonic() - begun
    level: Level = "ok"
    remedy = ""
    if not index.url and workspace.settings.catalog.url:
        level, remedy = "warn", "Set [index] url: other machines see the catalog, not this folder."
    yield Finding(
        level, "store", f"{index.store}, {where}: {count:,} windows, {took * 1000:.1f} ms", remedy
    )


def _ray(workspace: Workspace) -> Iterator[Finding]:
    address = _ray_address(workspace)
    if not address:
        yield Finding("ok", "ray", "not used: this machine reads and embeds")
        return
    if importlib.util.find_spec("ray") is None:
        remedy = "pip install 'groundtone[ray]' (the version of the cluster)"
        yield Finding("fail", "ray", f"{address} is set, and Ray is not installed here", remedy)
        return
    place = os.environ.get("RAY_ADDRESS") or RAY_PORTS[address] if address == "auto" else address
    host, _, port = place.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), CONNECT_S):
            yield Finding("ok", "ray", f"{place} takes connections")
    except (OSError, ValueError) as error:
        level: Level = "warn" if address == "auto" else "fail"
        yield Finding(
            level, "ray", f"{place} cannot be reached: {error}", "Start the cluster: ray start"
        )


def _chat(workspace: Workspace) -> Iterator[Finding]:
    chat = workspace.settings.chat
    address = chat.fleet or (chat.model if chat.model.startswith("http") else "")
    if not address:
        yield Finding("ok", "chat", f"{chat.model}: answered by this machine, or by its provider")
        return
    url, _, served = address.partition("#")
    names, took, skew = _served(url)
    if served in names:
        yield Finding("ok", "chat", f"{url} serves {served}: {took * 1000:.1f} ms")
    else:
        some = ", ".join(sorted(names)[:5]) or "nothing"
        yield Finding("fail", "chat", f"{url} has no {served}", f"It serves {some}: name that.")
    if skew is not None:
        yield _clock(f"{urlsplit(url).netloc}'s", skew, took + 1)  # the header counts whole seconds
    if chat.fleet:
        yield from _tuned(workspace, names)


def _tuned(workspace: Workspace, names: set[str]) -> Iterator[Finding]:
    from groundtone.chat.fleet import FleetEngine

    engine = workspace.chat
    assert isinstance(engine, FleetEngine)
    for name in workspace.adapters():
        if name not in names:
            active = name == workspace.model_name()
            yield Finding(
                "warn" if active else "ok",
                "adapter",
                f"{name} is not served there" + (", and is in use" if active else ""),
                f"Run `groundtone models deploy {name}`, and start the fleet with it.",
            )
            continue
        try:
            proof = engine.prove(name)
        except GroundtoneError as error:
            yield Finding("fail", "adapter", f"{name}: {error.message}", error.remedy)
            continue
        if proof is None:
            remedy = f"Run `groundtone models deploy {name}` here, which keeps probes."
            yield Finding("warn", "adapter", f"{name} cannot be proven: no probes are kept", remedy)
        elif proof.holds:
            share = f"{proof.agreement:.0%} of {proof.asked} probes as here"
            yield Finding("ok", "adapter", f"{name} is applied: {share}")
        else:
            remedy = "Start the fleet with the adapters of `groundtone models deploy`."
            yield Finding("fail", "adapter", f"{name}: {proof.reason}", remedy)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    yield free(workspace.state, "workspace")
    probe = workspace.state / f"doctor-{os.getpid()}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding("fail", "disk", f"{workspace.state}: {error.strerror}", "Make it writable.")


def _ray_address(workspace: Workspace) -> str:
    return workspace.settings.scale.ray


def _timed(ask: Callable[[], tuple[str, float]]) -> tuple[str, float, float]:
    """An answer, the seconds it took, and a clock's time as it was in their middle."""
    begun = time.monotonic()
    told, now = ask()
    took = time.monotonic() - begun
    return told, took, now + took / 2


def _served(url: str) -> tuple[set[str], float, float | None]:
    """Names of models at an OpenAI-compatible address, the seconds it took, its clock's lead."""
    import httpx

    key = os.environ.get("GROUNDTONE_API_KEY", "")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    begun = time.monotonic()
    try:
        answer = httpx.get(f"{url.rstrip('/')}/models", headers=headers, timeout=CONNECT_S * 2)
        answer.raise_for_status()
        names = {str(row["id"]) for row in answer.json()["data"]}
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise GroundtoneError(
            f"{url} does not list its models: {error}".splitlines()[0],
            "Check the address, GROUNDTONE_API_KEY, and that the server runs.",
        ) from error
    took = time.monotonic() - begun
    skew = None
    with contextlib.suppress(KeyError, ValueError, TypeError):
        skew = parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()
    return names, took, skew


def _clock(whose: str, lead: float, uncertain: float) -> Finding:
    off = max(0.0, abs(lead) - uncertain)
    if off <= SKEW_S:
        return Finding("ok", "clock", f"{whose} clock is within {SKEW_S:g} s of this machine's")
    way = "ahead" if lead > 0 else "behind"
    return Finding(
        "warn",
        "clock",
        f"{whose} clock is {off:.0f} s {way} of this machine's",
        "Keep both by NTP: leases of jobs and rates of keys go by it.",
    )
