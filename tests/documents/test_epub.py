from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from documents.archives import zipped
from groundtone.documents import Document, read
from groundtone.errors import UnreadableFile

CONTAINER = """<?xml version="1.0"?>
<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
PAGE = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><link href="a.css"/></head>
<body><a id="start"/>{body}</body></html>"""
ONE = "<h1>1 Cranes</h1><p>The blue crane lifts four tons.</p>"
TWO = (
    "<h2>1.1 Ropes</h2><p>Ropes last nine years.</p><ul><li>inspect daily</li></ul>"
    "<table><tr><th>part</th></tr><tr><td>steel</td></tr></table>"
)


def book(pages: dict[str, str], **files: str) -> dict[str, bytes | str]:
    """The files of a book whose spine is the pages backwards by name, to prove that it counts."""
    items = "".join(
        f'<item id="{name}" href="text/{name}%20page.xhtml" media-type="application/xhtml+xml"/>'
        for name in sorted(pages)
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in pages)
    package = f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Crane Book</dc:title>
      <dc:creator>Ann Lee</dc:creator><dc:creator>Bob Ray</dc:creator><dc:language>en</dc:language>
      </metadata><manifest>{items}
      <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
      <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>
      <spine toc="ncx"><itemref idref="nav"/>{spine}<itemref idref="gone"/></spine></package>"""
    made: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package,
        "OEBPS/nav.xhtml": PAGE.format(body="<nav><ol><li>Contents noise</li></ol></nav>"),
    }
    for name, body in pages.items():
        made[f"OEBPS/text/{name} page.xhtml"] = PAGE.format(body=body)
    return made | {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}


class TestEpubContract(ReaderContract):
    suffix = ".epub"
    markers = (b"PK\x03\x04", b"PK\x05\x06")

    def write(self, path: Path) -> None:
        path.write_bytes(zipped(book({"b": ONE, "a": TWO})))


@pytest.fixture
def take(tmp_path: Path) -> Callable[[dict[str, bytes | str]], Document]:
    def take(files: dict[str, bytes | str]) -> Document:
        path = tmp_path / "book.epub"
        path.write_bytes(zipped(files))
        document = read(path)
        check_document(document)
        return document

    return take


def test_the_spine_gives_the_order_and_the_package_the_title(take) -> None:
    document = take(book({"b": ONE, "a": TWO}))
    assert document.title == "The Crane Book"
    assert document.metadata == {"author": "Ann Lee, Bob Ray", "language": "en"}
    assert document.media_type == "application/epub+zip"
    assert document.text.index("four tons") < document.text.index("nine years")
    assert "noise" not in document.text
    table = document.blocks[-1]
    assert table.kind == "table" and table.header is not None
    assert table.headings == ("1 Cranes", "1.1 Ropes")


def test_a_page_without_heading_gets_its_line_from_the_contents(take) -> None:
    contents = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel>
      <text>First chapter</text></navLabel><content src="text/a%20page.xhtml#x"/></navPoint>
      </navMap></ncx>"""
    document = take(book({"a": "<p>First Chapter</p><p>Words.</p>"}) | {"OEBPS/toc.ncx": contents})
    assert document.text == "First chapter\n\nWords."
    assert document.blocks[1].headings == ("First chapter",)


def test_missing_and_damaged_pages_are_noted(take) -> None:
    files = book({"a": ONE, "b": TWO})
    del files["OEBPS/text/b page.xhtml"]
    document = take(files)
    assert "four tons" in document.text
    assert document.notes == ("OEBPS/text/b page.xhtml is missing",)
    with pytest.raises(UnreadableFile, match=r"holds no text; OEBPS/text/. page.xhtml is missing"):
        take({name: text for name, text in files.items() if "a page" not in name})


def test_protected_books_say_so_and_scrambled_fonts_do_not_matter(take) -> None:
    protected = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
      <EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod
      Algorithm="{}"/></EncryptedData></encryption>"""
    drm = protected.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(UnreadableFile, match="DRM"):
        take(book({"a": ONE}) | {"META-INF/encryption.xml": drm})
    fonts = protected.format("http://www.idpf.org/2008/embedding")
    assert take(book({"a": ONE}) | {"META-INF/encryption.xml": fonts}).blocks


@pytest.mark.timeout(60)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_they_unfold(take, encoding: str) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><container><x>&a19;</x></container>'
    for prefix in ("", "<!-- <x> -->", f"<!--{' ' * 100_000}--><?x y?>"):
        with pytest.raises(UnreadableFile, match="entities"):
            take(book({"a": ONE}) | {"META-INF/container.xml": (prefix + bomb).encode(encoding)})


def test_references_to_other_files_are_not_followed(take, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    page = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY s SYSTEM "{tmp_path}/secret.txt">]>'
        "<html><body><p>Words &s; here.</p></body></html>"
    )
    assert "secret" not in take(book({"a": ONE}) | {"OEBPS/text/a page.xhtml": page}).text


def test_bombs_among_the_pages(take) -> None:
    with pytest.raises(UnreadableFile, match="bomb"):
        take(book({"a": "<p>" + "a" * 20_000_000}))
