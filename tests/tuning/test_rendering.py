"""Which label of an example names a place in the documents."""

from __future__ import annotations

import pytest
from tests.answering.scripted import Found, Scripted, answerer, passage

from groundtone.retrieval import Passage
from groundtone.tuning.examples import Example
from groundtone.tuning.rendering import Renderer, Report

TRASH = passage("Deleted boards stay in the trash for 30 days.", title="Trash", section="3.1")


class Manual(Found):
    """Finds passages by their place, too."""

    def where(self, **place: str) -> list[Passage]:
        return [p for p in self.passages if all(getattr(p, n) == v for n, v in place.items())]


@pytest.mark.parametrize(
    ("template", "label", "unresolved"),
    [
        ("[{n}]", "[1]", []),
        ("[^{n}]", "[^1]", []),
        ("", "[1]", []),
        ("[{title}, {section}]", "[Trash, 3.1]", []),
        ("[{title}, {section}]", "[Trash, 9.9]", [7]),
        ("[Source: {title}, {n}]", "[Source: Nothing, 1]", [7]),
    ],
)
def test_a_label_is_unresolved_only_if_it_names_a_place(
    template: str, label: str, unresolved: list[int]
) -> None:
    engine, manual = Scripted(), Manual(TRASH)
    renderer = Renderer(
        manual,  # type: ignore[arg-type]
        answerer(engine, manual),
        engine,
        label=template,
        refusal="No.",
        passages=3,
        invocation=[0],
        end="end",
    )
    report = Report()
    example = Example(7, "", (), "How long?", f"{TRASH.text} {label}")
    assert renderer.gold(example, [TRASH], report) == [TRASH]
    assert report.unresolved == unresolved
