"""What is measured of a tuned retriever is the order in which the search returns documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder

from groundtone import Workspace
from groundtone.retrieval.naming import SHORT
from groundtone.workspace.judged_questions import Asked
from groundtone.workspace.judged_search import Search


@pytest.mark.parametrize(("name", "path"), [("Kelp", "one.md"), ("Borealis", "two.md")])
def test_names_of_a_question_count_as_when_serving(tmp_path: Path, name: str, path: str) -> None:
    """Two reports say "the Company": only elsewhere do they say which."""
    rest = "".join(f"## Part {n}\n\n{'Other text. ' * 300}\n\n" for n in range(SHORT))
    said = "## Shares\n\nThe Company bought back shares in the quarter.\n\n"
    docs = tmp_path / "docs"
    docs.mkdir()
    for file, company in (("one.md", "Kelp"), ("two.md", "Borealis")):
        (docs / file).write_text(f"# Report\n\n{said}{rest}## Last\n\nOf {company}.\n")
    question = f"Did the company of {name} buy back shares in the quarter?"
    with Workspace.create(tmp_path / "kb") as workspace:
        workspace.__dict__["embedder"] = SmallEmbedder()
        workspace.sync(docs)
        [trace] = workspace.retriever.traces([question])
        served = list(dict.fromkeys(trace.paths[version] for version, _ in trace.order))
        search = Search(workspace, {one.version: one.path for one in workspace.catalog.documents()})
        [vector] = workspace.embedder.embed([question])
        one = Asked("question", question, frozenset({path}))
        assert search.order(one, vector, None) == served
        assert served[0] == path
