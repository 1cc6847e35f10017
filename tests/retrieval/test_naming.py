from __future__ import annotations

from pathlib import Path

import pytest
from tests.retrieval.test_retriever import retriever
from tests.syncing.place import Place

from groundtone.retrieval.naming import SHORT, lowered, names, numbered, strangers


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What did Borealis earn?", ("borealis",)),
        ("Borealis's profit?", ("borealis",)),
        ("Borealis earned what?", ()),  # each sentence begins with a capital
        ("BOREALIS earned what?", ("borealis",)),
        ("Tell me more. How does eBay sell? Ask Kelp & Sons.", ("ebay", "kelp", "sons")),
        ("how do i reset my password", ()),
        ("Is R&D in it, or Ax?", ("r&d",)),
        ("", ()),
        ("Of Aaa Bbb Ccc Ddd Eee Fff Ggg", ("aaa", "bbb", "ccc", "ddd", "eee", "fff")),
    ],
)
def test_names_have_capitals(question: str, found: tuple[str, ...]) -> None:
    assert names(question) == found


def test_what_has_digits_is_told_by_paths() -> None:
    assert numbered("Profit of Q3 2023 (EC2)?") == ("q3", "2023", "ec2")
    assert numbered("reports/2023_q3-AAPL.pdf") == ("2023", "q3")
    documents = {"a": "2023 Q3 Kelp.pdf", "b": "2023 Q2 Kelp.pdf", "c": "2022 Q3 Kelp.pdf"}
    assert strangers("What of Q3 2023?", documents, lambda _: ()) == {"b": 0.5, "c": 0.5}
    assert strangers("What of Q3?", documents, lambda _: ()) == {"b": 1.0}


def test_names_and_figures_count_apart() -> None:
    documents = {"a": "2023 Q3 Kelp.pdf", "b": "2023 Q3 Pine.pdf", "c": "2022 Q2 Pine.pdf"}
    found = strangers("What did Kelp earn in Q3 2023?", documents, lambda _: ("a",))
    assert found == {"b": 1.0, "c": 2.0}


def test_the_latest_is_the_last_of_those_that_know_the_name() -> None:
    documents = {"a": "Kelp old", "b": "Kelp new", "c": "Pine newest", "d": "undated"}
    ends = {"a": (2022, 9, 31), "b": (2023, 6, 31), "c": (2023, 9, 31)}
    knowing = ("a", "b")
    found = strangers("What is Kelp's latest profit?", documents, lambda _: knowing, ends)
    assert found == {"a": 1.0, "c": 1.0, "d": 1.0}
    found = strangers("What is the latest profit?", documents, lambda _: knowing, ends)
    assert found == {"a": 1.0, "b": 1.0}  # of no name: the last of all; the undated stays
    assert strangers("What is the latest?", documents, lambda _: (), {}) == {}
    same = dict.fromkeys(documents, (2023, 6, 31))
    assert strangers("What is the latest?", documents, lambda _: (), same) == {}


def test_a_name_that_all_or_none_know_tells_nothing() -> None:
    documents = {"a": "one", "b": "two"}
    assert strangers("What of Kelp?", documents, lambda _: ("a", "b")) == {}
    assert strangers("What of Kelp?", documents, lambda _: ()) == {}
    assert strangers("What of Kelp?", documents, lambda _: ("b",)) == {"a": 1.0}
    assert strangers("What of Kelp?", {"a": "one"}, lambda _: ()) == {}


def test_the_share_that_is_missing_lowers_a_score() -> None:
    assert lowered(0.5, 1.0) == pytest.approx(-0.1)
    assert lowered(0.5, 0.5) == pytest.approx(-0.05)


def test_the_report_of_another_company_comes_after(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    rest = "".join(f"## Part {n}\n\n{'Other text. ' * 300}\n\n" for n in range(SHORT))
    paragraph = "The Company bought back shares for {} million in the quarter.\n"
    place.write(
        "one.md", f"# Report\n\nOf Kelp Incorporated.\n\n## Shares\n\n{paragraph.format(4)}\n{rest}"
    )
    place.write("two.md", f"# Report\n\nOf Borealis.\n\n## Shares\n\n{paragraph.format(7)}\n{rest}")
    place.sync()
    for name, path, sum_ in (("Kelp", "one.md", "4"), ("Borealis", "two.md", "7")):
        question = f"For how many million did {name} buy back shares in the quarter?"
        first, second, *_ = [
            found for found in retriever(place).search(question, 4) if "bought back" in found.text
        ]
        assert first.document == path and sum_ in first.text
        assert first.origin is not None and "names" not in first.origin.parts
        assert second.origin is not None and second.origin.parts["names"] < 0
        assert sum(second.origin.parts.values()) == pytest.approx(second.origin.fused)
    place.close()


def test_the_latest_report_comes_first(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    rest = "".join(f"## Part {n}\n\n{'Other text. ' * 300}\n\n" for n in range(SHORT))
    for path, sum_ in (("2022-11.md", 4), ("2023-02.md", 7), ("2023-01.md", 5)):
        said = f"The Company bought back shares for {sum_} million in the quarter."
        place.write(path, f"# Report\n\n## Shares\n\n{said}\n\n{rest}")
    place.sync()
    question = "For how many million did the Company buy back shares in the latest quarter?"
    found = [one for one in retriever(place).search(question, 6) if "bought back" in one.text]
    assert found[0].document == "2023-02.md"
    assert [one.origin is not None and "names" in one.origin.parts for one in found] == [
        False,
        True,
        True,
    ]
    place.close()


def test_a_short_report_was_read_by_the_search_for_words(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    for name, path in (("Kelp", "one.md"), ("Borealis", "two.md")):
        place.write(path, f"# Report of {name}\n\nThe Company bought back shares.\n")
    place.sync()
    for found in retriever(place).search("How many shares did Kelp buy back?", 2):
        assert found.origin is not None and "names" not in found.origin.parts
    place.close()
