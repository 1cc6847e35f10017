from __future__ import annotations

import pytest

from groundtone.catalog import DocumentInfo
from groundtone.retrieval.dating import asks_latest, end, stated_end


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2023 Q3 Kelp.pdf", (2023, 9, 31)),
        ("q2-2023.md", (2023, 6, 31)),
        ("3Q 2022.pdf", (2022, 9, 31)),
        ("FY2023Q1", (2023, 3, 31)),
        ("FY2023.pdf", (2023, 12, 31)),
        ("reports/2023-07/kelp.md", (2023, 7, 31)),
        ("2023/07/15/kelp.md", (2023, 7, 15)),
        ("20230701_minutes.md", (2023, 7, 1)),
        ("2023-12-01T10:00:00Z", (2023, 12, 1)),
        ("July 2023", (2023, 7, 31)),
        ("July 1, 2023", (2023, 7, 1)),
        ("1 July 2023", (2023, 7, 1)),
        ("2021/2023 Jan.md", (2023, 1, 31)),
        ("Report 2022–2023", (2023, 12, 31)),
        ("Made in 2023, 45 pages", (2023, 12, 31)),
        ("rfc-1149.md", None),
        ("120230701.md", None),
        ("notes.md", None),
        ("", None),
    ],
)
def test_the_last_time_that_is_named(text: str, ends: tuple[int, int, int] | None) -> None:
    assert stated_end(text) == ends


def test_a_later_time_is_greater() -> None:
    said = ["2022", "Q1 2023", "2023-04-02", "May 2023", "Q2 2023", "2023"]
    ends = [stated_end(text) for text in said]
    assert None not in ends
    assert ends == sorted(ends, key=lambda found: found or (0, 0, 0))


def _document(path: str, title: str = "", **metadata: object) -> DocumentInfo:
    return DocumentInfo("v", 1, path, title, "text/plain", 1, 1, 1, 0.0, path, metadata, "")


def test_the_path_comes_first_and_then_what_the_document_says() -> None:
    assert end(_document("2023 Q3.pdf", "Of 2022", date="2021-01-01")) == (2023, 9, 31)
    assert end(_document("kelp.pdf", "Report of May 2022", date="2021-01-01")) == (2022, 5, 31)
    assert end(_document("kelp.pdf", "Kelp", date="2021-01-02")) == (2021, 1, 2)
    assert end(_document("kelp.pdf", subject="For the period ended 2022-06-25")) == (2022, 6, 25)
    assert end(_document("kelp.pdf", date=["2021"])) is None


def test_who_asks_for_the_latest() -> None:
    assert asks_latest("What did Kelp earn in its most recent report?")
    assert asks_latest("Latest figures?") and asks_latest("the newest one")
    assert not asks_latest("What did Kelp earn?")
    assert not asks_latest("What was translatest?")
