"""Questions that rules make of sentences, and sentences they leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.tuning.draft_rules import drafts_of, names_of, plain

TABLE = """| Code | Meaning | What to do | Retries |
| --- | --- | --- | --- |
| E-7 | The lamp is broken. | Change the lamp. | 3 |
| E-9 | The fuse is gone. | Buy a fuse. | no |
"""


def made(text: str, *headings: str) -> list[tuple[str, str]]:
    return [(f.question, f.answer) for f in drafts_of(text, headings, names_of(text))]


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Open Lamps > Bin to restore a lamp.", "How do I restore a lamp?"),
        ("To restore a lamp, open the bin of lamps.", "How do I restore a lamp?"),
        ("Run lamp prune to delete old lamps.", "Which command do I run to delete old lamps?"),
        ("Add the option --all to show every lamp.", "Which option do I use to show every lamp?"),
        ("For LMP-12, change the lamp at the door.", "What do I do about LMP-12?"),
        (
            "Deleted lamps stay in the bin for 30 days.",
            "How long do deleted lamps stay in the bin?",
        ),
        ("A trial of the lamp lasts 28 days.", "How long does a trial of the lamp last?"),
        ("A house may have up to 15 lamps.", "How many lamps can a house have?"),
        ("Up to 9 lamps may be sent at once.", "How many lamps can be sent at once?"),
        ("The large lamp costs 19 euros per month.", "How much does the large lamp cost?"),
        ("Old lamps are checked every 10 minutes.", "How often are old lamps checked?"),
        ("The smallest number of lamps is 3.", "What is the smallest number of lamps?"),
        ("LMP-12 means that the lamp has gone.", "What does LMP-12 mean?"),
        ("Lamp files are stored in the folder /var/lamps.", "Where are lamp files stored?"),
        ("A broken lamp cannot be repaired.", "Can a broken lamp be repaired?"),
        ("The Garden lamp needs the Outdoor plan.", "What does the Garden lamp need?"),
        ("The Garden lamp costs about EUR 19.50.", "How much does the Garden lamp cost?"),
        (
            "The page Help > Lamps lists all lamps that are broken.",
            "What does the page Help > Lamps list?",
        ),
        ("Open Lamps > Bin to change your lamp.", "How do I change my lamp?"),
    ],
)
def test_a_sentence_of_a_known_shape_answers_a_question(said: str, question: str) -> None:
    assert made(said) == [(question, said)]


@pytest.mark.parametrize(
    "said",
    [
        "It stays in the bin for 30 days.",
        "These lamps cannot be repaired.",
        "The lamp is kept for 3 days.",  # which one?
        "The default level is 7.",
        "Follow the instructions to restore a lamp.",
        "Use the default unless you want to choose a lamp.",
        "Subsequent lamps may introduce shadows.",
        "See the table above to choose a lamp.",
        "A lamp starts with a spark and has 48 parts.",
        # Nouns that look like verbs.
        "Cheaper sockets reduced lighting costs by $95 million for Q2 2023.",
        "The increase in lighting costs in winter is due to more lamps.",
        "Failure to meet the changing needs of our lamps may harm the house.",
        "New light controls or changes to existing controls could darken the house.",
        "The oldest Garden lamp controls in the house are broken.",
    ],
)
def test_what_does_not_stand_alone_is_left_alone(said: str) -> None:
    assert made(said) == []


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (
            "Lighting income was $7 million and $9 million as of May 1, 2031 and July 30, 2031.",
            "What was lighting income as of May 1, 2031 and July 30, 2031?",
        ),
        (
            "Garden revenue for the third quarter of fiscal year 2031 was $9.5 billion, up 4%.",
            "What was garden revenue for the third quarter of fiscal year 2031?",
        ),
        (
            "As of 1 May 2031, the reserve for broken lamps was EUR 40,000.",
            "What was the reserve for broken lamps as of 1 May 2031?",
        ),
        (
            "Sales of lamps increased 16% in Q1 2031 compared to the year before.",
            "By how much did sales of lamps increase in Q1 2031?",
        ),
        (
            "The increase in lighting costs in Q1 2031 was mainly due to more lamps.",
            "What was the increase in lighting costs in Q1 2031 due to?",
        ),
        (
            "The parts of the Garden lamp consist of a bulb and a foot.",
            "What do the parts of the Garden lamp consist of?",
        ),
        (
            "On May 4, 2031, the House Board approved a new lamp for the garden.",
            "What did the House Board approve on May 4, 2031?",
        ),
    ],
)
def test_a_fact_of_a_report_answers_what_was_at_its_time(said: str, question: str) -> None:
    assert made(said) == [(question, said)]


@pytest.mark.parametrize(
    "said",
    [
        "Our lighting income was $7 million as of May 1, 2031.",  # whose?
        "Lighting income was $7 million, up 4% from a year ago.",  # when?
        "Sales of lamps increased 16% in all houses.",
        "The increase was mainly due to more lamps.",  # of what?
        "The sequential increase was driven by the new lamps.",
        "On May 4, 2031, we approved a new lamp for the garden.",
        "In May, the House Board approved a new lamp for the garden.",
    ],
)
def test_a_fact_of_a_report_without_its_time_or_its_thing_is_left_alone(said: str) -> None:
    assert made(said) == []


def test_headings_ask_for_the_first_instruction_below_them() -> None:
    text = "## 2 Change the lamp\n\nGo to Lamps > Change and choose the new lamp. It is easy.\n"
    assert made(text, "Lamps", "2 Change the lamp") == [
        ("How do I change the lamp?", "Go to Lamps > Change and choose the new lamp.")
    ]
    assert made(text, "Lamps", "2 Add and remove lamps") == []


def test_rows_answer_what_their_columns_are_called() -> None:
    assert made(TABLE) == [
        ("What does E-7 mean?", "E-7 means that the lamp is broken."),
        ("What do I do about E-7?", "For E-7, change the lamp."),
        ("What are the retries of E-7?", "The retries of E-7 are 3."),
        ("What does E-9 mean?", "E-9 means that the fuse is gone."),
        ("What do I do about E-9?", "For E-9, buy a fuse."),
    ]


def test_names_keep_their_capital_and_other_words_do_not() -> None:
    text = "Garden lamps are checked every 2 hours. Sell Garden lamps. Wall lamps cannot be sold."
    assert [question for question, _ in made(text)] == [
        "How often are Garden lamps checked?",
        "Can wall lamps be sold?",
    ]
    text = "Income was 2% in 2031. The Income of a year. An income. Less income. Total income."
    assert names_of(text) == frozenset(), "a title has capitals that are no name"


def test_marks_of_markdown_are_taken_out() -> None:
    assert plain(r"**Press** `N` to \*open\* _it_ in my_file_name.") == (
        "Press N to *open* it in my_file_name."
    )


@given(st.text(max_size=300))
def test_no_text_breaks_a_rule_and_spans_are_inside_it(text: str) -> None:
    for found in drafts_of(text, ("A", text[:20]), names_of(text)):
        assert 0 <= found.start < found.end <= len(text)
        assert found.question.endswith("?") and "\x00" not in found.question + found.answer
