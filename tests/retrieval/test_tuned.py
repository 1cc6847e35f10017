from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from groundtone.catalog import Catalog
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.fusion import WEIGHTS
from groundtone.retrieval.tuned import RECORD, Tuned


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


def made(name: str = "retriever:1", *, adapter: bool = True) -> Tuned:
    values = np.random.default_rng(0).normal(size=(8, 8)) / 10 if adapter else None
    return Tuned(name, "small@8", {**WEIGHTS, "words": 1.5}, values)


def test_what_is_kept_is_read_again(catalog: Catalog) -> None:
    keeping.save(catalog, made(), {"seed": 3})
    read = keeping.load(catalog, catalog.fact(RECORD) or "")
    assert read is not None and read.adapter is not None
    assert (read.name, read.embedding, read.weights["words"]) == ("retriever:1", "small@8", 1.5)
    assert np.allclose(read.adapter, made().adapter, atol=1e-3)
    assert keeping.record(catalog)["seed"] == 3
    # What was read is kept as it is: half precision loses nothing a second time.
    assert keeping.packed(read.adapter) == keeping.packed(
        keeping.unpacked(keeping.packed(read.adapter))
    )


def test_another_one_takes_its_place_and_leaves_nothing(catalog: Catalog) -> None:
    keeping.save(catalog, made(), {})
    first = catalog.fact(RECORD) or ""
    keeping.save(catalog, made("retriever:2", adapter=False), {})
    assert keeping.load(catalog, first) is None
    assert keeping.load(catalog, catalog.fact(RECORD) or "").adapter is None
    assert keeping.remove(catalog) == "retriever:2"
    assert keeping.remove(catalog) is None and keeping.record(catalog) is None
    assert not [key for key in catalog.facts() if key.startswith(RECORD)]


def test_an_adapted_vector_has_length_1() -> None:
    vector = np.eye(8, dtype=np.float32)[0]
    turned = made().adapted(vector)
    assert turned.dtype == np.float32 and np.linalg.norm(turned) == pytest.approx(1)
    assert not np.allclose(turned, vector)
    assert made(adapter=False).adapted(vector) is vector
    gone = Tuned("retriever:3", "small@8", WEIGHTS, -np.eye(8))
    assert gone.adapted(vector) is vector  # nothing would be left of it


def test_its_identity_follows_from_what_it_changes(catalog: Catalog) -> None:
    keeping.save(catalog, made(), {"seed": 3})
    read = keeping.load(catalog, catalog.fact(RECORD) or "")
    assert read is not None and read.identity == made().identity
    assert made().identity.startswith("retriever:1 ")
    others = [
        made("retriever:2"),
        made(adapter=False),
        Tuned("retriever:1", "small@8", WEIGHTS, made().adapter),
        Tuned("retriever:1", "other@8", made().weights, made().adapter),
    ]
    assert len({made().identity, *(one.identity for one in others)}) == 5
