from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from groundtone.syncing.scanning import scan


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def names(root: Path, **limits: list[str]) -> list[str]:
    return [file.name for file in scan(root, **limits).files]


def test_order_kinds_and_hidden_files(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a/z.txt", "a/.secret.md", ".git/x.md", "a/~$open.docx", "B.MD", "c.xyz")
    make(tmp_path, "node_modules/x/README.md", "a/__pycache__/notes.txt", ".venv/lib/LICENSE.txt")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["B.MD", "a/z.txt", "b.md"]
    assert found.skipped == {".xyz": 1}
    assert found.failed == []


def test_include_and_exclude(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.txt", "old/c.md", "x/old/d.md", "x/e[1].md")
    assert names(tmp_path, include=["*.md"]) == ["a.md", "old/c.md", "x/e[1].md", "x/old/d.md"]
    assert names(tmp_path, exclude=["old"]) == ["a.md", "b.txt", "x/e[1].md"]
    assert names(tmp_path, exclude=["old/**"]) == ["a.md", "b.txt", "x/e[1].md", "x/old/d.md"]
    assert names(tmp_path, include=["x/**"]) == ["x/e[1].md", "x/old/d.md"]
    assert names(tmp_path, include=["x/*.md"]) == ["x/e[1].md"]
    assert names(tmp_path, include=["[!a].*"]) == ["b.txt", "old/c.md", "x/old/d.md"]


def test_links_never_loop_and_real_names_win(tmp_path: Path) -> None:
    make(tmp_path, "real/a.md", "real/deep/b.md")
    (tmp_path / "a-link").symlink_to(tmp_path / "real")
    (tmp_path / "real/deep/up").symlink_to(tmp_path)
    assert names(tmp_path) == ["real/a.md", "real/deep/b.md"]


def test_links_out_of_the_source_are_followed_once(tmp_path: Path) -> None:
    make(tmp_path, "outside/a.md", "source/b.md")
    for name in ("one", "two"):
        (tmp_path / "source" / name).symlink_to(tmp_path / "outside")
    assert len(names(tmp_path / "source")) == 2


def test_a_single_file(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    assert names(tmp_path / "a.md") == ["a.md"]


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "lost.md").symlink_to("nowhere")
    assert [name for name, _ in scan(tmp_path).failed] == ["lost.md", "pipe.md"]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")).write_text("text")
    except OSError:
        pytest.skip("this file system refuses such names")
    found = scan(tmp_path)
    assert found.files == [] and "UTF-8" in found.failed[0][1]
    found.failed[0][0].encode()


def test_a_name_with_a_line_break_is_a_name(tmp_path: Path) -> None:
    make(tmp_path, "two\nlines.md", "a.md")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.md", "two\nlines.md"]
    assert found.files[1].path.read_text() == "text"


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.md", "closed/b.md", "open/c.md")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.md", "open/c.md"]
    assert found.failed == [("closed", "folder cannot be read: permission denied")]
    assert found.may_still_exist("closed/b.md") and not found.may_still_exist("gone.md")


def test_a_device_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "endless.txt").symlink_to("/dev/zero")
    make(tmp_path, "a.md")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.md"]
    assert found.failed == [("endless.txt", "not a regular file")]
    assert scan(Path("/dev/null")).failed == [("null", "not a regular file")]


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "me.md").symlink_to(tmp_path / "me.md")
    (tmp_path / "folder").symlink_to(tmp_path / "folder")
    make(tmp_path, "a.md")
    found = scan(tmp_path)
    assert [file.name for file in found.files] == ["a.md"]
    [(name, reason)] = found.failed
    assert name == "me.md" and "symbolic links" in reason


def test_thousands_of_files_are_seen_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n!keep.log\n/cache\n" * 10)
    for number in range(3000):
        make(tmp_path, f"{number % 20}/{number}.md")
    taken = []
    for _ in range(3):
        started = time.process_time()
        assert len(scan(tmp_path).files) == 3000
        taken.append(time.process_time() - started)
    assert min(taken) < 0.5  # about 0.04 s where nothing else runs
