from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.chunking import Chunk, Encode, chunk, section_label
from groundtone.documents import Block, Document
from groundtone.documents.composing import Composer
from groundtone.documents.spots import spot_at


def encode(text: str) -> list[tuple[int, int]]:
    """A small tokenizer: words in pieces of four characters, and marks."""
    return [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def count(text: str) -> int:
    return len(encode(text))


SIZES = {"min_tokens": 16, "max_tokens": 64, "window_tokens": 20}

words = st.text(alphabet="abcdefgh.!?,ßé漢\u0301", min_size=1, max_size=9)
sentence = st.lists(words, min_size=1, max_size=30).map(" ".join)
lines = st.lists(sentence, min_size=1, max_size=12).map("\n".join)
block = st.one_of(
    st.tuples(st.just("heading"), sentence, st.fixed_dictionaries({"level": st.integers(1, 4)})),
    st.tuples(st.sampled_from(["paragraph", "list", "table", "code"]), lines, st.just({})),
    st.tuples(st.just("table"), lines, st.fixed_dictionaries({"header_lines": st.integers(1, 2)})),
    st.tuples(st.just("paragraph"), st.text("ab", min_size=200, max_size=900), st.just({})),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    composer = Composer()
    for kind, text, more in draw(st.lists(block, max_size=12)):
        composer.add(kind, text, **more)
    return composer.document(draw(sentence), "text/plain")


def check(
    document: Document, chunks: list[Chunk], sizes: dict[str, int], encode: Encode = encode
) -> None:
    text = document.text
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    for before, after in pairwise(chunks):
        assert before.end <= after.start
    for one in chunks:
        inside = [b for b in document.blocks if b.start < one.end and b.end > one.start]
        assert {b.headings for b in inside} == {one.headings}
        assert all(b.kind != "heading" or b is inside[0] for b in inside)
        assert one.windows
        assert all(one.start <= w.start < w.end <= one.end for w in one.windows)
        for window in one.windows:
            assert len(encode(window.text)) <= sizes["window_tokens"] - 2
            header = f"{text[slice(*window.header)]}\n" if window.header else ""
            assert window.text == one.lead + header + text[window.start : window.end]
            assert one.lead == "" or one.lead.endswith("\n")
            if window.header:
                (table,) = [b for b in document.blocks if b.start <= window.start < b.end]
                assert table.header is not None
                assert table.start == window.header[0] < window.header[1] <= table.header[1]
                assert table.header[1] <= window.start
        for before, after in pairwise(one.windows):
            assert before.end <= after.start
            assert not text[before.end : after.start].strip()
    if any(b.kind != "heading" for b in document.blocks):
        covered = bytearray(len(text))
        for one in chunks:
            for window in one.windows:
                covered[window.start : window.end] = b"\1" * (window.end - window.start)
        for b in document.blocks:
            if b.kind != "heading":
                lost = "".join(text[i] for i in range(b.start, b.end) if not covered[i])
                assert not lost.strip()


@settings(max_examples=150, deadline=None)
@given(documents())
def test_everything_is_covered_within_the_limits(document: Document) -> None:
    chunks = chunk(document, encode, **SIZES)
    check(document, chunks, SIZES)
    assert chunks == chunk(document, encode, **SIZES)
    assert bool(chunks) == bool(document.blocks)


@settings(max_examples=60, deadline=None)
@given(documents())
def test_sizes_are_kept(document: Document) -> None:
    chunks = chunk(document, encode, **SIZES)
    starts = {b.start for b in document.blocks if b.kind == "heading"}
    for position, one in enumerate(chunks):
        size = count(document.text[one.start : one.end])
        assert size <= SIZES["max_tokens"] + 1  # a cut inside a word may show one token more
        alone = (one.start in starts or position == 0 or chunks[position - 1].headings
                 != one.headings) and (position + 1 == len(chunks)
                 or chunks[position + 1].headings != one.headings
                 or chunks[position + 1].start in starts)  # fmt: skip
        if not alone:
            assert size >= SIZES["min_tokens"] - 1


def make(*parts: tuple[str, str] | tuple[str, str, int], title: str = "Crane Manual") -> Document:
    composer = Composer()
    for part in parts:
        composer.add(part[0], part[1], level=part[2] if len(part) > 2 else None)  # type: ignore[arg-type]
    return composer.document(title, "text/plain")


def prose(sentences: int, word: str = "crane") -> str:
    return " ".join(f"The {word} number {n} lifts four tons a day." for n in range(sentences))


def test_a_short_section_is_one_chunk_with_its_path() -> None:
    document = make(
        ("heading", "2 Accounts", 1), ("heading", "2.1 Reset a password", 2),
        ("paragraph", "Go to Settings."),
    )  # fmt: skip
    (one,) = chunk(document, encode)
    assert one.headings == ("2 Accounts", "2.1 Reset a password")
    assert one.section == "2.1"
    assert document.text[one.start : one.end] == "2.1 Reset a password\n\nGo to Settings."
    (window,) = one.windows
    assert window.text == ("Crane Manual > 2 Accounts > 2.1 Reset a password\nGo to Settings.")
    assert document.text[window.start : window.end] == "Go to Settings."


def test_sections_are_never_mixed_however_short() -> None:
    document = make(
        ("heading", "One", 1), ("paragraph", "Short."), ("heading", "Two", 1), ("paragraph", "Too.")
    )
    assert [one.headings for one in chunk(document, encode)] == [("One",), ("Two",)]


def test_the_same_title_twice_is_two_sections() -> None:
    document = make(
        ("heading", "Notes", 1), ("paragraph", "a"), ("heading", "Notes", 1), ("paragraph", "b")
    )
    assert len(chunk(document, encode)) == 2


def test_a_long_section_is_cut_at_sentence_ends() -> None:
    document = make(("heading", "Long", 1), ("paragraph", prose(200)))
    chunks = chunk(document, encode)
    assert len(chunks) > 2
    for one in chunks:
        assert 256 <= count(document.text[one.start : one.end]) <= 1024
        assert document.text[one.end - 1] == "."
        assert all(document.text[w.end - 1] == "." for w in one.windows)


def test_cuts_prefer_block_borders() -> None:
    document = make(("heading", "Long", 1), *[("paragraph", prose(9, f"w{n}")) for n in range(30)])
    starts = {b.start for b in document.blocks}
    assert all(one.start in starts for one in chunk(document, encode))


@pytest.mark.parametrize("kind", ["table", "code"])
def test_rows_and_lines_stay_whole(kind: str) -> None:
    rows = "\n".join(f"row {n} | holds {n * 7} tons | since {1900 + n}" for n in range(150))
    document = make(("heading", "Table", 1), (kind, rows))
    chunks = chunk(document, encode)
    assert len(chunks) > 2
    for one in chunks:
        assert document.text[one.start : one.end].split("\n")[0].startswith(("row", "Table"))
        for window in one.windows:
            assert document.text[window.start :].startswith("row")
            assert document.text[window.end : window.end + 1] in ("", "\n")


def with_table(rows: int, *, before: int = 0, header: str = "row | holds | since") -> Document:
    composer = Composer()
    composer.add("heading", "Cranes", level=1)
    if before:
        composer.add("paragraph", prose(before))
    lines = (f"row {n} | holds {n * 7} tons | since {1900 + n}" for n in range(rows))
    composer.add("table", "\n".join([header, *lines]), header_lines=1)
    composer.add("paragraph", "After the table.")
    return composer.document("Crane Manual", "text/plain")


@pytest.mark.parametrize("before", [0, 12])
def test_each_further_piece_of_a_cut_table_repeats_its_header(before: int) -> None:
    document = with_table(200, before=before)
    chunks = chunk(document, encode, window_tokens=128)
    check(document, chunks, {"window_tokens": 128})
    assert len(chunks) > 2
    lead = "Crane Manual > Cranes\n"
    windows = [window for one in chunks for window in one.windows]
    cut = [w for w in windows if document.text.startswith("row ", w.start) and w.header]
    assert len(cut) >= len(windows) - 1 - before
    assert all(w.text.startswith(f"{lead}row | holds | since\nrow ") for w in cut)
    whole = [w for w in windows if "row | holds" in document.text[w.start : w.end]]
    assert {w.header for w in whole} == {None}


def test_a_table_in_one_window_says_its_header_once() -> None:
    document = with_table(3)
    (one,) = chunk(document, encode)
    (window,) = one.windows
    assert window.header is None
    assert window.text.count("row | holds | since") == 1


def test_a_header_that_leaves_no_room_is_cut_between_words() -> None:
    document = with_table(60, header=" | ".join(f"column{n}" for n in range(400)))
    chunks = chunk(document, encode, window_tokens=64)
    check(document, chunks, {"window_tokens": 64})
    repeated = [document.text[slice(*w.header)] for c in chunks for w in c.windows if w.header]
    assert repeated
    for header in repeated:
        assert 10 < count(header) <= 31
        assert document.text[document.text.index(header) + len(header)] == " "


def test_code_is_cut_where_a_definition_begins() -> None:
    body = "\n".join(f"    lift_{n}(load, height + {n})" for n in range(9))
    code = "\n\n\n".join(f"def crane_{n}(load):\n{body}\n    return load" for n in range(30))
    document = make(("heading", "Code", 1), ("code", code))
    chunks = chunk(document, encode)
    check(document, chunks, {"window_tokens": 256})
    assert len(chunks) > 3
    for one in chunks[1:]:
        assert document.text.startswith("def crane_", one.start)
        assert document.text[: one.start].endswith("return load\n\n\n")


def test_code_is_never_cut_mid_line() -> None:
    code = "{\n" + "\n".join(f'  "key {n}": [{n}, {n + 1}, "text"],' for n in range(300)) + "\n}"
    document = make(("heading", "Code", 1), ("code", code))
    for one in chunk(document, encode):
        assert document.text[one.end : one.end + 1] in ("", "\n")
        for window in one.windows:
            assert document.text[window.end : window.end + 1] in ("", "\n")


def test_a_row_too_long_is_cut_between_words() -> None:
    document = make(("heading", "Table", 1), ("table", " ".join(f"cell{n}" for n in range(3000))))
    chunks = chunk(document, encode)
    check(document, chunks, {"window_tokens": 256})
    assert all(document.text[one.end : one.end + 1] in ("", " ") for one in chunks)


def test_a_table_that_fits_is_not_cut_mid_row() -> None:
    row = " ".join(f"c{n}" for n in range(380))
    document = make(("heading", "T", 1), ("table", f"{row}\n{row}"))
    for one in chunk(document, encode):
        assert document.text[one.end : one.end + 1] in ("", "\n")


def test_windows_of_prose_are_whole_sentences() -> None:
    document = make(("paragraph", prose(60)))
    for one in chunk(document, encode):
        assert len(one.windows) > 1
        for window in one.windows:
            assert document.text.startswith("The crane", window.start)
            assert document.text[window.end - 1] == "."


def test_the_title_is_not_said_twice_and_long_paths_keep_the_innermost() -> None:
    document = make(("heading", "Crane Manual", 1), ("paragraph", "text"))
    assert chunk(document, encode)[0].windows[0].text == "Crane Manual\ntext"
    long = "very " * 50
    document = make(
        ("heading", long + "outer", 1), ("heading", long + "middle", 2), ("heading", "Inner", 3),
        ("paragraph", "text"),
    )  # fmt: skip
    assert chunk(document, encode)[0].windows[0].text == "Crane Manual > Inner\ntext"
    document = make(("heading", "word " * 200, 1), ("paragraph", "text"))
    line = chunk(document, encode)[0].windows[0].text.split("\n")[0]
    assert 40 <= count(line) <= 48


def test_headings_with_nothing_under_them_make_no_chunk_of_their_own() -> None:
    document = make(
        ("heading", "A", 1), ("heading", "B", 2), ("paragraph", "b"), ("heading", "C", 1)
    )
    assert [one.headings for one in chunk(document, encode)] == [("A", "B")]
    document = make(("heading", "Only", 1), ("heading", "Headings", 2))
    assert [one.section for one in chunk(document, encode)] == ["Only", "Headings"]


def test_pages_and_boxes_come_from_the_first_page() -> None:
    text = "one\n\ntwo\n\nthree"
    blocks = (
        Block("paragraph", 0, 3, page=2, box=(10, 10, 50, 20)),
        Block("paragraph", 5, 8, page=2, box=(5, 30, 40, 40)),
        Block("paragraph", 10, 15, page=3, box=(0, 0, 9, 9)),
    )
    (one,) = chunk(Document("t", text, blocks, "application/pdf"), encode)
    assert (one.page, one.box) == (2, (5, 10, 50, 40))
    assert one.spots == tuple((b.start, b.end, b.page, b.box) for b in blocks)
    # What is cited is where it stands itself, not where its passage begins.
    assert spot_at(one.spots, 11, 13) == (3, (0, 0, 9, 9))
    assert spot_at(one.spots, 1, 7) == (2, (5, 10, 50, 40))
    assert spot_at(one.spots, 15, 20) is None


@pytest.mark.parametrize(
    ("headings", "label"),
    [
        ((), ""),
        (("Intro",), "Intro"),
        (("2 Accounts", "2.1 Reset a password"), "2.1"),
        (("2.1 Reset", "Notes"), "2.1"),
        (("9.4. String Functions",), "9.4"),
        (("Chapter 9. Functions",), "9"),
        (("Section 3.2: Ropes",), "3.2"),
        (("A.1 Appendix",), "A.1"),
        (("1) First",), "1"),
        (("24/7 support",), "24/7 support"),
        (("2024 results",), "2024 results"),
        (("Version 3",), "Version 3"),
    ],
)
def test_section_labels(headings: tuple[str, ...], label: str) -> None:
    assert section_label(headings) == label


def test_a_document_is_tokenised_once() -> None:
    document = make(("heading", "Long", 1), ("paragraph", prose(300)))
    calls: list[int] = []

    def counting(text: str) -> list[tuple[int, int]]:
        calls.append(len(text))
        return encode(text)

    chunk(document, counting)
    assert sum(length > 1000 for length in calls) == 1
    assert len(calls) < 5


def test_a_huge_block_is_tokenised_in_pieces() -> None:
    document = make(("paragraph", prose(8000)))
    longest = 0

    def measuring(text: str) -> list[tuple[int, int]]:
        nonlocal longest
        longest = max(longest, len(text))
        return encode(text)

    chunks = chunk(document, measuring)
    assert longest <= 100_000
    check(document, chunks, {"window_tokens": 256})


def test_tokens_that_share_a_start_end_in_time() -> None:
    """Byte-level tokenizers give several tokens to one character."""
    document = make(("paragraph", "漢" * 400))

    def many(text: str) -> list[tuple[int, int]]:
        return [(n, n + 1) for n in range(len(text)) for _ in range(3)]

    assert chunk(document, many, **SIZES)


def test_contradicting_sizes_are_refused() -> None:
    document = make(("paragraph", "text"))
    with pytest.raises(ValueError, match="max_tokens"):
        chunk(document, encode, min_tokens=300, max_tokens=400)
    with pytest.raises(ValueError, match="window_tokens"):
        chunk(document, encode, window_tokens=8)
    assert chunk(replace(document, blocks=()), encode) == []
