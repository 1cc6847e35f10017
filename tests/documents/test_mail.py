from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_reading
from documents.archives import nested_zip, zipped
from groundtone.documents import Document, Reading, read, read_all

BODY = """<h1>1 Cranes</h1><p>The blue crane lifts four tons.</p>
<h2>1.1 Ropes</h2><p>Ropes last nine years.</p><ul><li>inspect daily</li></ul>
<table><tr><th>part</th><th>made of</th></tr><tr><td>rope</td><td>steel</td></tr></table>"""
Taking = Callable[[bytes | EmailMessage], Reading]


def mail(text: str | None = None, **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann Lee <ann@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Fri, 03 May 2024 10:00:00 +0200"
    for name, value in ({"subject": "The crane"} | fields).items():
        message[name.replace("_", "-")] = value
    if text is not None:
        message.set_content(text)
    return message


class TestMailContract(ReaderContract):
    suffix = ".eml"
    markers = (
        b"From: a@b\nSubject: x\n\n",
        b"MIME-Version: 1.0\nContent-Type: multipart/mixed;",
        b"Content-Type: text/html; charset=",
        b"From: =?utf-8?b?",
        b"Subject: =?x?q?=ff?=",
    )

    def write(self, path: Path) -> None:
        message = mail()
        message.set_content(BODY, subtype="html")
        message.add_attachment("Oil weekly.", filename="oil.txt")
        path.write_bytes(message.as_bytes())


@pytest.fixture
def take(tmp_path: Path) -> Taking:
    def take(message: bytes | EmailMessage) -> Reading:
        path = tmp_path / "mail.eml"
        path.write_bytes(message if isinstance(message, bytes) else message.as_bytes())
        reading = read_all(path)
        check_reading(reading)
        return reading

    return take


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_subject_header_and_text(take: Taking) -> None:
    reading = take(mail("Hello Bob.\n\nThe crane is blue.\n", Cc="eve@example.org"))
    [part] = reading.parts
    assert part.name == ""
    assert part.document.title == "The crane"
    assert part.document.media_type == "message/rfc822"
    assert cuts(part.document) == [
        ("heading", "The crane"),
        (
            "paragraph",
            "From: Ann Lee <ann@example.org>\nTo: bob@example.org\nCc: eve@example.org\n"
            "Date: Fri, 03 May 2024 10:00:00 +0200",
        ),
        ("paragraph", "Hello Bob."),
        ("paragraph", "The crane is blue."),
    ]


def test_metadata_and_thread(take: Taking) -> None:
    message = mail("x", Message_ID="<c@x>", References="<a@x> <b@x>", In_Reply_To="<b@x>")
    metadata = take(message).parts[0].document.metadata
    assert metadata == {
        "from": "Ann Lee <ann@example.org>",
        "to": "bob@example.org",
        "subject": "The crane",
        "date": "2024-05-03T08:00:00+00:00",
        "message_id": "<c@x>",
        "references": ["<a@x>", "<b@x>"],
        "thread": "<a@x>",
    }
    assert take(mail("x", Message_ID="<a@x>")).parts[0].document.metadata["thread"] == "<a@x>"


def test_plain_text_is_preferred_unless_it_says_nothing(take: Taking) -> None:
    message = mail("The plain crane lifts four tons.")
    message.add_alternative("<p>The <b>rich</b> crane lifts four tons.</p>", subtype="html")
    assert "plain crane" in take(message).parts[0].document.text
    assert "rich" not in take(message).parts[0].document.text
    message = mail("Please use another program.")
    message.add_alternative(BODY + "<p>" + "More words about cranes. " * 9, subtype="html")
    document = take(message).parts[0].document
    assert "another program" not in document.text
    assert ("heading", "1.1 Ropes") in cuts(document)
    table = next(block for block in document.blocks if block.kind == "table")
    assert table.headings == ("The crane", "1 Cranes", "1.1 Ropes")
    assert table.header is not None
    assert document.text[slice(*table.header)] == "part | made of"


def test_attachments_are_documents_of_their_own(take: Taking) -> None:
    message = mail("See the files.")
    message.add_attachment("# Ropes\n\nNine years.", filename="guide/ropes.md")
    message.add_attachment(BODY, subtype="html", filename="cranes.html")
    message.add_attachment(b"a,b\n1,2\n", "application", "octet-stream", filename="Größe.txt")
    message.add_attachment(zipped({"in/a.txt": "inner"}), "application", "zip", filename="z.zip")
    message.add_attachment(b"\x89PNG\r\n\x1a\n\0", "image", "png", filename="photo.png")
    message.add_attachment(b"", "application", "pdf", filename="empty.pdf")
    reading = take(message)
    assert [part.name for part in reading.parts] == [
        *("", "guide/ropes.md", "cranes.html", "Größe.txt", "z.zip/in/a.txt")
    ]
    assert reading.parts[1].document.title == "Ropes"
    assert reading.failed == (("empty.pdf", "the file is empty"),)
    assert reading.skipped == ((".png", 1),)
    assert "Attachments: guide/ropes.md, cranes.html, Größe.txt, z.zip" in (
        reading.parts[0].document.text
    )


def test_pictures_in_the_text_are_dropped(take: Taking) -> None:
    message = mail()
    message.set_content("<p>Look: <img src='cid:one'> the blue crane.</p>", subtype="html")
    message.add_related(b"\x89PNG\r\n\x1a\n\0", "image", "png", cid="<one>", filename="one.png")
    reading = take(message)
    assert cuts(reading.parts[0].document)[-1] == ("paragraph", "Look: the blue crane.")
    assert "one.png" not in reading.parts[0].document.text
    assert reading.skipped == reading.failed == ()


def test_style_sheets_of_the_text_are_no_text(take: Taking) -> None:
    message = mail()
    message.set_content("<p>The blue crane.</p>", subtype="html")
    message.add_related(b"p {color: red}", "text", "css", cid="<one>")
    reading = take(message)
    assert cuts(reading.parts[0].document)[-1] == ("paragraph", "The blue crane.")
    assert reading.skipped == reading.failed == ()


def test_forwarded_messages_are_mails_of_their_own(take: Taking) -> None:
    inner = mail("The inner text.", subject="Inner: a/b")
    inner.add_attachment("deep", filename="deep.txt")
    message = mail("The outer text.")
    message.add_attachment(inner)
    reading = take(message)
    assert [part.name for part in reading.parts] == [
        *("", "Inner: a_b.eml", "Inner: a_b.eml/deep.txt")
    ]
    assert reading.parts[1].document.metadata["subject"] == "Inner: a/b"
    assert "inner text" not in reading.parts[0].document.text


def test_nested_archives_in_mail_stop_at_the_limit(take: Taking) -> None:
    message = mail("See attached.")
    message.add_attachment(nested_zip(7), "application", "zip", filename="deep.zip")
    reading = take(message)
    assert [part.name for part in reading.parts] == [""]
    [(name, reason)] = reading.failed
    assert name.startswith("deep.zip/inner-0.zip")
    assert "nested deeper" in reason


def test_mails_in_mails_without_end(take: Taking) -> None:
    message = mail("core")
    for _ in range(8):
        outer = mail("one more")
        outer.add_attachment(message)
        message = outer
    reading = take(message)
    assert len(reading.parts) == 6
    assert "nested deeper" in reading.failed[0][1]


def test_quoted_history_stands_under_its_introduction(take: Taking) -> None:
    document = (
        take(
            mail(
                "It is blue.\n\nOn Thu, 2 May 2024, Bob wrote:\n> Which colour?\n>\n"
                "> On Wed, 1 May 2024, Ann wrote:\n>> We have a crane.\n"
            )
        )
        .parts[0]
        .document
    )
    assert cuts(document)[2:] == [
        ("paragraph", "It is blue."),
        ("heading", "On Thu, 2 May 2024, Bob wrote:"),
        ("paragraph", "Which colour?"),
        ("heading", "On Wed, 1 May 2024, Ann wrote:"),
        ("paragraph", "We have a crane."),
    ]
    assert document.blocks[-1].headings == (
        "The crane",
        "On Thu, 2 May 2024, Bob wrote:",
        "On Wed, 1 May 2024, Ann wrote:",
    )


def test_quotes_between_the_lines_of_a_reply_stay(take: Taking) -> None:
    text = "On Thu, 2 May 2024, Bob wrote:\n> Which colour?\nBlue.\n> How heavy?\nFour tons.\n"
    document = take(mail(text)).parts[0].document
    assert cuts(document)[2:] == [("paragraph", text.strip())]


def test_history_in_html(take: Taking) -> None:
    message = mail()
    message.set_content(
        "<div>It is blue.</div><div>On Thu, 2 May 2024 Bob wrote:</div>"
        "<blockquote><p>Which colour?</p></blockquote>",
        subtype="html",
    )
    document = take(message).parts[0].document
    assert document.blocks[-1].headings == ("The crane", "On Thu, 2 May 2024 Bob wrote:")


def test_history_below_a_copied_header(take: Taking) -> None:
    document = (
        take(
            mail(
                "It is blue.\n\n________________________________\nFrom: Bob <bob@example.org>\n"
                "Sent: Thursday, May 2\nTo: Ann\nSubject: Crane\n\nWhich colour?\n"
            )
        )
        .parts[0]
        .document
    )
    assert (
        document.blocks[-1]
        .headings[1]
        .endswith("From: Bob <bob@example.org> Sent: Thursday, May 2")
    )
    assert cuts(document)[-1] == ("paragraph", "Which colour?")


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Die Kräne heben"),
        ("windows-1252", "Die Kräne – vierzig"),
        ("koi8-r", "Синий кран поднимает"),
        ("iso-2022-jp", "青いクレーン"),
        ("shift_jis", "青いクレーン"),
        ("gb18030", "蓝色起重机"),
        ("utf-7", "Kräne"),
    ],
)
@pytest.mark.parametrize("transfer", ["8bit", "base64", "quoted-printable"])
def test_charsets(take: Taking, charset: str, text: str, transfer: str) -> None:
    import base64
    import quopri

    body = f"{text}.\r\n".encode(charset)
    if transfer == "base64":
        body = base64.encodebytes(body)
    elif transfer == "quoted-printable":
        body = quopri.encodestring(body)
    head = (
        f"From: a@b\r\nSubject: x\r\nContent-Type: text/plain; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {transfer}\r\n\r\n"
    )
    assert text in take(head.encode() + body).parts[0].document.text


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?q?Gr=C3=B6=C3=9Fe?= und =?utf-8?b?TWHDnw==?=", "Größe und Maß"),
        (b"=?iso-8859-1?q?Kr=E4ne?=", "Kräne"),
        (b"=?unheard-of?q?Kr=C3=A4ne?=", "Kräne"),
        ("Kräne".encode(), "Kräne"),
        ("Kräne".encode("cp1252"), "Kräne"),
        (b"=?utf-8?b?!!!!?= rest", "rest"),
        (b"folded\r\n over two lines", "folded over two lines"),
    ],
)
def test_subjects(take: Taking, raw: bytes, subject: str) -> None:
    title = take(b"From: a@b\r\nSubject: " + raw + b"\r\n\r\nText.\r\n").parts[0].document.title
    assert title == subject


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Type: multipart/mixed\r\n\r\nNo boundary, still text.",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nstill text, no end",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nstill text, no parts",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nstill text",
        b"Content-Type: ;;;===\r\n\r\nstill text",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nstill text!",
        b"Content-Disposition: ;filename*0*=x''%\r\n\r\nstill text",
        b"Date: yesterday\r\nTo: <<<>>,,;:\r\n\r\nstill text",
    ],
)
def test_broken_mime_survives(take: Taking, broken: bytes) -> None:
    reading = take(b"From: a@b\r\nSubject: Broken\r\n" + broken)
    assert any("still text" in part.document.text for part in reading.parts)


def test_encrypted_and_signed_mail(take: Taking) -> None:
    sealed = (
        b"From: a@b\r\nSubject: Secret\r\nContent-Type: multipart/encrypted; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--x--"
    )
    reading = take(sealed)
    assert "encrypted" in reading.failed[0][1]
    assert reading.parts[0].document.notes
    signed = (
        b"From: a@b\r\nSubject: Signed\r\nContent-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n"
        b"\r\nIt is blue.\r\n--x\r\nContent-Type: application/pgp-signature; name=s.asc\r\n\r\n"
        b"-----BEGIN PGP SIGNATURE-----\r\n--x--"
    )
    reading = take(signed)
    assert cuts(reading.parts[0].document)[-1] == ("paragraph", "It is blue.")
    assert reading.failed == reading.skipped == ()


def test_mail_is_told_by_its_content(tmp_path: Path) -> None:
    data = mail("The crane is blue.", Message_ID="<a@x>", MIME_Version="1.0").as_bytes()
    for name, content in (
        ("message", data),
        ("message.txt", data),
        ("wide.eml", data.decode().encode("utf-16")),
        ("marked.eml", b"\xef\xbb\xbf" + data),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        assert read(path).title == "The crane", name
    path = tmp_path / "letter.txt"
    path.write_text("From: the desk of Ann\nTo: Bob\n\nDear Bob, the crane is blue.\n")
    assert read(path).media_type == "text/plain"


@pytest.mark.timeout(60)
def test_hostile_headers_take_no_time(take: Taking) -> None:
    for header in (
        b"To: " + b"(" * 200_000,
        b"To: " + b"a@b, " * 100_000,
        b"Subject: " + b"=?utf-8?q?" * 50_000,
        b"References: " + b"<" * 300_000,
        b"Content-Type: text/plain; " + b"a*0*=x;" * 20_000,
    ):
        take(b"From: a@b\r\nSubject: x\r\n" + header + b"\r\n\r\nText.\r\n")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "markup", ["<style>" * 50_000, "<!--" * 100_000, "<head" * 50_000, "<" * 300_000]
)
def test_hostile_bodies_take_no_time(take: Taking, markup: str) -> None:
    message = mail("Plain text.")
    message.add_alternative(markup, subtype="html")
    assert "Plain text." in take(message).parts[0].document.text
