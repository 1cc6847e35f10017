from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import read
from groundtone.documents.text import read as read_text


class TestTextContract(ReaderContract):
    suffix = ".txt"

    def write(self, path: Path) -> None:
        path.write_text(
            "1 Cranes\n\nThe blue crane lifts four tons.\n\n1.1 Ropes\n\nRopes last nine years.\n"
        )


def test_paragraphs_are_cut_at_blank_lines_and_the_text_is_the_file(tmp_path: Path) -> None:
    content = "  first line\nsecond line\n\n \t \nthird  \n"
    path = tmp_path / "notes.txt"
    path.write_bytes(content.encode())
    document = read(path)
    assert document.text == content
    assert document.title == "notes"
    assert [content[block.start : block.end] for block in document.blocks] == [
        "first line\nsecond line",
        "third",
    ]


def test_windows_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"one\r\n\r\ntwo\r\n")
    document = read(path)
    assert document.text == "one\r\n\r\ntwo\r\n"
    assert [document.text[block.start : block.end] for block in document.blocks] == ["one", "two"]


def test_form_feeds_begin_pages(tmp_path: Path) -> None:
    path = tmp_path / "rfc.txt"
    path.write_text("one\n\ntwo\n\fthree\n\n\f\n\nfour\n")
    document = read(path)
    assert [(document.text[b.start : b.end], b.page) for b in document.blocks] == [
        ("one", 1),
        ("two", 1),
        ("three", 2),
        ("four", 3),
    ]


@given(st.text(alphabet="ab \n\r\t\f\x0b\u2028é", max_size=100))
def test_every_sign_is_in_some_block(content: str) -> None:
    document = read_text(Path("a.txt"), content.encode())
    check_document(document)
    kept = "".join(document.text[b.start : b.end] for b in document.blocks)
    assert kept.split() == content.split() or "".join(kept.split()) == "".join(content.split())


@pytest.mark.timeout(60)
def test_long_lines_and_many_blank_ones() -> None:
    for content in ("word " * 200_000, "\n" * 200_000 + "x", " \n" * 90_000, "x\n\n" * 20_000):
        check_document(read_text(Path("a.txt"), content.encode()))
