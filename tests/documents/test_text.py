from __future__ import annotations

from pathlib import Path

from contracts.reader import ReaderContract
from groundtone.documents import read


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
