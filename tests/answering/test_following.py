"""Each sentence is judged while the next one is written, as it is judged in the end."""

from __future__ import annotations

import pytest
from tests.answering.scripted import Found, Scripted, answerer, passage

from groundtone.answering.answer import Answer, Verdict
from groundtone.cli.ask import drafted

TRASH = passage("Deleted boards stay in the trash for 30 days. An owner can restore them.")
WRITTEN = (
    "Deleted boards stay in the trash for 30 days. [1] The trash is emptied by 14 elephants. "
    "An owner can restore them."
)
QUESTION = "How long do deleted boards stay in the trash?"


@pytest.mark.parametrize("check", ["strict", "mark", "off"])
def test_sentences_are_judged_while_the_model_writes(check: str) -> None:
    seen: list[str | Verdict] = []
    stream = answerer(Scripted(WRITTEN), Found(TRASH), check=check).stream(
        QUESTION, model="scripted", judged=seen.append
    )
    for event in stream:
        if isinstance(event, Answer):
            break
        seen.append(event)
    assert isinstance(event, Answer)
    told = [one for one in seen if isinstance(one, Verdict)]
    assert told == list(event.verdicts[:-1])
    assert [verdict.supported for verdict in told] == [True, False]
    at = seen.index(told[0])
    written = "".join(one for one in seen[:at] if isinstance(one, str))
    assert written in WRITTEN and "elephants" not in written


def test_one_sentence_comes_with_the_answer_and_a_text_cut_anywhere_is_no_fault() -> None:
    seen: list[Verdict] = []
    one = answerer(Scripted(TRASH.text.split(". ")[0] + "."), Found(TRASH))
    *_, answer = one.stream(QUESTION, model="scripted", judged=seen.append)
    assert isinstance(answer, Answer)
    assert (len(answer.verdicts), seen) == (1, [])
    *_, answer = answerer(Scripted("1. \n\n* ] [ . ! ``"), Found(TRASH)).stream(
        QUESTION, model="scripted", judged=seen.append
    )
    assert isinstance(answer, Answer)


def test_what_is_judged_is_coloured_in_the_draft() -> None:
    verdicts = [
        Verdict("Deleted boards stay.", 0.9, supported=True),
        Verdict("They fly.", 0.1, supported=False),
        Verdict("Not in the draft.", 0.1, supported=False),
    ]
    text = drafted("Deleted boards stay. They fly. And", verdicts)
    assert [(span.start, span.end, span.style) for span in text.spans] == [
        (0, 20, "green"),
        (21, 30, "red"),
    ]
