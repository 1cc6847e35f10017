from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from documents.archives import zipped
from groundtone.documents import Document, read
from groundtone.errors import UnreadableFile

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{path}:1.0"'
    for name, path in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
        ("meta", "meta"),
    )
)
TABLE = """<table:table table:name="Parts"><table:table-header-rows><table:table-row>
<table:table-cell><text:p>part</text:p></table:table-cell><table:table-cell><text:p>made of</text:p>
</table:table-cell></table:table-row></table:table-header-rows><table:table-row><table:table-cell>
<text:p>rope</text:p></table:table-cell><table:table-cell><text:p>steel</text:p></table:table-cell>
<table:table-cell table:number-columns-repeated="16000"/></table:table-row><table:table-row
table:number-rows-repeated="1048000"><table:table-cell/></table:table-row></table:table>"""
MANUAL = f"""<text:h text:outline-level="1">1 Cranes</text:h><text:p>The blue crane lifts
<text:span>four</text:span><text:s text:c="1"/>tons.</text:p>
<text:h text:outline-level="2">1.1 Ropes</text:h><text:p>Ropes last nine years.</text:p>
<text:list><text:list-item><text:p>inspect daily</text:p><text:list><text:list-item>
<text:p>with care</text:p></text:list-item></text:list></text:list-item></text:list>{TABLE}"""


def odf(body: str, kind: str = "text", **parts: str) -> bytes:
    """An OpenDocument file with a body."""
    content = (
        f"<?xml version='1.0'?><office:document-content {SPACES}><office:body><office:{kind}>"
        f"{body}</office:{kind}></office:body></office:document-content>"
    )
    meta = (
        f"<office:document-meta {SPACES} xmlns:dc='http://purl.org/dc/elements/1.1/'>"
        "<office:meta><dc:title>The Manual</dc:title><meta:initial-creator>Ann Lee"
        "</meta:initial-creator></office:meta></office:document-meta>"
    )
    files = {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": content,
        "meta.xml": meta,
    }
    return zipped(files | {name.replace("__", "/") + ".xml": text for name, text in parts.items()})


class TestOpenDocumentContract(ReaderContract):
    suffix = ".odt"
    markers = (b"PK\x03\x04", b"PK\x05\x06")

    def write(self, path: Path) -> None:
        path.write_bytes(odf(MANUAL))


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Document]:
    def take(data: bytes) -> Document:
        path = tmp_path / "file"
        path.write_bytes(data)
        document = read(path)
        check_document(document)
        return document

    return take


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_texts(take: Callable[..., Document]) -> None:
    document = take(odf(MANUAL))
    assert document.title == "The Manual"
    assert document.metadata == {"author": "Ann Lee"}
    assert document.media_type == "application/vnd.oasis.opendocument.text"
    assert [(kind, " ".join(text.split())) for kind, text in cuts(document)] == [
        ("heading", "1 Cranes"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "1.1 Ropes"),
        ("paragraph", "Ropes last nine years."),
        ("list", "- inspect daily - with care"),
        ("table", "part | made of rope | steel"),
    ]
    header = document.blocks[-1].header
    assert header and document.text[slice(*header)] == "part | made of"


def test_notes_boxes_comments_and_deleted_text(take: Callable[..., Document]) -> None:
    document = take(
        odf(
            "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
            "<text:table-of-content><text:p>contents</text:p></text:table-of-content>"
            "<text:p>Ropes<text:note><text:note-citation>1</text:note-citation><text:note-body>"
            "<text:p>of steel</text:p></text:note-body></text:note> last<office:annotation><text:p>"
            "comment</text:p></office:annotation>.<draw:frame><draw:text-box><text:p>Beside it."
            "</text:p></draw:text-box></draw:frame></text:p>"
        )
    )
    assert cuts(document) == [
        ("paragraph", "Ropes last."),
        ("paragraph", "1 of steel"),
        ("paragraph", "Beside it."),
    ]


def test_sheets(take: Callable[..., Document]) -> None:
    document = take(odf(TABLE + TABLE.replace("Parts", "More"), "spreadsheet"))
    assert [(block.kind, block.page) for block in document.blocks] == [
        *(("heading", 1), ("table", 1), ("heading", 2), ("table", 2))
    ]
    assert document.blocks[-1].headings == ("More",)
    assert document.text.endswith("part | made of\nrope | steel")


def test_slides(take: Callable[..., Document]) -> None:
    slide = (
        "<draw:page><draw:frame presentation:class='title'><draw:text-box><text:p>{0}</text:p>"
        "</draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>About {0}.</text:p>"
        "</draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>"
        "Say {0}.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
    )
    document = take(odf(slide.format("Cranes") + slide.format("Ropes"), "presentation"))
    assert cuts(document)[3:] == [
        ("heading", "Ropes"),
        ("paragraph", "About Ropes."),
        ("paragraph", "Say Ropes."),
    ]
    assert [block.page for block in document.blocks] == [1, 1, 1, 2, 2, 2]


def test_encrypted_bombs_and_entities(take: Callable[..., Document]) -> None:
    with pytest.raises(UnreadableFile, match="encrypted with a password"):
        take(odf(MANUAL, **{"META-INF__manifest": "<m:manifest><m:encryption-data/></m:manifest>"}))
    with pytest.raises(UnreadableFile, match="bomb"):
        take(odf(f"<text:p>{'a' * 20_000_000}</text:p>"))
    with pytest.raises(UnreadableFile, match="entities"):
        take(
            zipped(
                {
                    "mimetype": "application/vnd.oasis.opendocument.text",
                    "content.xml": '<!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>',
                }
            )
        )
    with pytest.raises(UnreadableFile, match=r"no content\.xml"):
        take(zipped({"mimetype": "application/vnd.oasis.opendocument.text"}))
