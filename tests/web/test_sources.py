"""What a citation points at, made ready to be shown; and who may see it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.web import sources
from groundtone.web.reading import plain, read
from groundtone.web.site import Site
from groundtone.web.sources import Cited
from groundtone.web.visitor import Sight, Visitor

TEXT = """# Rules

Be **kind** to `root`. Be brief.

- first
- second

| Who | What |
| --- | --- |
| all | rest |

2.1 Reset

Press it.
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Any:
    tmp_path = tmp_path_factory.mktemp("shown")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "rules.md").write_text(TEXT, "utf-8")
    (tmp_path / "notes" / "seats.csv").write_text('Desk,"Chairs, all"\nNorth,"4,17"\n', "utf-8")
    (tmp_path / "notes" / "board.md").write_text("---\ngroups: [board]\n---\n\nLobster.\n", "utf-8")
    with Workspace.create(tmp_path) as opened:
        opened.sync(tmp_path / "notes")
        yield opened


def lines(workspace: Workspace, path: str, quote: str) -> list[tuple[str, list[str], bool]]:
    """The lines shown for a quote: kind, cells, whether marked."""
    document = next(one for one in workspace.catalog.documents() if one.path == path)
    start = workspace.catalog.text(document.version).index(quote)
    cited = Cited(document.version, start, start + len(quote), quote=quote)
    found = sources.read(workspace, Sight(workspace, Visitor()), cited)
    assert found is not None
    return [
        (line.kind, ["".join(piece.text for piece in cell) for cell in line.cells], line.marked)
        for line in found.lines
        if line.kind != "gap"
    ]


def test_lines_are_told_by_kind_and_only_the_quote_is_marked(workspace: Workspace) -> None:
    assert lines(workspace, "rules.md", "Be brief.") == [
        ("heading", ["Rules"], False),
        ("text", ["Be kind to root. Be brief."], True),
        ("item", ["first"], False),
        ("item", ["second"], False),
        ("row", ["Who", "What"], False),
        ("row", ["all", "rest"], False),
        ("heading", ["2.1 Reset"], False),
        ("text", ["Press it."], False),
    ]


def test_separated_values_keep_quoted_separators_together(workspace: Workspace) -> None:
    assert lines(workspace, "seats.csv", 'North,"4,17"') == [
        ("row", ["Desk", '"Chairs, all"'], False),
        ("row", ["North", '"4,17"'], True),
    ]


def test_a_quote_is_marked_exactly(workspace: Workspace) -> None:
    document = next(d for d in workspace.catalog.documents() if d.path == "rules.md")
    start = TEXT.index("Be brief.")
    cited = Cited(document.version, start, start + 9)
    found = sources.read(workspace, Sight(workspace, Visitor()), cited)
    assert found is not None
    marked = [p.text for x in found.lines for cell in x.cells for p in cell if p.marked]
    assert marked == ["Be brief."]


@pytest.mark.parametrize(
    ("groups", "seen"),
    [(None, True), ({"board"}, True), ({"Board "}, True), (set(), False), ({"staff"}, False)],
)
def test_a_document_of_a_group_is_shown_to_the_group(
    workspace: Workspace, groups: set[str] | None, seen: bool
) -> None:
    document = next(d for d in workspace.catalog.documents() if d.path == "board.md")
    visitor = Visitor("key-1", groups=None if groups is None else frozenset(groups))
    sight = Sight(workspace, visitor)
    cited = Cited(document.version, 0, 5)
    assert (sources.read(workspace, sight, cited) is not None) is seen
    answer = {"passages": [{"version": document.version}]}
    assert sight.answer(answer) is seen


def test_a_session_is_signed_and_ends_with_its_key(workspace: Workspace) -> None:
    site = Site(workspace)
    assert site.visitor("") == Visitor()  # no keys: the owner
    key, secret = workspace.catalog.create_key(["chat"], collections=["default"])
    assert site.visitor("") is None
    assert site.sign_in("gt-00000000-wrong") is None
    cookie = site.sign_in(secret)
    assert cookie is not None and secret not in cookie
    holder = site.visitor(cookie)
    assert holder is not None and holder.collections == {"default"} and not holder.may("admin")
    body, _, signature = cookie.rpartition(".")
    assert site.visitor(f"{body}.{'0' * len(signature)}") is None
    assert site.visitor(f"{body[:-2]}.{signature}") is None
    assert Site(workspace).visitor(cookie) == holder  # another process of the same workspace
    workspace.catalog.revoke_key(key.id)
    assert site.visitor(cookie) is None


def test_an_answer_is_read_from_the_log() -> None:
    passage = {
        "rank": 2, "title": "Guide", "document": "g.md", "section": "2.1", "page": 3,
        "box": None, "shown": [], "start": 0, "end": 4, "text": "Text", "version": "v",
    }  # fmt: skip
    citation = {**passage, "marker": "[1]", "sentence": "So it is.", "quote": "Text", "passage": 2}
    answer = {
        "answer": "So it is. [1] Maybe. [not in the documents]",
        "refused": False,
        "rescued": False,
        "citations": [citation],
        "unsupported": ["Maybe.", "Never."],
        "verdicts": [
            {"sentence": "So it is.", "support": 0.9, "supported": True},
            {"sentence": "Maybe.", "support": 0.1, "supported": False},
            {"sentence": "Never.", "support": 0.0, "supported": False},
        ],
        "passages": [passage],
    }
    found = read(answer)
    assert [(s.text, [r.number for r in s.references]) for s in found.sentences] == [
        ("So it is.", [1]),
        ("Maybe.", []),
    ]
    assert found.left_out == ("Never.",)
    assert plain(found) == "So it is. [1] Maybe.\n\n[1] Guide, section 2.1, page 3"


def test_an_address_that_the_api_does_not_have_is_told_in_its_own_shape(
    workspace: Workspace,
) -> None:
    scope = {"type": "http", "method": "GET", "path": "/v1/nothing", "headers": []}
    answer = asyncio.run(Site(workspace).refuse(scope))
    assert answer.status_code == 404
    assert json.loads(answer.body)["error"]["code"] == "unknown_url"
