"""One question and its answer on a page: sentences with chips, sources, marks, and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from groundtone.web import reading
from groundtone.web.elements import attribute, badge, button, node
from groundtone.web.layout import Visit, announce
from groundtone.web.panel import SourcePanel
from groundtone.web.reading import Read, Reference, Sentence
from groundtone.workspace import ledger


def show_question(question: str) -> None:
    """What was asked."""
    node("h2", question, "question")


def show_answer(visit: Visit, panel: SourcePanel, id: str, answer: Mapping[str, Any]) -> None:
    """A finished answer, made inside the current element.

    Args:
        id: in the ledger.
        answer: as `Answer.to_json` gives it.
    """
    read = reading.read(answer)
    if answer["refused"]:
        _refusal(panel, read)
    elif answer.get("stopped"):
        node("p", read.sentences[0].text, "written")
        node("p", "Stopped before it was finished; nothing of it was checked.", "note")
    else:
        if answer["rescued"]:
            node("p", "Quoted word for word: nothing the model wrote was supported.", "note")
        with node("p", classes="answer"):
            for sentence in read.sentences:
                _sentence(panel, sentence)
        _sources(panel, read)
    if read.left_out:
        _left_out(read)
    _tools(visit, id, answer, read)


def _sentence(panel: SourcePanel, sentence: Sentence) -> None:
    unsupported = not sentence.references
    with node("span", classes="sentence unsupported" if unsupported else "sentence"):
        node("span", sentence.text)
        seen: set[int] = set()
        for reference in sentence.references:
            if reference.number not in seen:
                seen.add(reference.number)
                _chip(panel, reference, sentence.support)
        if unsupported and sentence.support is not None:
            badge("not in the documents", "bad")
    node("span", " ")


def _chip(panel: SourcePanel, reference: Reference, support: float | None) -> None:
    sure = support is None or support >= reading.SURE
    told = "" if support is None else f", support {support:.0%}"
    where = f", {reference.where}" if reference.where else ""
    made = node(
        "button",
        str(reference.number),
        "chip" if sure else "chip unsure",
        type="button",
        aria_label=f"Source {reference.number}: {reference.title}{where}{told}",
        title=f"{reference.title}{where}{told}",
    )
    made.on("click", partial(panel.open, reference), args=[])


def _sources(panel: SourcePanel, read: Read) -> None:
    with node("ul", classes="sources", aria_label="Sources"):
        for one in read.sources:
            with node("li"):
                _entry(panel, one)


def _entry(panel: SourcePanel, one: Reference, quote: str = "") -> None:
    made = node("button", classes="entry", type="button")
    made.on("click", partial(panel.open, one), args=[])
    with made:
        node("span", str(one.number), "number", aria_hidden="true")
        with node("span", classes="entry-text"):
            node("span", one.title, "title")
            node("span", one.where, "where")
            if quote:
                node("span", quote, "excerpt")


def _refusal(panel: SourcePanel, read: Read) -> None:
    with node("div", classes="refusal"):
        node("p", read.sentences[0].text)
    if read.nearest:
        node("h3", "Nearest passages", "small")
        with node("ul", classes="sources nearest", aria_label="Nearest passages"):
            for one in read.nearest:
                with node("li"):
                    _entry(panel, one, " ".join(one.quote.split())[:180])


def _left_out(read: Read) -> None:
    count = len(read.left_out)
    with node("details", classes="left-out"):
        node("summary", f"{count} sentence{'s' if count > 1 else ''} left out")
        node("p", "The model wrote this too, but nothing in your documents supports it:", "note")
        with node("ul"):
            for text in read.left_out:
                node("li", text)


def _tools(visit: Visit, id: str, answer: Mapping[str, Any], read: Read) -> None:
    with node("div", classes="tools"):
        _thumbs(visit, id, read)
        copied = json.dumps(reading.plain(read))
        button("Copy", lambda: _js(f"groundtone.copy({copied})"), "quiet", icon="copy")
        shared = json.dumps(f"/answer/{id.removeprefix('answer-')}")
        button("Share", lambda: _js(f"groundtone.share({shared})"), "quiet", icon="share")
        node("span", _told(answer), "told")


def _thumbs(visit: Visit, id: str, read: Read) -> None:
    up = button("", lambda: rated("good"), "quiet", icon="up", aria_label="A good answer")
    down = button("", lambda: rated("bad"), "quiet", icon="down", aria_label="Not a good answer")
    correction = node("form", classes="correction", hidden=True)
    with correction:
        with node("label", classes="field"):
            node("span", "What should it have said?", "field-label")
            text = node("textarea", name="text", rows="4")
            text.props["value"] = " ".join(sentence.text for sentence in read.sentences)
            node("span", "Kept as an example to tune on.", "hint")
        with node("div", classes="buttons"):
            node("button", "Keep the correction", "button primary", type="submit")
            button("Not now", lambda: attribute(correction, hidden=True))
    correction.on(
        "submit.prevent",
        lambda event: corrected(event.args),
        js_handler="e => emit(new FormData(e.target).get('text'))",
    )
    stored: dict[str, str] = {"rating": ""}

    async def rated(rating: str) -> None:
        stored["rating"] = "" if stored["rating"] == rating else rating
        now = stored["rating"]
        await asyncio.to_thread(ledger.rate, visit.workspace, id, now)
        attribute(up, aria_pressed=str(now == "good").lower())
        attribute(down, aria_pressed=str(now == "bad").lower())
        attribute(correction, hidden=now != "bad")
        announce("Thank you." if now else "Rating taken back.")

    async def corrected(text: str) -> None:
        await asyncio.to_thread(visit.workspace.catalog.correct, id, text.strip())
        attribute(correction, hidden=True)
        announce("Kept as an example to tune on.")

    attribute(up, aria_pressed="false")
    attribute(down, aria_pressed="false")


def _told(answer: Mapping[str, Any]) -> str:
    usage, timings = answer["usage"], answer["timings_ms"]
    parts = [answer["model"] or "no model"]
    tokens = usage["prompt_tokens"] + usage["completion_tokens"]
    if tokens:
        parts.append(f"{tokens:,} tokens")
    if usage["cost_usd"]:
        parts.append(f"${usage['cost_usd']:.4f}")
    parts.append(f"{timings['total'] / 1000:.1f} s")
    return " · ".join(parts)


def _js(code: str) -> None:
    ui.context.client.run_javascript(code)
