from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document
from groundtone.documents.csv_rows import read
from groundtone.documents.decoding import NotText


class TestCsvContract(ReaderContract):
    suffix = ".csv"
    markers = (b"a,b\n", b'"', b"sep=;\n", b"a;b;c\n1;2;3\n")

    def write(self, path: Path) -> None:
        path.write_text("part,about\ncrane,The blue crane lifts four tons.\nrope,steel\n")

    def test_blocks_know_their_section(self, sample: Path) -> None:
        pytest.skip("separated values have no headings")


def parse(content: str | bytes, name: str = "file.csv") -> Document:
    data = content.encode() if isinstance(content, str) else content
    document = read(Path(name), data)
    check_document(document)
    return document


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def head(document: Document) -> str | None:
    block = document.blocks[-1]
    return document.text[slice(*block.header)] if block.header else None


def test_one_table_with_its_header_in_the_file_as_it_is() -> None:
    content = "part,price\r\nrope,4\r\nhook,5\r\n"
    document = parse(content)
    assert document.text == content
    assert cuts(document) == [("table", content.strip())]
    assert head(document) == "part,price"
    assert document.media_type == "text/csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = [["name, first", "age"], ["Ann; Bob", "4"], ["Cid | Dan", "5"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    document = parse(buffer.getvalue())
    assert head(document) == buffer.getvalue().splitlines()[0]
    assert document.media_type.endswith("csv" if delimiter != "\t" else "tab-separated-values")


def test_a_declared_delimiter_is_no_row() -> None:
    document = parse("sep=;\npart;price\nrope;4\n")
    assert cuts(document) == [("table", "part;price\nrope;4")]
    assert head(document) == "part;price"


def test_quoted_cells_hold_line_ends_and_blank_lines() -> None:
    content = 'part,"about\n\nit"\nrope,"a ""steel"" one,\nlong"\nhook,iron\n'
    document = parse(content)
    assert cuts(document) == [("table", content.strip())]
    assert head(document) == 'part,"about\n\nit"'


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    document = parse('part,size\npipe,"5 inch\nrope,4\n\nname,owner\nblue,Ann\n')
    assert len(document.blocks) == 2
    assert head(document) == "name,owner"


def test_ragged_rows_names_above_and_several_tables() -> None:
    document = parse(
        "Sales\n\npart,price\nrope,4\nhook,5,extra\n,,\ncrane,owner,since\nblue,Ann,x\n"
    )
    assert cuts(document) == [
        ("paragraph", "Sales"),
        ("table", "part,price\nrope,4\nhook,5,extra"),
        ("table", "crane,owner,since\nblue,Ann,x"),
    ]


def test_blank_lines_inside_a_table_do_not_cut_it() -> None:
    document = parse("part,price\nrope,4\n\nhook,5\n")
    assert len(document.blocks) == 1


def test_rows_of_numbers_have_no_header_but_years_may_name_columns() -> None:
    assert head(parse("1,2\n3,4\n")) is None
    assert head(parse("region,2023,2024\nNorth,4,5\n")) == "region,2023,2024"


def test_names_over_several_columns_are_part_of_the_header() -> None:
    assert head(parse("part,results,\n,lifted,lost\nrope,1,2\n")) == "part,results,\n,lifted,lost"


def test_other_encodings(tmp_path: Path) -> None:
    document = parse("teil;größe\nseil;4\n".encode("cp1252"))
    assert head(document) == "teil;größe"
    assert parse("a,b\nc,d\n".encode("utf-16")).text == "a,b\nc,d\n"


def test_hundred_thousand_rows_are_one_block() -> None:
    content = "part,price\n" + "rope,4\n" * 100_000
    assert len(parse(content).blocks) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("hostile", ['"' * 200_000, '"\n' * 30_000, ',"' * 100_000, "\n" * 300_000])
def test_hostile_input_takes_no_time(hostile: str) -> None:
    parse("a,b\n" + hostile)


CELLS = st.text(alphabet='ab1 ,;"\n\t|é', max_size=8)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
)
def test_spans_lie_on_record_borders(rows: list[list[str]], delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    content = buffer.getvalue()
    document = parse(content)
    assert document.text == content
    kept = "".join(cut for _, cut in cuts(document))
    for row in rows:
        for cell in row:
            for word in cell.replace('"', '""').split():
                assert word in kept


@given(st.text(max_size=300))
def test_any_text_is_read(content: str) -> None:
    with contextlib.suppress(NotText):
        parse(content)
