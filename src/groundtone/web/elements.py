"""Plain HTML elements, escaped by construction.

Every text goes through Vue as a text node and every attribute as an attribute: nothing that a
document, a model or a file name says can become markup. No page here makes HTML from strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

Handler = Callable[..., Any]


class Node(TextElement):
    """An HTML element of any name; its children are made inside ``with``."""


def node(tag: str, text: str = "", classes: str = "", **attributes: Any) -> Node:
    """An element.

    Args:
        text: shown as it is.
        classes: names with spaces between.
        attributes: underscores stand for hyphens (``aria_label``), one at the end is dropped
            (``for_``); None and False leave one out.
    """
    made = Node(tag=tag, text=text)
    if classes:
        made.classes(classes)
    attribute(made, **attributes)
    return made


def attribute(one: ui.element, **attributes: Any) -> None:
    """Set attributes of an element, or take away those that are None or False."""
    for name, value in attributes.items():
        name = name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            one.props.pop(name, None)
        else:
            one.props[name] = "" if value is True else value


def button(
    text: str, pressed: Handler, classes: str = "", *, icon: str = "", **attributes: Any
) -> Node:
    """A button with a text, an icon before it where `icon` names one (see `ICONS`)."""
    made = node("button", "" if icon else text, f"button {classes}", type="button", **attributes)
    if icon:
        with made:
            picture(icon)
            if text:
                node("span", text)
    made.on("click", pressed, args=[])
    return made


def link(text: str, to: str, classes: str = "", **attributes: Any) -> Node:
    """A link to an address of ours."""
    return node("a", text, classes, href=to, **attributes)


def choice(
    label: str,
    options: Iterable[tuple[str, str]],
    chosen: str,
    changed: Callable[[str], Any],
    classes: str = "",
) -> Node:
    """A drop-down list of (value, text), with its label beside it."""
    with node("label", classes=f"choice {classes}"):
        node("span", label, "choice-label")
        made = node("select")
        with made:
            for value, text in options:
                node("option", text, value=value, selected=value == chosen)
    made.on("change", lambda event: changed(event.args), js_handler="e => emit(e.target.value)")
    return made


def field(label: str, name: str, value: str = "", *, hint: str = "", **attributes: Any) -> Node:
    """A line of text to write in, with its label above and a hint below."""
    with node("label", classes="field"):
        node("span", label, "field-label")
        made = node("input", name=name, value=value or None, **{"type": "text", **attributes})
        if hint:
            node("span", hint, "hint")
    return made


def form(submitted: Callable[[dict[str, str]], Any], classes: str = "") -> Node:
    """A form; `submitted` is given its fields by name."""
    made = node("form", classes=classes)
    made.on(
        "submit.prevent",
        lambda event: submitted(event.args),
        js_handler="e => emit(Object.fromEntries([...new FormData(e.target)]"
        ".filter(([, value]) => typeof value === 'string')))",
    )
    return made


ICONS = {
    "ask": "M4 5h16v11H9l-5 4z",
    "documents": "M6 3h8l4 4v14H6z M14 3v4h4 M9 12h6 M9 16h6",
    "tune": "M5 7h8 M17 7h2 M15 5v4 M5 17h2 M11 17h8 M9 15v4 M5 12h14",
    "compare": "M12 4v16 M4 8h5 M4 12h5 M4 16h5 M15 8h5 M15 12h5 M15 16h5",
    "advise": "M12 3v3 M5 8l-2 6h4z M19 8l-2 6h4z M5 8h14 M12 6v14 M8 20h8",
    "settings": "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6 M12 3v3 M12 18v3 M3 12h3 M18 12h3 "
    "M5.6 5.6l2.1 2.1 M16.3 16.3l2.1 2.1 M5.6 18.4l2.1-2.1 M16.3 7.7l2.1-2.1",
    "history": "M4 12a8 8 0 1 0 3-6.2 M4 4v4h4 M12 8v4l3 2",
    "up": "M7 11v9H4v-9z M7 11l4-8c2 0 2.5 1.5 2 3.500L12.500 9H19l-1.500 11H7",
    "down": "M17 13V4h3v9z M17 13l-4 8c-2 0-2.500-1.500-2-3.500l.5-2.500H5L6.500 4H17",
    "copy": "M9 9h10v11H9z M5 15V4h10",
    "share": "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.600-5.600l-1.500 1.500 "
    "M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.600 5.600l1.500-1.500",
    "close": "M6 6l12 12 M18 6L6 18",
    "send": "M12 19V5 M6 11l6-6 6 6",
    "stop": "M7 7h10v10H7z",
    "add": "M12 5v14 M5 12h14",
    "theme": "M12 4a8 8 0 1 0 0 16z M12 4a8 8 0 0 1 0 16",
    "upload": "M12 16V5 M7 10l5-5 5 5 M5 19h14",
    "sync": "M5 12a7 7 0 0 1 12-5l2 2 M19 5v4h-4 M19 12a7 7 0 0 1-12 5l-2-2 M5 19v-4h4",
    "delete": "M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13",
    "look": "M3 12c4-7 14-7 18 0c-4 7-14 7-18 0 M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6",
    "mark": "M5 12l5 5 9-10",
    "leave": "M10 4H5v16h5 M15 8l4 4-4 4 M19 12H9",
}
"""Drawn for this page, on a field of 24 × 24."""


def picture(name: str) -> Node:
    """One of our icons: decoration, hidden from screen readers."""
    made = node("svg", classes="icon", viewBox="0 0 24 24", aria_hidden="true", focusable="false")
    with made:
        node("path", d=ICONS[name])
    return made


def empty(title: str, text: str) -> Node:
    """What stands where nothing is yet: what it is for, and what to do next."""
    made = node("div", classes="empty")
    with made:
        node("h2", title)
        node("p", text)
    return made


def badge(text: str, kind: str = "") -> Node:
    """A short word on a state: ``good``, ``bad``, ``busy`` or none of these."""
    return node("span", text, f"badge {kind}")
