"""The README from its first command to its last, in one folder and on a cluster.

What differs is lines of `groundtone.toml`: Ray reads and embeds, PostgreSQL keeps the catalog,
pgvector the index. The chat model is tiny and random and its answers are shown as it wrote them, so
that a prompt which differed in one token would show.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.calling import EXAMPLES, ROOT, Result
from tests.cli.test_docs import commands
from tests.clusters import ray_cluster
from tests.server.serving import served
from tests.servers import postgres_server

from chat.small_model import write_model
from groundtone.cli import examples

pytestmark = pytest.mark.slow
for needed, extra in (("ray", "ray"), ("torch", "tune"), ("fastapi", "serve")):
    pytest.importorskip(needed, reason=f"the extra `{extra}` is not installed")

EMBEDDED = """[answer]
label = "[Source: {{title}}, Section {{section}}]"
refusal = "The manual does not answer this question."
passages = 2
check = "mark"

[chat]
model = "gguf:{base}"
max_tokens = 200
threads = 1
"""
SCALED = """
[scale]
ray = "{ray}"

[catalog]
url = "{postgres}"

[index]
store = "pgvector"
url = "{postgres}"
"""
TRAINING = (
    "tune run style.jsonl --suffix support --limit 12 --epochs 2 --contexts 2 --rank 4 --threads 1"
)
READ = ("account-management-guide.md", "error-code-reference.md", "installation-guide.pdf")
QUESTION = "How do I reset my password?"
SAME = ("init", "sync", "search", "ask 'How", "tune check", "compare", "serve docs")
"""Commands that must say the same in both; the others tell mostly times, and must work."""
DIFFER = frozenset(
    {
        "timings_ms", "seconds", "created_at", "html", "folder", "first_token_s", "left_s",
        "tokens_per_s", "latency_ms", "first_token_ms", "total_ms",
    }
)  # fmt: skip
"""What two runs of the same work tell differently."""
NAMES = re.compile(r"(ft:Tiny-Base:support:|run-)[0-9a-f]+")


@pytest.fixture(scope="module")
def scaled() -> Iterator[str]:
    """The lines that move a workspace, with everything that they name at work."""
    with postgres_server() as url, ray_cluster() as cluster:
        yield SCALED.format(ray=cluster.address, postgres=url)


def test_the_readme_gives_the_same_on_one_machine_and_beyond(
    call: Callable[..., Result],
    scaled: str,
    short_gate: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = write_model(tmp_path / "Tiny-Base.gguf", context=4096)
    told = {}
    for name, further in (("embedded", ""), ("scaled", scaled)):
        folder = tmp_path / name / "kb"  # of one name: results name their folder
        folder.mkdir(parents=True)
        examples.copy(EXAMPLES, folder)
        for path in (folder / "manual").iterdir():
            if path.name not in READ:
                path.unlink()
        (folder / "groundtone.toml").write_text(EMBEDDED.format(base=base) + further, "utf-8")
        monkeypatch.chdir(folder)
        told[name] = readme(call, folder)
    assert told["embedded"].keys() == told["scaled"].keys()
    for command, said in told["embedded"].items():
        if command.startswith(SAME):
            assert told["scaled"][command] == near(said), command
    assert not (tmp_path / "scaled" / "kb" / ".groundtone" / "catalog.db").exists()


def readme(call: Callable[..., Result], folder: Path) -> dict[str, Any]:
    """What each command of the README says in a workspace, in its order."""
    told: dict[str, Any] = {}

    def run(line: str, *codes: int) -> None:
        result = call(*shlex.split(line), "--json")
        assert result.code in (codes or (0,)), f"{line}\n{result.out[-2000:]}{result.err[-2000:]}"
        lines = line.startswith("tune run")
        said = [json.loads(one) for one in result.out.splitlines()] if lines else result.json
        told[line] = plain(said, folder)

    shown = commands(ROOT / "README.md")
    for words, codes, _ in shown:
        run(shlex.join(words), *codes)
    assert {words[0] for words, *_ in shown} >= {"init", "sync", "search", "ask", "doctor"}
    assert told["sync manual"]["added"] == len(READ)
    assert QUESTION in str(told)
    run(TRAINING, 0, 4)
    run("models use support --force")
    run(f"ask '{QUESTION}'")  # once more, in the place of the first: by the tuned model
    run("compare questions.jsonl --limit 2")
    told.pop("doctor")  # it tells where everything is
    with served(folder) as server:
        client = server.client()
        for model in ("docs", "Tiny-Base", "base"):
            if model not in {one.id for one in client.models.list().data}:
                continue
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": QUESTION}]
            )
            told[f"serve {model}"] = answer.choices[0].message.content
    assert told["serve docs"]
    return told


def plain(said: Any, folder: Path) -> Any:
    """What was said without times, drawn names and the folder's own path."""
    if isinstance(said, dict):
        kept = {key: value for key, value in said.items() if key not in DIFFER}
        return {plain(key, folder): plain(value, folder) for key, value in kept.items()}
    if isinstance(said, list | tuple):
        return [plain(one, folder) for one in said if not _tells_time(one)]
    if isinstance(said, str):
        return NAMES.sub(r"\1…", said).replace(str(folder), "…")
    return said


def _tells_time(said: Any) -> bool:
    """Whether it compares the times of two arms."""
    return isinstance(said, dict) and said.get("measure") in DIFFER


def near(said: Any) -> Any:
    """The same, figures within what two ways of adding up may differ by."""
    if isinstance(said, dict):
        return {key: near(value) for key, value in said.items()}
    if isinstance(said, list):
        return [near(one) for one in said]
    return pytest.approx(said, abs=2e-3) if isinstance(said, float) else said
