from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from contracts.reader import check_reading
from documents.test_mail import mail
from groundtone.documents import Reading, read, read_all
from groundtone.errors import UnreadableFile


def take(path: Path) -> Reading:
    reading = read_all(path)
    check_reading(reading)
    return reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Four messages: two threads, one of them known only through another message."""
    path = tmp_path / "cranes.mbox"
    box = mailbox.mbox(path)
    box.add(mail("Which colour?\n\nFrom here on it is red.\n", subject="One", Message_ID="<a@x>"))
    box.add(mail("Blue.", subject="Re: One", Message_ID="<b@x>", In_Reply_To="<a@x>"))
    box.add(mail("Something else.", subject="Two", Message_ID="<c@x>"))
    last = mail("And four tons.", subject="Re: Re: One", Message_ID="<d@x>", In_Reply_To="<b@x>")
    last.add_attachment("Nine years.", filename="ropes.txt")
    box.add(last)
    box.close()
    return path


def test_each_message_is_a_document(path: Path) -> None:
    reading = take(path)
    assert [part.name for part in reading.parts] == [
        *("message-0001", "message-0002", "message-0003", "message-0004"),
        "message-0004/ropes.txt",
    ]
    assert [part.document.title for part in reading.parts][:4] == [
        *("One", "Re: One", "Two", "Re: Re: One")
    ]
    assert reading.parts[2].document.metadata["message"] == 3
    assert "\nFrom here on it is red." in "\n" + reading.parts[0].document.text
    with pytest.raises(UnreadableFile, match="holds 5 documents"):
        read(path)


def test_threads_are_known_to_all_their_messages(path: Path) -> None:
    threads = [part.document.metadata.get("thread") for part in take(path).parts]
    assert threads == ["<a@x>", "<a@x>", "<c@x>", "<a@x>", None]


def test_a_mailbox_is_told_by_its_content(path: Path) -> None:
    bare = path.with_suffix("")
    path.rename(bare)
    assert len(take(bare).parts) == 5


def test_windows_line_ends(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(take(path).parts) == 5


def test_a_broken_message_costs_only_itself(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data + b"\nFrom nobody Fri May 3 2024\nX-Nothing: \n\n")
    assert len(take(path).parts) >= 5


@pytest.mark.parametrize("content", [b"just text", b"From somewhere far away\n\nno header"])
def test_what_is_no_mailbox_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="not a mailbox"):
        read_all(path)
