from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundtone.retrieval import Passage
from groundtone.retrieval.packing import pack

DOCUMENT = (
    "The pump starts when the level falls below the mark of the tank. "
    "\n\nThe valve opens by hand only, never by the controller of the pump. "
    "\n\nThe alarm sounds after ten minutes without any flow in the pipe."
)
PARTS = list(DOCUMENT.split("\n\n"))


def count(text: str) -> int:
    return len(text.split())


def passage(rank: int, text: str, version: str = "v", chunk: int = 0, **more: object) -> Passage:
    start = DOCUMENT.find(text) if text in DOCUMENT else 0
    values: dict[str, object] = {
        "rank": rank,
        "text": text,
        "score": 1 / rank,
        "document": f"{version}.md",
        "title": "Title",
        "section": "",
        "headings": (),
        "page": None,
        "start": start,
        "end": start + len(text),
        "box": None,
        "version": version,
        "chunk": chunk,
        "window": (start, start + len(text)),
        "dense": 0.5,
        "lexical": 1.0,
    }
    return Passage(**{**values, **more})  # type: ignore[arg-type]


def of_document(version: str, start: int, end: int) -> str:
    assert version == "v"
    return DOCUMENT[start:end]


def test_neighbours_become_one_passage_in_the_place_of_the_better() -> None:
    ranked = [
        passage(1, PARTS[1], chunk=1),
        passage(2, "Something else altogether.", version="w"),
        passage(3, PARTS[0], chunk=0),
        passage(4, PARTS[2], chunk=2),
    ]
    packed = pack(ranked, 1000, count=count, text=of_document)
    assert [p.document for p in packed.passages] == ["v.md", "w.md"]
    first = packed.passages[0]
    assert first.text == DOCUMENT and first.rank == 1 and first.window == ranked[0].window
    assert DOCUMENT[first.start : first.end] == first.text


def test_passages_of_other_sections_and_pages_stay_apart() -> None:
    for more in ({"headings": ("Other",)}, {"page": 2}):
        ranked = [passage(1, PARTS[0], chunk=0), passage(2, PARTS[1], chunk=1, **more)]
        assert len(pack(ranked, 1000, count=count, text=of_document).passages) == 2


def test_without_texts_nothing_is_joined() -> None:
    ranked = [passage(1, PARTS[0], chunk=0), passage(2, PARTS[1], chunk=1)]
    assert pack(ranked, 1000, count=count).passages == tuple(ranked)


def test_near_duplicates_are_folded_into_the_best() -> None:
    text = " ".join(f"word{chr(97 + n)}" for n in range(26)) + " and a few more words here"
    ranked = [
        passage(1, text),
        passage(2, text + " again", version="copy"),
        passage(3, "A different text about other things than those.", version="other"),
    ]
    packed = pack(ranked, 1000, count=count)
    assert [p.version for p in packed.passages] == ["v", "other"]
    assert packed.folded == ((2, 1),)


def test_a_different_number_is_a_different_text() -> None:
    text = "The limit of this queue in the standard edition of the product is {} messages a second."
    ranked = [passage(1, text.format(100)), passage(2, text.format(250), version="w")]
    assert len(pack(ranked, 1000, count=count).passages) == 2


def test_what_does_not_fit_leaves_room_for_what_does() -> None:
    long = " ".join(f"w{n}x" for n in range(50))
    ranked = [
        passage(1, "one two three four"),
        passage(2, long, "b"),
        passage(3, "five six seven", "c"),
    ]
    packed = pack(ranked, 10, count=count)
    assert [p.rank for p in packed.passages] == [1, 3]
    assert packed.left_out == (2,)
    assert [p.rank for p in pack(ranked, 10, count=count, longest=3).passages] == [1, 2, 3]
    assert [p.rank for p in pack(ranked, 1000, count=count, most=1).passages] == [1]


texts = st.lists(st.text("ab 1", max_size=30), max_size=8)


@given(texts, st.integers(0, 40))
def test_the_budget_holds_and_every_passage_is_accounted_for(found: list[str], room: int) -> None:
    ranked = [passage(n, text, f"v{n}") for n, text in enumerate(found, 1)]
    packed = pack(ranked, room, count=count)
    assert sum(count(p.text) for p in packed.passages) <= room
    seen = [p.rank for p in packed.passages] + [r for r, _ in packed.folded]
    assert sorted([*seen, *packed.left_out]) == [p.rank for p in ranked]
