"""The tools, called by the protocol's own client: in this process, over stdio, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.calling import ROOT

from groundtone import Workspace
from groundtone.mcp.tools import MOST_CHARACTERS, Tools

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
COMMAND = ("-m", "groundtone.cli.main", "mcp")


def talk(server: Any, what: Callable[[Any], Awaitable[Any]]) -> Any:
    """Connect, do, and leave."""

    async def all_of_it() -> Any:
        async with mcp.Client(server, read_timeout_seconds=120) as client:
            return await what(client)

    return asyncio.run(all_of_it())


def structured(result: Any) -> Any:
    assert not result.is_error, result.content
    return result.structured_content


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Iterator[Workspace]:
    """Two collections; one document is for the finance group alone."""
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "open").mkdir()
    (folder / "other").mkdir()
    (folder / "open" / "door.md").write_text("# Door\n\nThe blue key opens the front door.\n")
    (folder / "open" / "pay.md").write_text(
        "---\ngroups: [finance]\n---\n# Pay\n\nThe safe's key lies in the blue drawer.\n"
    )
    (folder / "other" / "door.md").write_text("# Gate\n\nThe red key opens the garden gate.\n")
    (folder / "open" / "long.md").write_text("# Long\n\n" + "word " * MOST_CHARACTERS)
    with Workspace.create(folder / "kb") as workspace:
        workspace.sync(folder / "open")
        workspace.create_collection("garden")
        workspace.sync(folder / "other", collection="garden")
        yield workspace


def served(workspace: Workspace, **limits: Any) -> Any:
    from groundtone.mcp import serving

    return serving.serve(Tools(workspace, **limits))


def test_the_tools_say_what_they_are(shared: Workspace) -> None:
    tools = talk(served(shared), lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "ask", "open_document"]
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.input_schema["properties"]


def found(workspace: Workspace, question: str, **limits: Any) -> set[str]:
    result = talk(
        served(workspace, **limits),
        lambda client: client.call_tool("search", {"question": question, "k": 20}),
    )
    return {passage["title"] for passage in structured(result)["passages"]}


def test_collections_and_groups_bound_what_is_found(shared: Workspace) -> None:
    assert {"Door", "Pay", "Gate"} <= found(shared, "Where is the key?")
    assert found(shared, "Where is the key?", collections=["garden"]) == {"Gate"}
    assert "Pay" not in found(shared, "Where is the key?", groups=[])
    assert "Pay" in found(shared, "Where is the key?", groups=["finance"])


def opened(workspace: Workspace, limits: dict[str, Any], **arguments: Any) -> Any:
    return talk(
        served(workspace, **limits), lambda client: client.call_tool("open_document", arguments)
    )


def test_a_document_that_may_not_be_seen_does_not_exist(shared: Workspace) -> None:
    told = structured(opened(shared, {}, document="pay.md"))
    assert "blue drawer" in told["text"]
    for limits in ({"groups": []}, {"collections": ["garden"]}):
        refused = opened(shared, limits, document="pay.md")
        assert refused.is_error
        assert "There is no document 'pay.md'" in refused.content[0].text
        missing = opened(shared, limits, document="nothing.md")
        same = refused.content[0].text.replace("pay.md", "nothing.md")
        assert missing.content[0].text == same, "neither says more than the other"


def test_a_document_is_read_in_parts(shared: Workspace) -> None:
    whole = structured(opened(shared, {}, document="long.md"))
    assert (whole["start"], whole["end"]) == (0, MOST_CHARACTERS)
    assert whole["characters"] > MOST_CHARACTERS
    rest = structured(opened(shared, {}, document="long.md", start=whole["end"] - 2, end=10**9))
    assert rest["start"] == MOST_CHARACTERS - 2
    assert rest["text"][:2] == whole["text"][-2:]
    assert structured(opened(shared, {}, document="long.md", start=-5, end=3))["text"] == "# L"


def test_a_path_in_two_sources_needs_its_source(shared: Workspace) -> None:
    both = opened(shared, {}, document="door.md")
    assert both.is_error
    assert "several sources" in both.content[0].text
    garden = next(one.path for one in shared.catalog.sources() if one.collection == "garden")
    assert "red key" in structured(opened(shared, {}, document="door.md", source=garden))["text"]
    inside = structured(opened(shared, {"collections": ["garden"]}, document="door.md"))
    assert inside["title"] == "Gate"


def test_wrong_use_is_told_in_words(shared: Workspace) -> None:
    for tool, arguments, words in (
        ("search", {"question": "  "}, "The question is empty"),
        ("search", {"question": "x", "where": ["colour=red"]}, "No document has an attribute"),
        ("ask", {"question": ""}, "The question is empty"),
    ):
        result = talk(served(shared), lambda client, t=tool, a=arguments: client.call_tool(t, a))
        assert result.is_error
        assert words in result.content[0].text


@pytest.mark.slow
def test_over_standard_input_and_output(manual: Path, smollm: Path) -> None:
    server = mcp.StdioServerParameters(
        command=sys.executable, args=[*COMMAND, "--workspace", str(manual)], env=ENVIRONMENT
    )

    async def use(client: Any) -> tuple[Any, Any, Any]:
        search = await client.call_tool("search", {"question": "reset my password", "k": 2})
        answer = await client.call_tool("ask", {"question": "How do I reset my password?"})
        passage = search.structured_content["passages"][0]
        span = {key: passage[key] for key in ("document", "start", "end")}
        return search, answer, await client.call_tool("open_document", span)

    search, answer, text = talk(server, use)
    passage = structured(search)["passages"][0]
    assert structured(text)["text"] == passage["text"], "what was found can be opened"
    told = structured(answer)
    assert {"answer", "refused", "citations", "usage"} <= told.keys()
    assert "passages" not in told


def test_over_http_on_this_machine(manual: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--http", "--port", "0", "--json", "-w", str(manual)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["url"].startswith("http://127.0.0.1:")
        result = talk(
            told["url"],
            lambda client: client.call_tool("search", {"question": "reset my password", "k": 1}),
        )
        assert "assword" in structured(result)["passages"][0]["text"]
    finally:
        process.terminate()
        process.wait(timeout=180)


def test_a_collection_that_is_not_there_is_named_at_once(call, manual: Path) -> None:
    result = call("mcp", "--collection", "nothing", "--workspace", manual)
    assert result.code == 2
    assert "nothing" in result.err
