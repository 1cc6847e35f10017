"""What a workspace shows of its own need: documents, log, style, examples, machine."""

from __future__ import annotations

import importlib.util
import itertools
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.advice.assessing import LONG
from groundtone.advice.bill import TUNED, Arm
from groundtone.advice.knowing import Evidence
from groundtone.advice.prices import load_prices
from groundtone.cores import usable
from groundtone.errors import GroundtoneError
from groundtone.workspace.predicting import remote

if TYPE_CHECKING:
    from groundtone.catalog import StoredAnswer, StoredSync
    from groundtone.workspace.workspace import Workspace

DAY_S = 86_400.0
MONTH_DAYS = 30.4
WINDOW_DAYS = 7.0
"""A history shorter than this says nothing of a month."""
FEW_ANSWERS = 10
CHARACTERS_A_TOKEN = 4.0
LEDGER = 2000
"""At most so many of the newest answers are looked at; all are counted."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that finding passages adds to an answer: the median, and how it was had."""

    milliseconds: float
    source: str


def observe(
    workspace: Workspace, examples: Path | None, log: Sequence[StoredAnswer]
) -> list[Evidence]:
    """All that the workspace itself shows, beside comparisons."""
    found = [
        _changes(workspace.catalog.list_syncs()),
        _corpus(workspace),
        *_style(workspace),
        _facts(log),
        _long_prompts(workspace, log),
        _volume(*workspace.catalog.count_answers()),
        _examples(examples),
        hardware(workspace),
    ]
    return [one for one in found if one is not None]


def _changes(syncs: Sequence[StoredSync]) -> Evidence | None:
    """The share of the documents that changes in a month, by the history of syncs.

    What a new source brings is no change: those syncs' additions are left out.
    """
    if len(syncs) < 3:
        return None
    days = (syncs[-1].started_at - syncs[0].started_at) / DAY_S
    documents = statistics.fmean(sync.documents for sync in syncs[1:])
    if days < WINDOW_DAYS or not documents:
        return None
    changed = 0
    for before, sync in itertools.pairwise(syncs):
        changed += sync.updated
        if sync.sources == before.sources:
            changed += sync.added + sync.deleted
    rate = changed / documents / days * MONTH_DAYS
    source = f"{len(syncs)} syncs in {days:,.0f} days, {changed:,} changes to {documents:,.0f}"
    return Evidence("changes", rate, "observed", f"{source} documents")


def _corpus(workspace: Workspace) -> Evidence | None:
    documents = workspace.catalog.documents()
    if not documents:
        return None
    characters = sum(document.characters for document in documents)
    source = f"{len(documents):,} documents, {characters:,} characters, 4 to a token"
    return Evidence(
        "corpus_tokens", float(round(characters / CHARACTERS_A_TOKEN)), "observed", source
    )


def _style(workspace: Workspace) -> Iterator[Evidence]:
    style = workspace.style()
    if style is None:
        return
    yield Evidence("format", True, "observed", "style.toml declares a house style")
    if style.label:
        yield Evidence("citations", True, "observed", "style.toml asks for a label")


def _facts(log: Sequence[StoredAnswer]) -> Evidence | None:
    if len(log) < FEW_ANSWERS:
        return None
    resting = sum(bool(one.answer.get("citations")) for one in log)
    if resting < len(log) / 2:
        return None  # bad documents, or no need of them: this cannot tell
    source = f"{resting:,} of {len(log):,} logged answers rest on a passage"
    return Evidence("facts", True, "observed", source)


def _long_prompts(workspace: Workspace, log: Sequence[StoredAnswer]) -> Evidence | None:
    """Whether what stands in prompts beside the passages takes too much of the context."""
    sizes = [
        max(0, size - shown * workspace.settings.answer.passage_tokens)
        for one in log
        if (size := _usage(one, "prompt_tokens"))
        for shown in [min(len(one.answer["passages"]), workspace.settings.answer.passages)]
    ]
    if len(sizes) < FEW_ANSWERS:
        return None
    room, middle = workspace.settings.chat.context_tokens, statistics.median(sizes)
    source = (
        f"about {middle:,.0f} of {room:,} tokens beside the passages, {len(sizes):,} logged answers"
    )
    return Evidence("long_prompts", middle > LONG * room, "observed", source)


def instructions(workspace: Workspace) -> Evidence:
    """The same by the settings alone, for a workspace that has not been asked yet."""
    size = len(workspace.settings.answer.system) / CHARACTERS_A_TOKEN
    room = workspace.settings.chat.context_tokens
    source = f"instructions of about {size:,.0f} of {room:,} tokens, by the settings"
    return Evidence("long_prompts", size > LONG * room, "observed", source)


def _volume(count: int, first: float) -> Evidence | None:
    """Questions a month by the whole log: the newest of a busy one may span less than a day."""
    days = (time.time() - first) / DAY_S
    if count < FEW_ANSWERS or days < WINDOW_DAYS:
        return None
    source = f"{count:,} logged answers in {days:,.0f} days"
    return Evidence("volume", count / days * MONTH_DAYS, "observed", source)


def _examples(path: Path | None) -> Evidence | None:
    from groundtone.workspace import check

    if path is None:
        return None
    form, _ = check.check_form(path)
    lines = {fault.line for fault in form.faults if fault.line}
    good = form.examples - sum(1 for fault in form.faults if "line" in fault.problem)
    source = f"{path.name}: {form.examples:,} usable"
    source += f", {len(lines):,} lines with faults" if lines else ", no faults"
    return Evidence("examples", float(max(0, good)), "observed", source)


def hardware(workspace: Workspace) -> Evidence | None:
    """Whether the base model can be trained: here by memory, elsewhere by a price for it."""
    base = workspace.settings.chat.model
    if remote(base):
        price = load_prices(workspace.folder).find(f"ft:{base.removeprefix('openai:')}")
        if price is None or price.training is None:
            return None
        source = f"{price.provider} trains it, at ${price.training} a million tokens"
        return Evidence("hardware", True, "observed", source)
    from groundtone.workspace.bases import base_file

    try:
        size = base_file(base).stat().st_size
    except (GroundtoneError, OSError):
        return None
    # Weights in 32 bits from about 8, gradients and states of the adapter, and kept passages.
    needed = 8 * size + 2e9
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    extra = "the extra tune is installed"
    if importlib.util.find_spec("torch") is None:
        extra = "the extra tune is still to be installed"
    gpu = ", a GPU" if Path("/dev/nvidia0").exists() else ""
    source = (
        f"this machine: {usable()} cores, {there / 1e9:.0f} GB{gpu}; training "
        f"{base} takes about {needed / 1e9:.0f} GB; {extra}"
    )
    return Evidence("hardware", there >= needed, "observed", source)


def latency(workspace: Workspace, log: Sequence[StoredAnswer]) -> Latency | None:
    """What finding passages takes: from the log, else by searching for some titles now."""
    taken = [t for one in log if (t := float(one.answer["timings_ms"].get("search", 0)))]
    if len(taken) >= FEW_ANSWERS:
        return Latency(statistics.median(taken), f"median of {len(taken):,} logged answers")
    titles = [one.title for one in workspace.catalog.documents()[:6] if one.title.strip()]
    try:
        timed = [_search_ms(workspace, title) for title in titles]
    except GroundtoneError:
        return None
    if len(timed) < 2:
        return None
    return Latency(statistics.median(timed[1:]), f"median of {len(timed) - 1} searches made now")


def _search_ms(workspace: Workspace, question: str) -> float:
    begun = time.perf_counter()
    workspace.search(question)
    return 1000 * (time.perf_counter() - begun)


def logged_arms(workspace: Workspace, log: Sequence[StoredAnswer]) -> list[Arm]:
    """The log as arms: answers by the base with documents, and by tuned models with documents."""
    tuned = {model.name for model in workspace.catalog.list_models()}
    arms = []
    for name in ("rag", "both"):
        mine = [
            one
            for one in log
            if _usage(one, "prompt_tokens") and (one.model in tuned) == (name in TUNED)
        ]
        if len(mine) >= FEW_ANSWERS:
            arms.append(
                Arm(
                    name,
                    mine[0].model,
                    statistics.fmean(_usage(one, "prompt_tokens") for one in mine),
                    statistics.fmean(_usage(one, "completion_tokens") for one in mine),
                    statistics.fmean(float(one.answer["timings_ms"]["total"]) for one in mine)
                    / 1000,
                    source=f"{len(mine):,} logged answers",
                )
            )
    return arms


def _usage(answer: StoredAnswer, name: str) -> int:
    usage: dict[str, Any] = answer.answer.get("usage") or {}
    return int(usage.get(name) or 0)
