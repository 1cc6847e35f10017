"""One examples file: every example with its faults in place, to be kept, edited or dropped."""

from __future__ import annotations

import asyncio
import io
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fastapi import Request
from nicegui import ui

from groundtone.catalog import StoredFile
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.web.elements import attribute, badge, button, empty, link, node
from groundtone.web.layout import Visit, frame
from groundtone.workspace import ledger
from groundtone.workspace.check import Check, check_form
from groundtone.workspace.files import Files

if TYPE_CHECKING:
    from groundtone.tuning.examples import Examples, Fault

PURPOSE = "fine-tune"
SHOWN = 100  # examples on the page
DRAFTS = 50  # made at once


def kept(here: Visit) -> list[StoredFile]:
    """The examples files that the visitor may use, newest first."""
    visitor = here.visitor
    owner = None if visitor.may("admin") else visitor.key
    return here.workspace.catalog.list_files(purpose=PURPOSE, owner=owner)[0]


def keep(here: Visit, name: str, lines: list[str]) -> StoredFile:
    """Keep examples as a file."""
    body = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    return Files(here.workspace).add(body, name, PURPOSE, owner=here.visitor.key)


def from_answers(here: Visit) -> StoredFile:
    """Answers that were rated good, and corrections of others, as a new examples file.

    Raises:
        WrongUse: there are none.
    """
    rows = [
        json.dumps(row, ensure_ascii=False) for row in ledger.export(here.workspace, "examples")
    ]
    if not rows:
        raise WrongUse(
            "No answer was rated good or corrected yet.",
            "Use the thumbs below answers; a correction becomes an example.",
        )
    return keep(here, "answers.jsonl", rows)


def drafted(here: Visit, count: int = DRAFTS) -> StoredFile:
    """Examples drafted from the documents, each with its source, as a file to go through.

    Raises:
        WrongUse: there are no documents, or nothing could be drafted from them.
    """
    from groundtone.workspace import drafting

    workspace = here.workspace
    found = drafting.draft(workspace, count=count)
    voice = drafting.voice(workspace)
    rows = [json.dumps(each.line(voice), ensure_ascii=False) for each in found.kept]
    if not rows:
        raise WrongUse("Nothing could be drafted from these documents.", "Write some examples.")
    return keep(here, "drafted.jsonl", rows)


@ui.page("/tune/examples/{id}")
async def examples(request: Request, id: str) -> None:
    """What is in a file, and what is wrong with it."""
    with frame(request, "tune", "Examples") as here:
        found = await asyncio.to_thread(_load, here, id)
        if found is None:
            with empty("There is no such file", "It was changed or deleted."):
                link("Tune", "/tune", "button")
            return
        file, lines, checked, read = found
        link("Tune", "/tune", "text-link")
        node("h1", file.name)
        wrong, odd = len(checked.faults), len(checked.warnings)
        told = f"{len(lines)} lines, {wrong or 'no'} fault{'s' if wrong != 1 else ''}"
        node("p", f"{told}, {odd or 'nothing'} worth a look.", "lead")
        ExamplesPage(here, file, lines, checked, read).show()


def _load(here: Visit, id: str) -> tuple[StoredFile, list[str], Check, Examples] | None:
    file = here.workspace.catalog.get_file(id)
    if file is None or file.id not in {one.id for one in kept(here)}:
        return None
    path = Files(here.workspace).path(id)
    refusal = here.workspace.settings.answer.refusal
    checked, read = check_form(path, refusal=refusal, workspace=here.workspace.folder)
    return file, path.read_text("utf-8", "replace").splitlines(), checked, read


class ExamplesPage:
    """The examples of one file; every change makes a new file and shows that."""

    def __init__(
        self, here: Visit, file: StoredFile, lines: list[str], checked: Check, read: Examples
    ) -> None:
        self._here, self._file, self._lines = here, file, lines
        self._rows = {row.line: row for row in read.rows}
        self._faults: dict[int, list[tuple[Fault, str]]] = defaultdict(list)
        for fault in checked.faults:
            self._faults[fault.line].append((fault, "bad"))
        for fault in checked.warnings:
            self._faults[fault.line].append((fault, "busy"))

    def show(self) -> None:
        """Make the list."""
        for fault, kind in self._faults.get(0, []):
            _fault(fault, kind)
        # What is wrong comes first: it is what there is to do.
        order = sorted(range(1, len(self._lines) + 1), key=lambda n: (n not in self._faults, n))
        shown = [number for number in order if self._lines[number - 1].strip()]
        with node("ol", classes="examples"):
            for number in shown[:SHOWN]:
                with node("li", classes="card"):
                    self._example(number)
        if len(shown) > SHOWN:
            node("p", f"{len(shown) - SHOWN} more examples are not shown.", "note")

    def _example(self, number: int) -> None:
        row = self._rows.get(number)
        with node("div", classes="section-head"):
            node("span", f"Line {number}", "small")
            with node("div"):
                change = button("Edit", lambda: None, "quiet")
                button(
                    "Drop", lambda: self._drop(number), "quiet", aria_label=f"Drop line {number}"
                )
        for fault, kind in self._faults.get(number, []):
            _fault(fault, kind)
        if row is not None:
            node("p", row.question, "title")
            node("p", row.answer, "passage-text")
            if self._here.visitor.unlimited:  # it shows passages
                self._mask(number)
        else:
            node("p", self._lines[number - 1][:600], "passage-text mono")
        self._editor(number, change)

    def _editor(self, number: int, change: Any) -> None:
        row = self._rows.get(number)
        editor = node("form", classes="edit", hidden=True)
        with editor:
            if row is not None:
                for name, label, text in (
                    ("question", "Question", row.question),
                    ("answer", "Answer", row.answer),
                ):
                    with node("label", classes="field"):
                        node("span", label, "field-label")
                        node("textarea", name=name, rows="3", value=text)
            else:
                with node("label", classes="field"):
                    node("span", "The line, as JSON", "field-label")
                    node("textarea", name="line", rows="5", value=self._lines[number - 1])
            with node("div", classes="buttons"):
                node("button", "Save", "button primary", type="submit")
                button("Leave it", lambda: attribute(editor, hidden=True))
        change.on("click", lambda: attribute(editor, hidden=False), args=[])
        editor.on(
            "submit.prevent",
            lambda event: self._save(number, event.args),
            js_handler="e => emit(Object.fromEntries(new FormData(e.target)))",
        )

    async def _save(self, number: int, fields: dict[str, str]) -> None:
        if "line" in fields:
            line = " ".join(fields["line"].splitlines())
        else:
            value = json.loads(self._lines[number - 1])
            asked = [m for m in value["messages"] if m["role"] == "user"][-1]
            asked["content"] = fields["question"].strip()
            value["messages"][-1]["content"] = fields["answer"].strip()
            line = json.dumps(value, ensure_ascii=False)
        await self._replace([*self._lines[: number - 1], line, *self._lines[number:]])

    async def _drop(self, number: int) -> None:
        await self._replace([*self._lines[: number - 1], *self._lines[number:]])

    async def _replace(self, lines: list[str]) -> None:
        def work() -> StoredFile:
            new = keep(self._here, self._file.name, lines)
            Files(self._here.workspace).delete(self._file.id)
            return new

        new = await asyncio.to_thread(work)
        ui.navigate.to(f"/tune/examples/{new.id}")

    # -- what is trained --------------------------------------------------------------------

    def _mask(self, number: int) -> None:
        with node("details", classes="as-text") as box:
            node("summary", "What the model reads, and what it learns")
            inner = node("div", classes="mask")

        async def opened() -> None:
            if inner.default_slot.children:
                return
            with inner:
                waiting = node("p", "Looking up its passages …", "note")
            try:
                parts = await asyncio.to_thread(self._rendered, number)
            except GroundtoneError as error:
                waiting.text = str(error)
                return
            inner.clear()
            with inner:
                if not parts:
                    node(
                        "p", "No passage supports this answer: it is left out of training.", "note"
                    )
                for kind, told, text in parts:
                    with node("div", classes=f"mask-part {kind}"):
                        badge(told, "good" if kind == "learned" else "")
                        node("pre", text, tabindex="0", role="region", aria_label=told)

        box.on("toggle", opened, args=[])

    def _rendered(self, number: int) -> list[tuple[str, str, str]]:
        """The parts of the training sequence of an example: (kind, in words, text)."""
        from groundtone.workspace.previewing import preview

        path = Files(self._here.workspace).path(self._file.id)
        shown = preview(self._here.workspace, path, line=number, contexts=1)
        told = {"read": "read, not learned", "asked": "the question", "learned": "learned"}
        return [
            (part, f"{told[part]} · {shown[0].count(part):,} tokens", text)
            for part, text in (shown[0].runs if shown else [])
        ]


def _fault(fault: Fault, kind: str) -> None:
    with node("p", classes=f"in-place {kind}", role="alert" if kind == "bad" else None):
        node("strong", f"{fault.field}: " if fault.field else "")
        node("span", f"{fault.problem}. {fault.remedy}" if fault.remedy else fault.problem)
