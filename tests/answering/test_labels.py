"""Citation labels: rendered by code, found and removed in what models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering.labels import LabelTemplate, attach, footnote, hints, strip

SOURCE = LabelTemplate("[Source: {title}, Section {section}]")


def test_a_rendered_label_is_found_again_with_its_fields() -> None:
    label = SOURCE.render(n=1, title="Guide (2nd)", section="2.1", document="g.md", page=None)
    match = SOURCE.pattern().fullmatch(label)
    assert match is not None
    assert match.groupdict() == {"title": "Guide (2nd)", "section": "2.1"}


def test_a_missing_section_or_page_leaves_no_hole() -> None:
    assert (
        SOURCE.render(n=1, title="Guide", section="", document="g.md", page=None)
        == "[Source: Guide]"
    )
    paged = LabelTemplate("[{title}, page {page}]")
    assert paged.render(n=1, title="Guide", section="", document="g.pdf", page=None) == "[Guide]"
    assert paged.render(n=1, title="Guide", section="", document="g.pdf", page=7) == (
        "[Guide, page 7]"
    )


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("Go there. [Source: Guide, Section 2.1]", "Go there."),
        ("Go there [1]. Then here [2, 3].", "Go there. Then here."),
        ("Cut short. [Source: Account Man", "Cut short."),
        ("A [link](x) stays, [brackets] too.", "A [link](x) stays, [brackets] too."),
        ("[Source: Guide]", ""),
    ],
)
def test_labels_are_removed_whole_or_cut_short(written: str, bare: str) -> None:
    assert strip(written) == bare


@pytest.mark.parametrize(
    "code",
    [
        "Use sys.argv[1] to read it, then call items[0].",
        "Write `x[1]` there.",
        "It is row[2].name, or my_list[3].",
        "Set part[1] = 3.",
    ],
)
def test_an_index_in_code_is_no_label(code: str) -> None:
    assert strip(code) == code
    assert strip(f"{code} [2]") == code
    assert hints(f"{code} [2]", [("A", ""), ("B", ""), ("C", "")]) == {1}


@pytest.mark.parametrize("written", ["It is 30 days[1].", "See version 1.2[3].", "Go [1][2]."])
def test_a_label_may_stand_close_to_its_sentence(written: str) -> None:
    assert "[" not in strip(written)


def test_closing_labels_stand_once_each_and_numbers_after_their_sentences() -> None:
    said = ["One.", "Two.", "Three."]
    assert attach(said, [["[S]"], [], ["[S]"]], per_sentence=False) == "One. Two. Three. [S]"
    several = [["[1]"], [], ["[2]", "[3]"]]
    assert attach(said, several, per_sentence=True) == "One. [1] Two. Three. [2][3]"


@given(st.text(alphabet=st.characters(exclude_characters="[]"), max_size=200))
def test_text_without_brackets_is_left_alone(text: str) -> None:
    assert strip(text) == text.strip()


def test_the_models_own_labels_are_hints() -> None:
    places = [("Guide", "1"), ("FAQ", ""), ("Guide", "2.1")]
    assert hints("Press N [2]. Then M [1, 3].", places) == {0, 1, 2}
    assert hints("Press N. [Source: Guide, Section 2.1]", places) == {2}
    assert hints("Press N. [Source: FAQ]", places) == {1}
    assert hints("Press N [9]. [Source: Nowhere, Section 1]", places) == frozenset()


def test_a_footnote_names_the_place() -> None:
    line = footnote(n=2, title="Guide", section="", document="g.pdf", page=7)
    assert line == "[^2]: Guide (g.pdf, page 7)"
    assert LabelTemplate("[^{n}]").footnotes
