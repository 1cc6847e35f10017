"""Files that are not what they should be: each is named with its reason, none raises else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone import documents
from groundtone.documents import SUPPORTED, read
from groundtone.documents.decoding import NotText, decode
from groundtone.errors import UnreadableFile


def reason(path: Path, **options: int) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(path, **options)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    return caught.value.reason


def test_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in reason(tmp_path / "none.md")


def test_dangling_link(tmp_path: Path) -> None:
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "gone.md")
    assert "link" in reason(link)


def test_folder_and_pipe(tmp_path: Path) -> None:
    folder = tmp_path / "folder.md"
    folder.mkdir()
    assert "folder" in reason(folder)
    pipe = tmp_path / "pipe.md"
    os.mkfifo(pipe)
    assert "pipe" in reason(pipe)


@pytest.mark.parametrize("suffix", sorted(SUPPORTED))
def test_empty_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(b"")
    assert "empty" in reason(path)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
def test_white_space_only(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"blank{suffix}"
    path.write_bytes(b" \n\t\n")
    assert "no text" in reason(path)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_text("word " * 1000)
    assert "too large" in reason(path, max_bytes=4999)
    assert read(path, max_bytes=5000).blocks


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("hidden")
    path.chmod(0)
    assert "permission" in reason(path)


def test_permission_error_is_named_whoever_runs_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("hidden")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "permission" in reason(path)


@pytest.mark.parametrize("change", ["grow", "shrink", "replace", "touch"])
def test_changing_while_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    path = tmp_path / "log.txt"
    path.write_text("steady\n" * 100)
    opening = Path.open

    def open_then_change(self: Path, *arguments: str, **options: str):
        file = opening(self, *arguments, **options)
        if self == path and arguments[:1] == ("rb",):
            if change == "grow":
                with opening(path, "ab") as other:
                    other.write(b"more")
            elif change == "shrink":
                os.truncate(path, 10)
            elif change == "touch":
                os.utime(path, ns=(1, 1))
            else:
                fresh = tmp_path / "fresh"
                fresh.write_text("steady\n" * 100)
                fresh.replace(path)
        return file

    monkeypatch.setattr(Path, "open", open_then_change)
    assert "changed while" in reason(path)


@pytest.mark.parametrize("name", ["LICENSE", "notes.unheard-of", "a.b.c"])
def test_text_under_an_unknown_name_is_read_as_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"anything")
    assert read(path).text == "anything"


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
@pytest.mark.parametrize(
    "content",
    [b"\x00\x01\x02\x03" * 100, b"\x89PNG\r\n\x1a\n\x00\x00" + bytes(200), b"\x01\x02\x03" * 99],
)
def test_binary_content_under_a_text_name(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    assert "PNG image" in reason(path) if b"PNG" in content else "binary" in reason(path)


def test_old_office_files_are_told_apart(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    old = tmp_path / "old.docx"
    old.write_bytes(ole)
    assert "old binary Office" in reason(old)
    old.write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    assert "encrypted" in reason(old)
    for suffix in (".docx", ".pdf"):
        lying = tmp_path / f"lying{suffix}"
        lying.write_text("just text")
        assert "is not a" in reason(lying)


def test_a_parser_that_breaks_is_a_reason_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.documents import text

    path = tmp_path / "file.txt"
    path.write_text("text")
    for error, expected in (
        (ValueError("odd \n thing"), "ValueError: odd thing"),
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "memory"),
        (ImportError("no module"), "not installed"),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(text, "read", fail)
        assert expected in reason(path)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    content = "Die Kräne heben über vierzig Tonnen, die Seile hält man trocken. " * 3
    path = tmp_path / "german.txt"
    path.write_bytes(content.encode(encoding))
    document = read(path)
    assert document.text == content
    assert bool(document.notes) == (encoding != "utf-8-sig")


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("cp1252", "¿Qué rico! L'été était très chaud, 3,50 € le café. ¡Olé! "),
        ("cp1250", "Zażółć gęślą jaźń, a potem wróć do łódki na jeziorze. "),
        ("cp1251", "Синий кран поднимает четыре тонны, канаты служат девять лет. "),
        ("shift_jis", "青いクレーンは四トンを持ち上げます。ロープは九年もちます。"),
    ],
)
def test_guesses(encoding: str, content: str) -> None:
    text, notes = decode((content * 5).encode(encoding))
    assert text == content * 5
    assert "not UTF-8" in notes[0]


def test_far_away_foreign_bytes_are_found(tmp_path: Path) -> None:
    content = "plain words here. " * 20_000 + "Übermäßig schöne Grüße aus Köln. " * 20
    path = tmp_path / "late.txt"
    path.write_bytes(content.encode("cp1252"))
    assert read(path).text == content


def test_a_few_damaged_bytes_in_utf8_are_replaced_with_a_note(tmp_path: Path) -> None:
    data = ("Grüße aus Köln. " * 20).encode() + b"\xff" + b" Ende."
    path = tmp_path / "mended.txt"
    path.write_bytes(data)
    document = read(path)
    assert document.text.count("\ufffd") == 1
    assert document.text.startswith("Grüße")
    assert "damaged" in document.notes[0]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_decoding_any_bytes_gives_text_or_a_reason(data: bytes) -> None:
    try:
        text, _ = decode(data)
    except NotText as error:
        assert str(error)
    else:
        text.encode("utf-8")


@given(st.text(max_size=300).filter(lambda text: "\0" not in text))
def test_utf8_is_never_changed(text: str) -> None:
    try:
        decoded, notes = decode(text.encode())
    except NotText:
        assert any(ord(character) < 32 or ord(character) == 127 for character in text)
    else:
        assert decoded == text.removeprefix("\ufeff")
        assert notes == ()


def test_importing_brings_no_parser() -> None:
    import subprocess
    import sys

    code = (
        "import sys, groundtone.documents; "
        "print([m for m in ('markdown_it','selectolax','pypdfium2','docx','charset_normalizer')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(documents.__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
