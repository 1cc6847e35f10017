"""Ignore files, held against git itself where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.syncing.scanning import scan


def tree(root: Path, *names: str, **files: str) -> Path:
    """Files named so, with the text "x"; keyword arguments are ignore files by folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return root


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def names(root: Path, **how: bool) -> list[str]:
    return [file.name for file in scan(root, **how).files]


def test_patterns_negation_and_nested_files(tmp_path: Path) -> None:
    tree(tmp_path, "a.md", "notes.txt", "drafts/b.md", "docs/drafts/c.md", "docs/keep.txt")
    tree(tmp_path, "docs/old/d.md", "build/site/e.md")
    write(tmp_path / ".gitignore", "# what is generated", "/build/", "drafts/", "*.txt")
    write(tmp_path / "docs/.gitignore", "!keep.txt", "/old")
    assert names(tmp_path) == ["a.md", "docs/keep.txt"]
    assert len(names(tmp_path, gitignore=False)) == 7


def test_our_own_ignore_files_win_over_gits(tmp_path: Path) -> None:
    tree(tmp_path, "a.md", "sub/b.md", "made/c.md", "made/d.md")
    write(tmp_path / ".gitignore", "made/")
    write(tmp_path / ".groundtoneignore", "!made/", "made/d.md")
    write(tmp_path / "sub/.gitignore", "!b.md")
    write(tmp_path / "sub/.groundtoneignore", "b.md")
    assert names(tmp_path) == ["a.md", "made/c.md"]
    assert names(tmp_path, gitignore=False) == ["a.md", "made/c.md"]


def test_an_ignored_folder_is_never_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    tree(tmp_path, "a.md", "big/x/y/b.md")
    write(tmp_path / ".gitignore", "big/", "!big/x/y/b.md")
    entered = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: entered.append(Path(path)) or scandir(path))
    assert names(tmp_path) == ["a.md"]
    assert entered == [tmp_path]


def test_a_folder_of_a_checkout_obeys_the_rules_above_it(tmp_path: Path) -> None:
    (tmp_path / ".git/info").mkdir(parents=True)
    write(tmp_path / ".git/info/exclude", "private.md")
    write(tmp_path / ".gitignore", "/docs/guide/_build/", "*.tmp.md")
    write(tmp_path / "docs/.gitignore", "guide/todo.md")
    source = tmp_path / "docs/guide"
    tree(source, "a.md", "b.tmp.md", "private.md", "todo.md", "_build/c.md", "sub/_build/d.md")
    assert names(source) == ["a.md", "sub/_build/d.md"]


def test_rules_outside_a_checkout_do_not_count(tmp_path: Path) -> None:
    write(tmp_path / ".gitignore", "*.md")
    tree(tmp_path / "docs", "a.md")
    assert names(tmp_path / "docs") == ["a.md"]


def test_a_source_that_was_named_is_taken_though_it_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".gitignore", "build/", "*.md")
    tree(tmp_path / "build/docs", "a.md", "b.md")
    write(tmp_path / "build/docs/.gitignore", "b.md")
    assert names(tmp_path / "build/docs") == ["a.md"]
    assert names(tmp_path / "build/docs/b.md") == ["b.md"]


def test_rules_that_cannot_be_used_leave_the_others_alone(tmp_path: Path) -> None:
    tree(tmp_path, "a.md", "b.md", "sub/c.md")
    write(tmp_path / ".gitignore", "b.md", "!", "[", "c.md\\", "/")
    (tmp_path / "sub/.gitignore").mkdir()
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.md", "sub/c.md"]
    assert [reason for _, reason in found.failed] == ["its rules cannot be read: is a directory"]


def test_a_byte_order_mark_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    tree(tmp_path, "a.md", "b.md")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfa.md\r\n\xff\xfe*.log\r\n")
    assert names(tmp_path) == ["b.md"]


NAME = st.sampled_from(["a", "b", "ab", "a.md", "b.md", "x y.md", "a[1].md", "a-.md", "]b.md"])
PATH = st.lists(NAME, min_size=1, max_size=3).map(
    lambda parts: "/".join([*(part.removesuffix(".md") for part in parts[:-1]), parts[-1]])
)
SEGMENT = st.one_of(
    st.sampled_from(["a", "b", "*", "a*", "?", "[ab]", "*.md", "**", "[!a]*", "*[[:alpha:]]"]),
    # Without "a**": where such stars touch a slash, git does other than its documentation says.
    st.text("ab.*?[]!^-\\# ", min_size=1, max_size=5).filter(lambda text: "**" not in text),
)
PATTERN = st.builds(
    lambda bang, lead, parts, trail: bang + lead + "/".join(parts) + trail,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/"]),
    st.lists(SEGMENT, min_size=1, max_size=3),
    st.sampled_from(["", "/", "/**"]),
)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    paths=st.sets(PATH, min_size=1, max_size=8),
    top=st.lists(PATTERN, max_size=4),
    nested=st.lists(PATTERN, max_size=3),
)
def test_files_are_those_that_git_would_add(
    paths: set[str], top: list[str], nested: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in sorted(paths):
            if not path.endswith(".md"):
                path += ".md"
            tree(root, path)
        write(root / ".gitignore", *top)
        if (root / "a").is_dir():
            write(root / "a/.gitignore", *nested)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        listed = subprocess.run(
            ["git", "-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        assert names(root) == sorted(name for name in listed if name.endswith(".md"))
