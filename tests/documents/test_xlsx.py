from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read
from groundtone.documents.number_formats import shown
from groundtone.documents.regions import Row, regions
from groundtone.documents.xlsx import read as read_xlsx
from groundtone.errors import UnreadableFile


class TestXlsxContract(ReaderContract):
    suffix = ".xlsx"
    markers = (b"PK\x03\x04",)

    def write(self, path: Path) -> None:
        book = openpyxl.Workbook()
        first = book.active
        first.title = "1 Cranes"
        first["A1"] = "The blue crane lifts four tons."
        second = book.create_sheet("1.1 Ropes")
        for row in (["Ropes last nine years."], [], ["part", "made of"], ["rope", "steel"]):
            second.append(row)
        book.save(str(path))

    def test_blocks_know_their_section(self, sample: Path) -> None:
        where = {
            cut: (block.headings, block.page)
            for block, (_, cut) in zip(read(sample).blocks, cuts(read(sample)), strict=True)
        }
        assert where["The blue crane lifts four tons."] == (("1 Cranes",), 1)
        assert where["part | made of\nrope | steel"] == (("1.1 Ropes",), 2)


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def saved(folder: Path, rows: Sequence[Sequence[Any]], *, at: str = "A1") -> Document:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    top = sheet[at].row
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet.cell(top + number, sheet[at].column + place, value)
    book.save(str(folder / "file.xlsx"))
    document = read(folder / "file.xlsx")
    check_document(document)
    return document


def tables(document: Document) -> list[str]:
    return [cut for kind, cut in cuts(document) if kind == "table"]


def heads(document: Document) -> list[str | None]:
    return [
        document.text[slice(*block.header)] if block.header else None
        for block in document.blocks
        if block.kind == "table"
    ]


def test_a_table_with_its_name_header_and_cells(tmp_path: Path) -> None:
    rows = [["Sales of cranes"], ["region", "2023", "tons"], ["North", 12, 3.5], ["South", 7, 1]]
    document = saved(tmp_path, rows, at="B3")
    assert cuts(document) == [
        ("heading", "Data"),
        ("paragraph", "Sales of cranes"),
        ("table", "region | 2023 | tons\nNorth | 12 | 3.5\nSouth | 7 | 1"),
    ]
    assert heads(document) == ["region | 2023 | tons"]
    start = document.blocks[-1].start
    assert document.metadata["ranges"] == [[start, "B4:D6"]]


def test_an_empty_row_ends_a_table(tmp_path: Path) -> None:
    rows = [["part", "price"], ["rope", 4], [], ["crane", "owner"], ["blue", "Ann"]]
    document = saved(tmp_path, rows)
    assert tables(document) == ["part | price\nrope | 4", "crane | owner\nblue | Ann"]
    assert [place for _, place in document.metadata["ranges"]] == ["A1:B2", "A4:B5"]


def test_gaps_inside_a_table_do_not_end_it(tmp_path: Path) -> None:
    rows = [["part", "price"], [], ["rope", 4], ["hook", 5], [], ["wire", 6]]
    document = saved(tmp_path, rows)
    assert tables(document) == ["part | price\nrope | 4\nhook | 5\nwire | 6"]
    assert heads(document) == ["part | price"]
    assert [place for _, place in document.metadata["ranges"]] == ["A1:B1,A3:B4,A6:B6"]


def test_tables_side_by_side_are_apart_but_amounts_stay_with_their_labels(tmp_path: Path) -> None:
    beside = [
        ["part", "price", None, "crane", "owner"],
        ["rope", 4, None, "blue", "Ann"],
        ["hook", 5, None, "red", "Bob"],
    ]
    assert tables(saved(tmp_path, beside)) == [
        "part | price\nrope | 4\nhook | 5",
        "crane | owner\nblue | Ann\nred | Bob",
    ]
    one = [["part", "2023", None, "2024", "2025"], ["rope", 4, None, 5, 6], ["hook", 1, None, 2, 3]]
    assert tables(saved(tmp_path, one)) == [
        "part | 2023 | 2024 | 2025\nrope | 4 | 5 | 6\nhook | 1 | 2 | 3"
    ]


def test_names_over_several_columns_are_part_of_the_header(tmp_path: Path) -> None:
    rows = [
        ["In tons", None, "North", None],
        [None, "lifted", "lost", "left"],
        ["May", 1, 2, 3],
        ["June", 4, 5, 6],
    ]
    assert heads(saved(tmp_path, rows)) == ["In tons |  | North\n | lifted | lost | left"]


def test_a_table_of_numbers_has_no_header(tmp_path: Path) -> None:
    assert heads(saved(tmp_path, [[1, 2], [3, 4]])) == [None]


def test_hidden_sheets_and_formulas_without_values_are_noted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["sum", "=1+1"])
    book.active.append(["text", 4])
    hidden = book.create_sheet("Secret")
    hidden["A1"] = "hidden text"
    hidden.sheet_state = "hidden"
    book.save(str(tmp_path / "file.xlsx"))
    document = read(tmp_path / "file.xlsx")
    assert "hidden text" in document.text
    assert document.notes == (
        "sheet 'Secret' is hidden",
        "1 formula(s) have no computed value in the file; open and save it in Excel",
    )


def test_merged_cells_are_said_once(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["wide", None, "c"], ["1", "2", "3"]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.save(str(tmp_path / "file.xlsx"))
    assert read(tmp_path / "file.xlsx").text.count("wide") == 1


def test_the_size_that_a_sheet_states_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    saved(tmp_path, [["part", "price"], ["rope", 4]])
    wide = tmp_path / "wide.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wide, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.startswith("xl/worksheets/"):
                data = data.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
                data = data.replace(b'<row r="2"', b'<row r="1048576"').replace(
                    b'"A2"', b'"A1048576"'
                )
                data = data.replace(b'"B2"', b'"B1048576"')
            target.writestr(name, data)
    assert "rope" in read(wide).text


def test_damaged_styles_cost_only_the_number_formats(tmp_path: Path) -> None:
    saved(tmp_path, [["part", "price"], ["rope", 4]])
    damaged = tmp_path / "damaged.xlsx"
    with zipfile.ZipFile(tmp_path / "file.xlsx") as source, zipfile.ZipFile(damaged, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "xl/styles.xml":
                data = data[:-20]
            target.writestr(name, data)
    document = read(damaged)
    assert "rope | 4" in document.text
    assert "number formats are damaged" in document.notes[0]


def test_a_sheet_is_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundtone.documents import xlsx

    monkeypatch.setattr(xlsx, "_MOST_CELLS", 10)
    document = saved(tmp_path, [[f"row{number}", number] for number in range(20)])
    assert "row5" in document.text and "row19" not in document.text
    assert "read up to row" in document.notes[0]


def test_encrypted_parts_and_type_definitions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'
        )
    with pytest.raises(UnreadableFile, match="type definition"):
        read_xlsx(path, path.read_bytes())


def test_a_package_that_unpacks_out_of_proportion(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", " " * 50_000_000)
    with pytest.raises(UnreadableFile, match="zip bomb"):
        read_xlsx(path, path.read_bytes())


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e16, None, "1e+16"),
        (1234567, "#,##0", "1,234,567"),
        (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (-0.001, "0.00", "0.00"),
        (0.256, "0.0%", "25.6%"),
        (12.5, '"$"#,##0.00', "$12.50"),
        (12.5, "[$€-407] #,##0.00", "€ 12.50"),
        (1234567, '#,##0,"k"', "1,235k"),
        (5, "000", "005"),
        (3.0, "0.##", "3"),
        (12, '0 "kg"', "12 kg"),
        (0, '#,##0;-#,##0;"-"', "-"),
        (1.0, ";;;", "1"),
        (1.5, "# ?/?", "1.5"),
        (True, "General", "TRUE"),
        ("two\nlines_x000D_", "@", "two lines"),
        (datetime(2024, 3, 9, 14, 5), "d/m/yyyy", "9/3/2024"),
        (datetime(2024, 3, 9, 14, 5), "mm/dd/yy h:mm AM/PM", "03/09/24 2:05 PM"),
        (datetime(2024, 3, 9), "dddd, mmmm d, yyyy", "Saturday, March 9, 2024"),
        (datetime(2024, 3, 9), "General", "2024-03-09"),
        (date(2024, 3, 9), "d-mmm-yy", "9-Mar-24"),
        (time(14, 5, 7), "mm:ss", "05:07"),
        (None, "General", ""),
    ],
)
def test_values_are_shown_as_people_see_them(value: Any, code: str | None, text: str) -> None:
    assert shown(value, code) == text


@given(
    value=st.one_of(st.integers(), st.floats(), st.datetimes(), st.times(), st.timedeltas()),
    code=st.text(alphabet='0#?.,%eE+-;"\\[$]ymdhsAP/_*@ Gabc', max_size=30),
)
def test_any_format_shows_something(value: Any, code: str) -> None:
    text = shown(value, code)
    assert text.strip() and "\n" not in text


def test_dates_strings_and_errors_by_their_cell_types(tmp_path: Path) -> None:
    space = 'xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"'
    sheet = (
        f"<worksheet {space}><sheetData>"
        '<row><c t="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r>'
        "<rPh><t>no</t></rPh></is></c>"
        '<c t="str"><f>A1</f><v>said</v></c></row>'
        '<row r="3"><c r="A3" t="e"><v>#N/A</v></c><c r="B3" t="d"><v>2024-03-09</v></c>'
        '<c r="D3" s="1"><v>45360</v></c><c r="C3" t="b"><v>1</v></c><c t="s"><v>99</v></c></row>'
        "</sheetData></worksheet>"
    )
    relations = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    parts = {
        "_rels/.rels": f'<R><a Id="1" Type="{relations}/officeDocument" Target="/b/book.xml"/></R>',
        "b/_rels/book.xml.rels": (
            f'<R><a Id="7" Type="{relations}/worksheet" Target="sheet.xml"/>'
            f'<a Id="8" Type="{relations}/styles" Target="styles.xml"/></R>'
        ),
        "b/book.xml": (
            f'<workbook {space} xmlns:r="{relations}">'
            '<sheets><sheet name="Data" r:id="7"/></sheets></workbook>'
        ),
        "b/styles.xml": (
            f"<styleSheet {space}><cellXfs>"
            '<xf numFmtId="0"/><xf numFmtId="15"/></cellXfs></styleSheet>'
        ),
        "b/sheet.xml": sheet,
    }
    path = tmp_path / "strict.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    document = read_xlsx(path, path.read_bytes())
    check_document(document)
    assert cuts(document) == [
        ("heading", "Data"),
        ("paragraph", "rich text | said"),
        ("paragraph", "#N/A | 2024-03-09 | TRUE | 9-Mar-24"),
    ]


@pytest.mark.timeout(60)
def test_cells_on_a_diagonal_do_not_fill_the_memory() -> None:
    rows = [Row(number, {number % 16_000 + 1: "x"}) for number in range(1, 60_000)]
    lines = [line for region in regions(rows) for line in region.lines()]
    assert sum(map(len, lines)) == len(rows)
