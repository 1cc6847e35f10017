"""What the workspace is set to, who has keys, and what answers have used and cost."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from fastapi import Request
from nicegui import ui

from groundtone.catalog.keys import ApiKey
from groundtone.catalog.models import StoredModel
from groundtone.catalog.records import SCOPES
from groundtone.errors import GroundtoneError
from groundtone.web import charts
from groundtone.web.elements import badge, button, empty, field, form, node
from groundtone.web.layout import Visit, announce, dialog, frame
from groundtone.workspace import Workspace

DAYS = 30
SECTIONS = ("index", "embedding", "retrieval", "answer", "chat", "chunking", "sync")


@ui.page("/settings")
async def settings(request: Request) -> None:
    """Models, stores, keys, prices, usage."""
    with frame(request, "settings", "Settings") as here:
        if not here.visitor.may("admin") or not here.visitor.unlimited:
            empty("Not with this key", "It needs the scope “admin” and every document.")
            return
        node("h1", "Settings")
        node("p", f"The workspace in {here.workspace.folder.resolve()}.", "lead")
        page = SettingsPage(here)
        for title, make in (
            ("Models", page.models),
            ("Usage", page.usage),
            ("Keys", page.keys),
            ("Prices", page.prices),
            ("Everything that is set", page.values),
        ):
            with node("section", classes="section"):
                node("h2", title)
                box = node("div")
            await _fill(box, make)


async def _fill(box: ui.element, make: Callable[[ui.element], Any]) -> None:
    with box:
        await make(box)


class SettingsPage:
    """The parts of the page; each fills a box, and fills it anew when it changes something."""

    def __init__(self, here: Visit) -> None:
        self._here = here
        self._workspace = here.workspace

    # -- models -----------------------------------------------------------------------------

    async def models(self, box: ui.element) -> None:
        """Which model answers, and the others."""
        workspace = self._workspace
        known = await asyncio.to_thread(workspace.catalog.list_models)
        active = await asyncio.to_thread(workspace.model_name)
        base = workspace.settings.chat.model
        box.clear()
        with box, node("ul", classes="rows"):
            with node("li", classes="source-row"):
                _model(base, "The base model.", active == base)
                if active != base:
                    button("Use", lambda: self._use(box, base))
            for model in reversed(known):
                with node("li", classes="source-row"):
                    _model(model.name, _gate(model), active == model.name)
                    if active != model.name:
                        button("Use", lambda name=model.name: self._use(box, name))
        if active != base:
            with box, node("div", classes="buttons"):
                button("Go back to the model before", lambda: self._rollback(box))

    async def _use(self, box: ui.element, name: str) -> None:
        await _attempt(lambda: self._workspace.use(name), f"{name} answers now.")
        await self.models(box)

    async def _rollback(self, box: ui.element) -> None:
        await _attempt(self._workspace.rollback, "The model before answers again.")
        await self.models(box)

    # -- usage ------------------------------------------------------------------------------

    async def usage(self, box: ui.element) -> None:
        """Questions, tokens and money of the last thirty days."""
        days = await asyncio.to_thread(_days, self._workspace)
        total = [sum(day[index] for day in days.values()) for index in range(3)]
        if not total[0]:
            node("p", "Nothing was asked in the last 30 days.", "note")
            return
        with node("dl", classes="facts"):
            for name, told in (
                ("Questions", f"{total[0]:,.0f}"),
                ("Tokens", f"{total[1]:,.0f}"),
                ("Paid", f"${total[2]:,.2f}"),
            ):
                with node("div", classes="fact"):
                    node("dt", name)
                    node("dd", told)
        charts.bars("Questions a day", [(day, values[0]) for day, values in days.items()])
        if total[2]:
            money = [(day, values[2]) for day, values in days.items()]
            charts.bars("Paid a day", money, unit="$")

    # -- keys -------------------------------------------------------------------------------

    async def keys(self, box: ui.element) -> None:
        """Who may use the workspace from elsewhere."""
        known = await asyncio.to_thread(self._workspace.catalog.list_keys)
        box.clear()
        with box:
            if not known:
                node(
                    "p",
                    "There are none: only this machine's own browser and programs get in. With the "
                    "first key everybody needs one, you too.",
                    "note",
                )
            with node("ul", classes="rows"):
                for key in known:
                    with node("li", classes="source-row"):
                        _key(key)
                        if key.revoked_at is None:
                            button(
                                "Revoke",
                                lambda id=key.id: self._revoke(box, id),
                                "quiet",
                                aria_label=f"Revoke {key.name or key.id}",
                            )
            with node("div", classes="buttons"):
                button("New key", lambda: self._new_key(box), icon="add")

    async def _revoke(self, box: ui.element, id: str) -> None:
        await _attempt(lambda: self._workspace.catalog.revoke_key(id), "The key is useless now.")
        await self.keys(box)

    def _new_key(self, box: ui.element) -> None:
        with dialog("New key") as shown:

            async def made(fields: dict[str, str]) -> None:
                scopes = [scope for scope in SCOPES if fields.get(f"scope-{scope}")]
                named = [name for name in fields["collections"].replace(",", " ").split() if name]
                grouped = [name for name in fields["groups"].replace(",", " ").split() if name]

                def create() -> str:
                    _, secret = self._workspace.catalog.create_key(
                        scopes,
                        name=fields["name"].strip(),
                        collections=named or None,
                        groups=grouped or None,
                    )
                    return secret

                secret = await _attempt(create, "")
                if secret is None:
                    return
                shown.clear()
                with shown:
                    node("h2", "Copy the key now")
                    node("p", "It is shown this once and kept nowhere.", "note")
                    node("p", secret, "secret mono")
                    with node("div", classes="buttons"):
                        button("Done", lambda: shown.run_method("close"), "primary")
                await self.keys(box)

            with form(made):
                field("Name", "name", hint="Whose it is, or what for.", autocomplete="off")
                with node("fieldset", classes="checks"):
                    node("legend", "It may", "field-label")
                    for scope in SCOPES:
                        with node("label", classes="check"):
                            node(
                                "input",
                                type="checkbox",
                                name=f"scope-{scope}",
                                checked=scope == "chat",
                            )
                            node("span", _SCOPES.get(scope, scope))
                field("Only these collections", "collections", hint="Empty: all of them.")
                field("Only these groups", "groups", hint="Empty: every document.")
                with node("div", classes="buttons"):
                    node("button", "Make it", "button primary", type="submit")
        shown.run_method("showModal")

    # -- prices and the rest ----------------------------------------------------------------

    async def prices(self, box: ui.element) -> None:
        """What models of providers cost, and where the price was found."""
        from groundtone.advice.prices import load_prices

        known = await asyncio.to_thread(load_prices, self._workspace.folder)
        node(
            "p",
            "Dollars per million tokens; your own go into prices.toml beside groundtone.toml. "
            "A model of this machine costs the machine's time.",
            "note",
        )
        rows = [
            (
                price.model,
                f"{price.input:f}",
                f"{price.output:f}",
                "–" if price.training is None else f"{price.training:f}",
                f"{price.date}{' (old)' if price.stale() else ''}",
            )
            for price in known.models.values()
        ]
        _table(("model", "read", "written", "trained", "seen"), rows, numbers=(1, 2, 3))

    async def values(self, box: ui.element) -> None:
        """Every setting, as it is now."""
        node("p", "Change them in groundtone.toml.", "note")
        settings = self._workspace.settings
        for section in SECTIONS:
            with node("details", classes="as-text"):
                node("summary", section)
                values = getattr(settings, section).model_dump(mode="json")
                _table(
                    ("name", "value"),
                    [(name, _shown(name, value)) for name, value in values.items()],
                )


_SCOPES = {
    "chat": "ask (chat)",
    "files": "hand in and delete documents (files)",
    "tune": "tune and compare (tune)",
    "admin": "everything (admin)",
}


def _model(name: str, told: str, active: bool) -> None:
    with node("div"):
        with node("span", classes="title"):
            node("span", f"{name} ")
            if active:
                badge("in use", "good")
        node("span", told, "where")


def _gate(model: StoredModel) -> str:
    gate = model.metrics.get("gate") or {}
    if not gate:
        return "Never measured."
    return "Passed its gate." if gate.get("passed") else "; ".join(gate.get("reasons", []))


def _key(key: ApiKey) -> None:
    told = [", ".join(key.scopes)]
    if key.collections is not None:
        told.append(f"collections {', '.join(key.collections)}")
    if key.groups is not None:
        told.append(f"groups {', '.join(key.groups)}")
    if key.used_at:
        told.append(f"last used {datetime.datetime.fromtimestamp(key.used_at):%Y-%m-%d}")
    with node("div"):
        with node("span", classes="title"):
            node("span", f"{key.name or key.id} ")
            if key.revoked_at is not None:
                badge("revoked")
        node("span", " · ".join(told), "where")


def _days(workspace: Workspace) -> dict[str, tuple[int, int, float]]:
    """Questions, tokens and money of each of the last days, oldest first."""
    today = datetime.date.today()
    days = [(today - datetime.timedelta(days=back)).isoformat() for back in range(DAYS - 1, -1, -1)]
    since = datetime.datetime.fromisoformat(days[0]).timestamp()
    asked: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    paid: dict[str, Decimal] = {}
    for stored in workspace.catalog.list_answers(None, since=since):
        day = datetime.date.fromtimestamp(stored.created_at).isoformat()
        usage = stored.answer["usage"]
        asked[day] += 1
        tokens[day] += usage["prompt_tokens"] + usage["completion_tokens"]
        paid[day] = paid.get(day, Decimal(0)) + Decimal(str(usage["cost_usd"]))
    return {day: (asked[day], tokens[day], float(paid.get(day, 0))) for day in days}


def _table(
    names: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()
) -> None:
    box = node("div", classes="scroll", tabindex="0", role="region", aria_label=names[0])
    with box, node("table"):
        with node("thead"), node("tr"):
            for place, name in enumerate(names):
                node("th", name, "number" if place in numbers else "", scope="col")
        with node("tbody"):
            for row in rows:
                with node("tr"):
                    for place, cell in enumerate(row):
                        node("td", cell, "number" if place in numbers else "")


def _shown(name: str, value: Any) -> str:
    """A setting; of an address the part that may hold a password is left out."""
    text = str(value)
    if name == "url" and "@" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return text or "–"


async def _attempt(work: Callable[[], Any], told: str) -> Any:
    """Do something that may be refused, and say how it went; None when it was."""
    try:
        result = await asyncio.to_thread(work)
    except GroundtoneError as error:
        announce(str(error), "bad")
        return None
    if told:
        announce(told)
    return result
