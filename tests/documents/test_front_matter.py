"""Front matter may say who may see a file: it is never read past, unless it cannot say that."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from groundtone.documents.front_matter import FrontMatter, fields, front_matter
from groundtone.errors import UnreadableFile


def read(text: str) -> FrontMatter:
    starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text)), len(text)]
    return front_matter(Path("page.md"), text, starts)


@pytest.mark.parametrize(
    "front",
    [
        "title: a: b\ngroups: [hr]",
        "groups: [hr",
        "groups:\n\t- hr",
        "'Groups' : [hr]\nbad: {{ template }}: x",
        '{title: x: y, "groups": [hr]}',
        "group: &who [hr]\nother: *who",
        "groups: [hr]\nwhen: !!timestamp no",
        "groups: [hr]\rtitle: a: b",
        "groups: [hr]\n- one",
        "groups: [hr]\nlong: " + "x" * 50_000,
        "groups: " + "[" * 3_000,
    ],
)
def test_groups_that_cannot_be_read_make_the_file_unreadable(front: str) -> None:
    with pytest.raises(UnreadableFile, match="names groups, who may see it, but cannot be read"):
        read(f"---\n{front}\n---\n\ntext\n")


def test_so_in_toml_and_where_it_never_closes() -> None:
    with pytest.raises(UnreadableFile, match="as TOML"):
        read('+++\ntitle = a\n"groups" = ["hr"]\n+++\n\ntext\n')
    for text in ("---\ngroups: [hr]\n\ntext\n", "---\ngroups: [hr]\n ---\n", "\n+++\ngroups = 1\n"):
        with pytest.raises(UnreadableFile, match="never closed"):
            read(text)


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: a: b\ndate: x: y", "a: b"),
        ("summary: who groups: a: b", None),
        ("Just some text.", None),
        ("title: Long\nlong: " + "x" * 50_000, "Long"),
    ],
)
def test_without_groups_there_is_a_note(front: str, title: str | None) -> None:
    found = read(f"---\n{front}\n---\n\ntext\n")
    assert found.body == front.count("\n") + 3
    assert found.fields == ({} if title is None else {"title": title})
    [note] = found.notes
    assert note.startswith("its front matter cannot be read as YAML, but for its title: ")


@pytest.mark.parametrize("front", ["", "# title: a: b\n", "title: fine\n"])
def test_what_is_read_or_empty_has_no_note(front: str) -> None:
    assert read(f"---\n{front}---\n\ntext\n").notes == ()


def test_it_may_stand_below_empty_lines() -> None:
    assert read("\n \n---\ngroups: [hr]\n---\ntext\n") == FrontMatter(5, {"groups": ["hr"]})
    assert read("\n---\nBetween: two: rules\n---\ntext\n") == FrontMatter(), "it is text"
    with pytest.raises(UnreadableFile):
        read("\n---\ntitle: a: b\ngroups: [hr]\n---\ntext\n")
    assert read(" ---\ngroups: [hr]\n---\ntext\n") == FrontMatter(), "Markdown has a rule here"
    for text in ("", "\n\n", "---", "text"):
        assert read(text) == FrontMatter()


def test_groups_that_are_left_empty_are_nobody() -> None:
    assert read("---\ngroups:\nteam:\n---\n").fields == {"groups": []}
    assert fields('{"Group": null, "team": null}', "json") == {"group": []}


def test_looking_for_groups_takes_no_time() -> None:
    began = time.perf_counter()
    for filler in ("\n", " ", "- ", ",", "groups\n", "{'"):
        read(f"---\na: b: c\n{filler * (49_000 // len(filler))}\n---\n")
    assert time.perf_counter() - began < 5
