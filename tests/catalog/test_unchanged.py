from __future__ import annotations

from pathlib import Path

from groundtone.catalog import Catalog
from groundtone.catalog.unchanged import Unchanged


def test_what_another_catalog_writes_is_seen_at_once(where: str | Path) -> None:
    one, other = Catalog(where), Catalog(where)
    for number in range(3):
        writer, reader = (one, other) if number % 2 else (other, one)
        writer.remember("index", str(number))
        writer.add_source(f"docs{number}", "kept" if number else "default")
        for catalog in (reader, writer):
            for _ in range(2):
                assert catalog.fact("index") == str(number)
                assert catalog.facts("index", "none") == {"index": str(number)}
                assert len(catalog.sources()) == number + 1
                assert (catalog.collection("kept") is None) == (number == 0)
    one.forget("index")
    assert one.fact("index") is other.fact("index") is None
    one.close()
    other.close()


def test_callers_may_change_what_they_got(where: str | Path) -> None:
    catalog = Catalog(where)
    catalog.remember("a", "1")
    catalog.facts("a").clear()
    catalog.sources().append(catalog.add_source("docs"))
    assert catalog.facts("a") == {"a": "1"} and len(catalog.sources()) == 1
    catalog.close()


def test_nothing_is_asked_twice_until_somebody_writes(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    kept = Unchanged(str(tmp_path / "catalog.db"))
    asked: list[str] = []

    def ask() -> int:
        asked.append("")
        return len(asked)

    assert [kept.answer("a", ask), kept.answer("a", ask), kept.answer("b", ask)] == [1, 1, 2]
    catalog.remember("a", "1")
    assert [kept.answer("a", ask), kept.answer("a", ask)] == [3, 3]
    kept.close()
    catalog.remember("a", "2")
    assert kept.answer("a", ask) == 4
    kept.close()
    catalog.close()


def test_without_a_file_everything_is_asked() -> None:
    kept, asked = Unchanged(None), iter(range(9))
    assert [kept.answer("a", lambda: next(asked)) for _ in range(3)] == [0, 1, 2]
    catalog = Catalog("sqlite://")
    catalog.remember("a", "1")
    catalog.remember("a", "2")
    assert catalog.fact("a") == "2"
    catalog.close()
