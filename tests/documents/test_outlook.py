from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_reading
from documents.archives import zipped
from documents.made_outlook import Made, attached_message, attachment, compound, recipient
from groundtone.documents import Reading, read_all
from groundtone.documents.rtf_in_mail import unpacked
from groundtone.errors import UnreadableFile

PAGE = b"""<h1>1 Cranes</h1><p>The blue crane lifts four tons.</p>
<h2>1.1 Ropes</h2><p>Ropes last nine years.</p><ul><li>inspect daily</li></ul>
<table><tr><th>part</th><th>made of</th></tr><tr><td>rope</td><td>steel</td></tr></table>"""
MAY_3 = 133_591_968_000_000_000  # 3 May 2024, 8:00 UTC, in tenths of microseconds since 1601
Taking = Callable[[bytes | Made], Reading]


def message(body: str = "", **more: str) -> Made:
    text = {"0037": "The crane", "0C1A": "Ann Lee", "5D01": "ann@example.org", "1000": body}
    return Made(text=text | more, fixed={0x00390040: MAY_3})


class TestOutlookContract(ReaderContract):
    suffix = ".msg"
    markers = (message("Hi").file()[:512], message("Hi").file())

    def write(self, path: Path) -> None:
        made = message()
        made.raw["10130102"] = PAGE
        made.inside |= attachment(0, "oil.txt", b"Oil weekly.")
        path.write_bytes(made.file())


@pytest.fixture
def take(tmp_path: Path) -> Taking:
    def take(made: bytes | Made) -> Reading:
        path = tmp_path / "mail.msg"
        path.write_bytes(made if isinstance(made, bytes) else made.file())
        reading = read_all(path)
        check_reading(reading)
        return reading

    return take


def texts(reading: Reading) -> dict[str, str]:
    return {part.name: part.document.text for part in reading.parts}


def test_who_wrote_to_whom_when_and_what(take: Taking) -> None:
    made = message("Hello Bob.\r\n\r\nThe crane is blue.\r\n")
    made.text["1035"] = "<2@example.org>"
    made.text["1039"] = "<1@example.org>"
    made.inside |= recipient(0, "Bob Öst", "bob@example.org", 1)
    made.inside |= recipient(1, "eve@example.org", "eve@example.org", 2)
    [part] = take(made).parts
    assert part.document.title == "The crane"
    assert part.document.media_type == "application/vnd.ms-outlook"
    assert part.document.text == (
        "The crane\n\nFrom: Ann Lee <ann@example.org>\nTo: Bob Öst <bob@example.org>\n"
        "Cc: eve@example.org\nDate: Fri, 03 May 2024 08:00:00 +0000\n\nHello Bob.\n\n"
        "The crane is blue."
    )
    assert part.document.metadata["thread"] == "<1@example.org>"
    assert part.document.metadata["date"] == "2024-05-03T08:00:00+00:00"


def test_the_header_that_came_with_it_says_more(take: Taking) -> None:
    came = (
        "Received: from elsewhere\r\nFrom: =?utf-8?q?Ann_L=C3=A9e?= <ann@example.org>\r\n"
        "Date: Fri, 3 May 2024 10:00:00 +0200\r\nContent-Type: multipart/encrypted\r\n\r\n"
    )
    [part] = take(message("Hello.", **{"007D": came})).parts
    assert "From: Ann Lée <ann@example.org>" in part.document.text
    assert "+0200" in part.document.text and part.document.text.endswith("Hello.")


def test_attachments_and_messages_inside_are_documents_of_their_own(take: Taking) -> None:
    inner = message("The rope is old.", **{"0037": "Ropes"})
    inner.inside |= attachment(0, "deep.txt", b"Very deep.")
    made = message("See below.")
    made.inside |= attachment(0, "größe.md", "# Größe\n\nVier Meter.".encode())
    made.inside |= attachment(1, "box.zip", zipped({"a.txt": "In a box."}), "application/zip")
    made.inside |= attached_message(2, inner)
    found = texts(take(made))
    assert found["größe.md"] == "# Größe\n\nVier Meter."
    assert found["box.zip!/a.txt" if "box.zip!/a.txt" in found else "box.zip/a.txt"] == "In a box."
    assert "The rope is old." in found["Ropes.eml"]
    assert found["Ropes.eml/deep.txt"] == "Very deep."
    assert "Attachments: größe.md, box.zip, Ropes.eml" in found[""]


def test_messages_inside_messages_have_an_end(take: Taking) -> None:
    made = message("Innermost.")
    for _ in range(30):
        outer = message("Around it.")
        outer.inside |= attached_message(0, made)
        made = outer
    reading = take(made)
    assert 1 < len(reading.parts) < 10
    assert any("nested deeper" in reason for _, reason in reading.failed)


def test_texts_of_an_old_code_page(take: Taking) -> None:
    said = {"0037001E": "Краны", "1000001E": "Синий кран."}
    raw = {name: text.encode("cp1251") for name, text in said.items()}
    made = Made(raw=raw, fixed={0x3FFD0003: 1251})
    [part] = take(made).parts
    assert part.document.title == "Краны" and "Синий кран." in part.document.text


def test_a_page_in_the_code_page_that_is_said(take: Taking) -> None:
    made = message()
    made.raw["10130102"] = "<p>Žluté jeřáby zvedají čtyři tuny.</p>".encode("cp1250")
    made.fixed[0x3FDE0003] = 1250
    assert "Žluté jeřáby zvedají čtyři tuny." in texts(take(made))[""]


def packed(rtf: bytes) -> bytes:
    """Compressed RTF without any compression."""
    return len(rtf).to_bytes(4, "little") * 2 + b"MELA" + bytes(4) + rtf


def test_where_there_is_only_rtf_it_is_read(take: Taking) -> None:
    made = message()
    made.raw["10090102"] = packed(rb"{\rtf1\ansi Hello Bob.\par The crane is \'efblue.}")
    assert texts(take(made))[""].endswith("Hello Bob.\nThe crane is ïblue.")
    made.raw["10090102"] = packed(
        rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\f0 \htmlrtf0 Hello &amp;"
        rb"{\*\htmltag84 <b>}\htmlrtf \b\htmlrtf0 Bob{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0"
        rb"{\*\htmltag72 </p><ul><li>}{\*\mhtmltag1 <x>}rope{\*\htmltag </li></ul>}}"
    )
    assert texts(take(made))[""].endswith("Hello &Bob\n\n- rope")


def test_compressed_rtf() -> None:
    # The two examples of the format's own description.
    data = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c64"
        "7d0a800fa0"
    )
    assert unpacked(data, 1000) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    data = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpacked(data, 1000) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert unpacked(data, 12) == b"{\\rtf1 WXYZW"


def test_what_is_sealed_is_named(take: Taking) -> None:
    made = message("")
    made.inside |= attachment(0, "a.pgp", b"Version: 1", "application/pgp-encrypted")
    made.inside |= attachment(1, "b.bin", b"\n-----BEGIN PGP MESSAGE-----\nhIw")
    made.inside |= attachment(2, "smime.p7m", b"\x30\x80", "application/pkcs7-mime")
    failed = dict(take(made).failed)
    assert failed.keys() == {"b.bin", "smime.p7m"}
    assert all("encrypted" in reason for reason in failed.values())


def test_large_streams_and_many(take: Taking) -> None:
    made = message("Hello.\n" * 20_000)
    for number in range(80):
        made.inside |= attachment(number, f"a{number}.txt", b"Text of %d." % number * 600)
    reading = take(made)
    assert len(reading.parts) == 81
    assert reading.parts[0].document.text.count("Hello.") == 20_000
    assert texts(reading)["a79.txt"] == "Text of 79." * 600


def test_other_compound_files_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "mail.msg"
    nested = message("Inside a Word file.").tree()
    path.write_bytes(compound({"WordDocument": b"old", "ObjectPool": {"_1": nested}}))
    with pytest.raises(UnreadableFile, match=r"\.doc\); save it as"):
        read_all(path)
    path.write_bytes(compound({"Other": b"x"}))
    with pytest.raises(UnreadableFile, match="old binary Office file"):
        read_all(path)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("place", [44, 48, 60, 68, 76])
def test_chains_that_lead_in_circles(tmp_path: Path, place: int) -> None:
    made = message("Hello.")
    made.inside |= attachment(0, "large.txt", b"word " * 2000)
    for target in range(6):
        data = bytearray(made.file())
        data[place : place + 4] = target.to_bytes(4, "little")
        table = int.from_bytes(data[76:80], "little")
        if 0 <= table < len(data) // 512 - 1:
            start = 512 * (table + 1) + 4 * target
            data[start : start + 4] = (target // 2).to_bytes(4, "little")
        path = tmp_path / "mail.msg"
        path.write_bytes(data)
        try:
            check_reading(read_all(path))
        except UnreadableFile as error:
            assert error.reason
