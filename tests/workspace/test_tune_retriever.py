"""Documents and questions made so that an adapter helps, or cannot."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.small_embedder import SmallEmbedder

from groundtone import Workspace
from groundtone.errors import WrongUse
from groundtone.evaluation.questions import Evidence, Question
from groundtone.retrieval import tuned as keeping
from groundtone.workspace.judged_questions import Asked, data_sha256, divide, grouped
from groundtone.workspace.retrieval import measure_retrieval
from groundtone.workspace.tune_retriever import tune

TOPICS = 44
POLITE = "kindly advise regarding"


class Synonyms(SmallEmbedder):
    """Knows that "yname" means "name": what vectors can tell and words cannot."""

    def __init__(self) -> None:
        super().__init__(64)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return super().embed([text.replace(" yq", " q") for text in texts])


def name(number: int) -> str:
    return f"q{chr(97 + number % 26)}{chr(97 + number // 26)}zor"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("tuned")
    docs = folder / "docs"
    docs.mkdir()
    for number in range(TOPICS):
        topic = name(number)
        text = f"Set the {topic} value with care. The {topic} lever moves part {number}.\n"
        (docs / f"{topic}.md").write_text(text)
    for number in range(14):  # what polite questions find instead
        (docs / f"letter-{number}.md").write_text(f"{POLITE} letter {number} {POLITE} matters.\n")
    with Workspace.create(folder / "kb") as opened:
        opened.__dict__["embedder"] = Synonyms()
        opened.sync(docs)
        yield opened


@pytest.fixture
def workspace(synced: Workspace) -> Iterator[Workspace]:
    facts = synced.catalog.facts()
    yield synced
    keeping.remove(synced.catalog)
    synced.catalog.remember_all(facts)


def polite(number: int) -> Question:
    doc = (Evidence(f"{name(number)}.md"),)
    return Question(str(number), f"{POLITE} the y{name(number)}", evidence=doc)


def plain(number: int) -> Question:
    topic = name(number)
    doc = (Evidence(f"{topic}.md"),)
    return Question(str(number), f"the {topic} lever of part {number}", evidence=doc)


POLITE_ONES = [polite(number) for number in range(TOPICS)]


def test_what_helps_is_accepted_used_shown_and_removed(workspace: Workspace) -> None:
    before = workspace.search(POLITE_ONES[0].question, 5)
    assert before[0].document.startswith("letter") and before[0].origin.tuned is None
    outcome = tune(workspace, POLITE_ONES, seed=1)
    told = outcome.to_json()
    assert outcome.passed and told["gate"]["difference"]["low"] > 0
    assert told["active"] == told["retriever"] and not outcome.weak
    json.dumps(told, allow_nan=False)
    found = workspace.search(POLITE_ONES[0].question, 5)
    assert found[0].document == f"{name(0)}.md"
    assert found[0].origin.tuned == told["active"]
    assert sum(found[0].origin.parts.values()) == pytest.approx(found[0].origin.fused)
    record = keeping.record(workspace.catalog)
    assert record is not None
    assert record["data_sha256"] == outcome.data_sha256 and record["seed"] == 1
    assert record["lineage"]["replaced"] is None and record["gate"]["passed"]
    assert workspace.catalog.list_models() == []
    # Another process sees it, a setting leaves it out, removing it gives back the old search.
    with Workspace.open(workspace.folder) as other:
        other.__dict__["embedder"] = Synonyms()
        assert other.search(POLITE_ONES[0].question, 5) == found
    off = measure_retrieval(workspace, POLITE_ONES, changes={"tuned": "no"})
    now = measure_retrieval(workspace, POLITE_ONES)
    assert np.mean(now.values()["nDCG@10"]) > np.mean(off.values()["nDCG@10"]) + 0.1
    assert keeping.remove(workspace.catalog) == told["active"]
    assert keeping.remove(workspace.catalog) is None
    assert workspace.search(POLITE_ONES[0].question, 5) == before
    assert not any("retriever" in key for key in workspace.catalog.facts())


def test_the_gate_measures_what_serves(workspace: Workspace) -> None:
    outcome = tune(workspace, POLITE_ONES)
    asked = [Asked("question", q.question, frozenset({q.evidence[0].doc})) for q in POLITE_ONES]
    _, held = divide(asked, 0, "question")
    texts = {one.text for one in held}
    questions = [q for q in POLITE_ONES if q.question in texts]
    now = measure_retrieval(workspace, questions).values()["nDCG@10"]
    before = measure_retrieval(workspace, questions, changes={"tuned": "no"}).values()["nDCG@10"]
    assert outcome.measured.difference.n == len(questions)
    assert outcome.measured.now == pytest.approx(np.mean(now))
    assert outcome.measured.before == pytest.approx(np.mean(before))


def test_what_does_not_help_is_refused_and_changes_nothing(workspace: Workspace) -> None:
    questions = [plain(number) for number in range(TOPICS)]
    facts = workspace.catalog.facts()
    before = workspace.search(questions[0].question)
    outcome = tune(workspace, questions)
    assert not outcome.passed and outcome.reasons and outcome.active is None
    assert workspace.catalog.facts() == facts
    assert workspace.search(questions[0].question) == before


def test_a_refused_one_leaves_the_one_in_use(workspace: Workspace) -> None:
    active = tune(workspace, POLITE_ONES).active
    refused = tune(workspace, [plain(number) for number in range(TOPICS)])
    assert not refused.passed and refused.active == active is not None


def test_the_same_seed_gives_the_same_retriever(workspace: Workspace) -> None:
    first = tune(workspace, POLITE_ONES, seed=3)
    second = tune(workspace, POLITE_ONES[::-1], seed=3)
    assert first.tuned is not None and second.tuned is not None
    assert first.tuned.name == second.tuned.name
    assert first.measured == second.measured and first.validation == second.validation


def test_another_embedding_model_turns_it_off_and_says_so(workspace: Workspace) -> None:
    active = tune(workspace, POLITE_ONES).active
    other = Synonyms()
    other.fingerprint = "another@64"
    with Workspace.open(workspace.folder) as changed:
        changed.__dict__["embedder"] = other
        changed.catalog.remember("embedding", other.fingerprint)
        found = changed.search(POLITE_ONES[0].question, 3)
        assert found[0].origin.tuned is None and found[0].document.startswith("letter")
        tuned, note = changed.retriever.tuned()
        assert tuned is None and active in note and "another@64" in note


def test_cosines_stay_those_of_the_question_as_it_was_embedded(workspace: Workspace) -> None:
    tune(workspace, POLITE_ONES)
    assert workspace.retriever.tuned()[0].adapter is not None
    question = POLITE_ONES[5].question
    vector = workspace.embedder.embed([question])[0]
    for passage in workspace.search(question, 5):
        chunk = workspace.catalog.chunks(passage.version)[passage.chunk]
        whole = workspace.catalog.text(passage.version)
        text = chunk.embedded(whole, chunk.windows.index(passage.window))
        expected = float(workspace.embedder.embed([text])[0] @ vector)
        assert passage.dense == pytest.approx(expected, abs=1e-4)


def test_too_few_questions_or_documents_say_how_many_are_needed(workspace: Workspace) -> None:
    with pytest.raises(WrongUse, match=r"29 questions .*30 are needed"):
        tune(workspace, POLITE_ONES[:29])
    gone = [Question(q.id, q.question, evidence=(Evidence("gone.md"),)) for q in POLITE_ONES]
    with pytest.raises(WrongUse, match=r"0 questions .*44 do not"):
        tune(workspace, gone)
    same = [Question(q.id, q.question, evidence=POLITE_ONES[0].evidence) for q in POLITE_ONES]
    with pytest.raises(WrongUse, match="1 groups"):
        tune(workspace, same)
    chained = [
        Question(q.id, q.question, evidence=(*q.evidence, *other.evidence))
        for q, other in itertools.pairwise(POLITE_ONES[:37])
    ]
    with pytest.raises(WrongUse, match="hang together"):
        tune(workspace, [*chained, *POLITE_ONES[37:]])


def test_documents_alone_are_tried_and_told_apart(workspace: Workspace, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    for number in range(40):
        topic = name(number + 60)
        text = f"# Guide to the {topic} lever\n\nA {topic} is a lever of the machine.\n"
        (more / f"{topic}.md").write_text(text)
    workspace.sync(more)
    outcome = tune(workspace)
    workspace.forget(more)
    assert outcome.weak and set(outcome.held_out) <= {"heading", "opening", "definition"}
    assert "weights" not in outcome.chosen
    assert set(outcome.kinds) == set(outcome.held_out)


def test_no_document_is_fitted_on_and_measured_on() -> None:
    asked = [
        Asked(
            "question",
            f"q{n}",
            frozenset({f"d{n % 20}", f"d{(n * 7) % 20}"} if n % 3 else {f"e{n}"}),
        )
        for n in range(90)
    ]
    weak = [Asked("heading", f"h{n}", frozenset({f"e{n}"})) for n in range(90)]
    training, held = divide([*asked, *weak], 0, "question")
    assert {one.kind for one in held} == {"question"}
    fitted_on = {document for one in training for document in one.documents}
    assert held and not fitted_on & {document for one in held for document in one.documents}
    assert 0.2 < len(held) / len(asked) < 0.55


def test_chained_questions_are_one_group() -> None:
    chain = [Asked("question", f"q{n}", frozenset({f"d{n}", f"d{n + 1}"})) for n in range(5)]
    alone = Asked("question", "other", frozenset({"x"}))
    found = grouped([*chain, alone])
    assert len({one.group for one in found}) == 2
    assert data_sha256(found) == data_sha256([*chain[::-1], alone])
