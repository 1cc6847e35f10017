from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from contracts.reader import ReaderContract
from groundtone.documents import Document, read
from groundtone.documents.docx import read as read_docx
from groundtone.errors import UnreadableFile


class TestDocxContract(ReaderContract):
    suffix = ".docx"
    markers = (b"PK\x03\x04", b"PK\x03\x04\x14\x00\x00\x00\x08\x00")

    def write(self, path: Path) -> None:
        word = docx.Document()
        word.add_heading("1 Cranes", 1)
        word.add_paragraph("The blue crane lifts four tons.")
        word.add_heading("1.1 Ropes", 2)
        word.add_paragraph("Ropes last nine years.")
        word.add_paragraph("inspect daily", style="List Bullet")
        word.add_paragraph("oil weekly", style="List Bullet")
        table = word.add_table(rows=2, cols=2)
        for row, texts in zip(table.rows, [("part", "made of"), ("rope", "steel")], strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
        word.save(str(path))

    def test_kinds_in_document_order(self, sample: Path) -> None:
        assert cuts(read(sample)) == [
            ("heading", "1 Cranes"),
            ("paragraph", "The blue crane lifts four tons."),
            ("heading", "1.1 Ropes"),
            ("paragraph", "Ropes last nine years."),
            ("list", "- inspect daily\n- oil weekly"),
            ("table", "part | made of\nrope | steel"),
        ]


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


@pytest.fixture
def word() -> Any:
    return docx.Document()


def saved(word: Any, path: Path) -> Document:
    word.save(str(path / "file.docx"))
    return read(path / "file.docx")


def test_merged_cells_are_said_once(word: Any, tmp_path: Path) -> None:
    table = word.add_table(rows=3, cols=3)
    for number, row in enumerate(table.rows):
        for place, cell in enumerate(row.cells):
            cell.text = f"{number}{place}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "tall"
    assert saved(word, tmp_path).text == "wide |  | 02\n10 | 11 | tall\n20 | 21"


def test_nested_tables_are_part_of_their_cell(word: Any, tmp_path: Path) -> None:
    table = word.add_table(rows=1, cols=2)
    table.cell(0, 0).text = "outer"
    inner = table.cell(0, 1).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "one", "two"
    assert saved(word, tmp_path).text == "outer | one two"


def test_a_table_of_one_cell_is_a_frame(word: Any, tmp_path: Path) -> None:
    cell = word.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "first"
    cell.add_paragraph("second")
    assert cuts(saved(word, tmp_path)) == [("paragraph", "first"), ("paragraph", "second")]


def test_the_title_style_names_the_document(word: Any, tmp_path: Path) -> None:
    word.core_properties.title = "Property"
    word.add_heading("Crane Manual", 0)
    word.add_heading("1 Use", 1)
    word.add_paragraph("text")
    document = saved(word, tmp_path)
    assert document.title == "Crane Manual"
    assert document.blocks[-1].headings == ("1 Use",)


def test_title_from_the_properties(word: Any, tmp_path: Path) -> None:
    word.core_properties.title = "Crane Manual"
    word.add_paragraph("text")
    assert saved(word, tmp_path).title == "Crane Manual"


def test_custom_heading_styles_are_known_by_what_they_are_based_on(
    word: Any, tmp_path: Path
) -> None:
    style = word.styles.add_style("Chapter", 1)
    style.base_style = word.styles["Heading 2"]
    word.add_paragraph("Ropes", style="Chapter")
    word.add_paragraph("text")
    assert saved(word, tmp_path).blocks[0].level == 2


def test_numbers_that_word_makes_are_part_of_headings(word: Any, tmp_path: Path) -> None:
    numbering = word.part.numbering_part.element
    abstract = parse_xml(
        f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/>'
        '</w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>'
    )
    numbering.insert(0, abstract)
    numbering.append(
        parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>')
    )
    for level in (1, 2):
        properties = word.styles[f"Heading {level}"].element.get_or_add_pPr()
        place = OxmlElement("w:numPr")
        for name, value in (("w:ilvl", str(level - 1)), ("w:numId", "90")):
            child = OxmlElement(name)
            child.set(qn("w:val"), value)
            place.append(child)
        properties.append(place)
    for text, level in (("Use", 1), ("Care", 1), ("Daily", 2), ("Weekly", 2)):
        word.add_heading(text, level)
        word.add_paragraph("text")
    headings = [text for kind, text in cuts(saved(word, tmp_path)) if kind == "heading"]
    assert headings == ["1 Use", "2 Care", "2.1 Daily", "2.2 Weekly"]


def test_insertions_links_controls_and_text_boxes_are_content(word: Any, tmp_path: Path) -> None:
    body = word.element.body
    names = nsdecls("w")
    for xml in (
        f"<w:p {names}><w:r><w:t>a </w:t></w:r><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>",
        f"<w:sdt {names}><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p></w:sdtContent>"
        "</w:sdt>",
        f"<w:p {names}><w:hyperlink><w:r><w:t>linked</w:t></w:r></w:hyperlink><w:r><w:pict>"
        "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></w:pict></w:r></w:p>",
    ):
        body.insert(len(body) - 1, parse_xml(xml))
    assert [text for _, text in cuts(saved(word, tmp_path))] == [
        "a inserted",
        "controlled",
        "linked",
        "boxed",
    ]


def test_a_document_without_text(word: Any, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no text"):
        saved(word, tmp_path)


def test_a_package_that_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "broken.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:document")
    with pytest.raises(UnreadableFile, match="damaged or not DOCX"):
        read(path)


def test_a_package_that_would_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.documents import office

    monkeypatch.setattr(office, "LARGEST_UNPACKED", 10_000)
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "x" * 100_000)
    with pytest.raises(UnreadableFile, match="unpacks to"):
        read_docx(path, path.read_bytes())


def test_footnotes_follow_the_paragraph_that_refers_to_them(word: Any, tmp_path: Path) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    names = nsdecls("w")
    notes = (
        f'<w:footnotes {names}><w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>Tested in May.</w:t></w:r></w:p></w:footnote>'
        '<w:footnote w:id="3"><w:p><w:r><w:t>Never used.</w:t></w:r></w:p></w:footnote>'
        "</w:footnotes>"
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), word.part.package)
    word.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    paragraph = word.add_paragraph("It lifts four tons.")
    paragraph.add_run()._r.append(parse_xml(f'<w:footnoteReference {names} w:id="2"/>'))
    word.add_paragraph("Next.")
    assert [text for _, text in cuts(saved(word, tmp_path))] == [
        "It lifts four tons.",
        "Footnote 1: Tested in May.",
        "Next.",
    ]


def test_what_people_do_not_see_is_left_out(word: Any, tmp_path: Path) -> None:
    word.styles.add_style("TOC 1", 1)
    word.add_paragraph("1 Use ........ 7", style="TOC 1")
    paragraph = word.add_paragraph("seen")
    paragraph.add_run(" hidden").font.hidden = True
    paragraph._p.append(
        parse_xml(f"<w:moveFrom {nsdecls('w')}><w:r><w:t>moved away</w:t></w:r></w:moveFrom>")
    )
    word.add_comment(paragraph.runs, "a comment")
    word.sections[0].header.paragraphs[0].text = "header"
    word.sections[0].footer.paragraphs[0].text = "footer"
    assert saved(word, tmp_path).text == "seen"


def test_formulas_are_text(word: Any, tmp_path: Path) -> None:
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    paragraph = word.add_paragraph("Load: ")
    paragraph._p.append(
        parse_xml(f'<m:oMath xmlns:m="{math}"><m:r><m:t>F=ma</m:t></m:r></m:oMath>')
    )
    assert saved(word, tmp_path).text == "Load: F=ma"


def test_tables_know_their_header(word: Any, tmp_path: Path) -> None:
    table = word.add_table(rows=3, cols=2)
    for row, texts in zip(table.rows, (("1", "2"), ("3", "4"), ("5", "6")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document = saved(word, tmp_path)
    assert document.blocks[0].header is None
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    document = saved(word, tmp_path)
    assert document.blocks[0].header is not None
    assert document.text[slice(*document.blocks[0].header)] == "1 | 2\n3 | 4"


def test_typed_bullets_are_lists(word: Any, tmp_path: Path) -> None:
    for text in ("• one", "•", "• two"):
        word.add_paragraph(text)
    assert cuts(saved(word, tmp_path)) == [("list", "- one\n- two")]


def test_properties_are_metadata(word: Any, tmp_path: Path) -> None:
    word.core_properties.author = "Ann Smith"
    word.core_properties.keywords = "cranes, ropes"
    word.add_paragraph("text")
    metadata = saved(word, tmp_path).metadata
    assert (metadata["author"], metadata["keywords"]) == ("Ann Smith", "cranes, ropes")


def test_entities_are_not_expanded(word: Any, tmp_path: Path) -> None:
    word.add_paragraph("text")
    saved(word, tmp_path)
    bomb = tmp_path / "bomb.docx"
    with zipfile.ZipFile(tmp_path / "file.docx") as source, zipfile.ZipFile(bomb, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(b"<w:document", b'<!DOCTYPE d [<!ENTITY x "y">]><w:document', 1)
            target.writestr(name, data)
    with pytest.raises(UnreadableFile, match="document type definition"):
        read(bomb)


def test_bold_lines_are_headings_where_no_style_is(word: Any, tmp_path: Path) -> None:
    for text, bold in (
        ("Ropes", True),
        ("They last nine years.", False),
        ("Never cut them.", True),
        ("Part two", True),
        ("Care", True),
        ("Oil it.", False),
    ):
        word.add_paragraph().add_run(text).bold = bold
    assert [kind for kind, _ in cuts(saved(word, tmp_path))] == [
        "heading",
        "paragraph",
        "paragraph",
        "paragraph",
        "heading",
        "paragraph",
    ]
    word.add_heading("Styled", 1)
    assert [kind for kind, _ in cuts(saved(word, tmp_path))][:4] == ["paragraph"] * 4
