from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from groundtone.catalog import Catalog, StoredAnswer, StoredModel, StoredRun
from groundtone.errors import WrongUse

MODEL = StoredModel("ft:base:style:1", "base", "lora", "/a.gguf", "00", {"r": 16}, {"f1": 0.5}, 1.0)


@pytest.fixture
def catalog(where: str | Path) -> Iterator[Catalog]:
    catalog = Catalog(where)
    yield catalog
    catalog.close()


def test_models_are_kept(catalog: Catalog) -> None:
    catalog.put_model(MODEL)
    assert catalog.get_model(MODEL.name) == MODEL
    assert catalog.get_model("other") is None
    changed = replace(MODEL, metrics={"f1": 0.7})
    catalog.put_model(changed)
    assert catalog.list_models() == [changed]
    assert catalog.delete_model(MODEL.name) and not catalog.delete_model(MODEL.name)


def test_the_active_model_can_be_rolled_back(catalog: Catalog) -> None:
    second = replace(MODEL, name="ft:base:style:2")
    catalog.put_model(MODEL)
    catalog.put_model(second)
    assert catalog.active_model() is None
    catalog.activate(MODEL.name)
    catalog.activate(second.name, reason="better format")
    assert catalog.active_model() == second.name
    assert catalog.rollback() == MODEL.name
    catalog.activate(None)
    assert catalog.active_model() is None
    assert catalog.rollback() == MODEL.name
    assert catalog.rollback() is None
    with pytest.raises(WrongUse, match="no earlier"):
        catalog.rollback()
    history = catalog.activation_history()
    assert [step.model for step in history] == [MODEL.name, second.name, None]
    assert history[1].reason == "better format"
    assert all(step.undone_at for step in history)


def test_putting_a_model_again_keeps_it_active(catalog: Catalog) -> None:
    catalog.put_model(MODEL)
    catalog.activate(MODEL.name)
    catalog.put_model(replace(MODEL, metrics={}))
    assert catalog.active_model() == MODEL.name


def test_a_model_in_use_is_not_deleted_and_an_unknown_one_not_used(catalog: Catalog) -> None:
    catalog.put_model(MODEL)
    catalog.activate(MODEL.name)
    with pytest.raises(WrongUse, match="in use"):
        catalog.delete_model(MODEL.name)
    with pytest.raises(WrongUse, match="models list"):
        catalog.activate("nobody")
    catalog.rollback()
    assert catalog.delete_model(MODEL.name)
    assert catalog.active_model() is None


def test_runs_are_followed(catalog: Catalog) -> None:
    catalog.put_run(StoredRun("r1", "running", created_at=1.0))
    catalog.put_run(StoredRun("r2", "queued", settings={"epochs": 1}, created_at=2.0))
    catalog.update_run("r1", status="done", model=MODEL.name, progress={"step": 9})
    run = catalog.get_run("r1")
    assert run is not None
    assert (run.status, run.model, run.progress) == ("done", MODEL.name, {"step": 9})
    assert [run.id for run in catalog.list_runs()] == ["r2", "r1"]
    assert catalog.list_runs(limit=1)[0].settings == {"epochs": 1}
    assert catalog.get_run("r3") is None


def test_answers_are_logged_newest_first(catalog: Catalog) -> None:
    for number in range(3):
        catalog.put_answer(
            StoredAnswer(str(number), f"q{number}?", "base", {"text": "ü"}, float(number))
        )
    assert [answer.id for answer in catalog.list_answers(limit=2)] == ["2", "1"]
    assert catalog.list_answers()[0].answer == {"text": "ü"}
    count, first = catalog.count_answers()
    assert (count, first) == (3, catalog.list_answers()[-1].created_at)
