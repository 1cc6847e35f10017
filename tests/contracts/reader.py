"""What every reader owes: inherit ``ReaderContract`` and say how to make a file of your format.

A document's spans are what citations stand on, so they are checked in each format.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtone.documents import Document, Reading, read, read_all
from groundtone.errors import UnreadableFile

KINDS = {"heading", "paragraph", "list", "table", "code"}


def check_document(document: Document) -> None:
    """Assert everything that must hold for any document of any format."""
    assert document.title.strip()
    assert document.media_type.count("/") == 1
    assert all(isinstance(note, str) and note for note in document.notes)
    position = 0
    open_titles: tuple[str, ...] = ()
    for block in document.blocks:
        assert block.kind in KINDS
        assert position <= block.start < block.end <= len(document.text)
        position = block.end
        cut = document.text[block.start : block.end]
        assert cut.strip()
        assert cut == cut.rstrip()
        if block.kind == "heading":
            assert block.level in range(1, 7)
            assert block.headings and all(title.strip() for title in block.headings)
            assert block.headings[:-1] == open_titles[: len(block.headings) - 1]
            open_titles = block.headings
        else:
            assert block.level is None
            # A definition in source code opens a section of its own.
            own = len(open_titles) if block.kind == "code" else None
            assert block.headings[:own] == open_titles
        if block.header is not None:
            start, end = block.header
            assert block.kind == "table"
            assert start == block.start < end < block.end
            assert document.text[end] in "\r\n"
        if block.box is not None:
            left, top, right, bottom = block.box
            assert block.page is not None and left <= right and top <= bottom
    pages = [block.page for block in document.blocks if block.page is not None]
    assert pages == sorted(pages) and all(page >= 1 for page in pages)
    document.text.encode("utf-8")  # no lone surrogates: it must fit in any database
    document.title.encode("utf-8")
    assert all(key and key == key.lower() for key in document.metadata)
    json.dumps(document.metadata, allow_nan=False, ensure_ascii=False).encode("utf-8")


def check_reading(reading: Reading) -> None:
    """Assert everything that must hold for whatever a file holds."""
    names = [part.name for part in reading.parts]
    assert names
    assert len(set(names)) == len(names)
    for name, reason in reading.failed:
        assert reason.strip() and "\n" not in reason
        names.append(name)
    for name in filter(None, names):
        assert name.isprintable()
        assert not name.startswith("/") and "\\" not in name
        assert ".." not in PurePosixPath(name).parts
        name.encode("utf-8")
    for part in reading.parts:
        check_document(part.document)


class ReaderContract:
    """Inherited by each reader's tests.

    A subclass sets `suffix` and implements `write`.
    """

    suffix: str
    markers: tuple[bytes, ...] = ()
    """Beginnings that make garbage look like this format."""

    def write(self, path: Path) -> None:
        """Make a file with: heading "1 Cranes" over paragraph "The blue crane lifts four tons.",
        under it heading "1.1 Ropes" over paragraph "Ropes last nine years." and, where the format
        has lists and tables, a list with "inspect daily" and a table with a cell "steel"."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Path:
        path = tmp_path / f"sample{self.suffix}"
        self.write(path)
        return path

    def test_every_span_is_exact_and_in_order(self, sample: Path) -> None:
        document = read(sample)
        check_document(document)
        cuts = [document.text[block.start : block.end] for block in document.blocks]
        assert any("The blue crane lifts four tons." in cut for cut in cuts)

    def test_blocks_know_their_section(self, sample: Path) -> None:
        if self.suffix == ".txt":
            pytest.skip("plain text marks no headings")
        document = read(sample)
        where = {
            document.text[block.start : block.end]: block.headings for block in document.blocks
        }
        assert where["The blue crane lifts four tons."][-1] == "1 Cranes"
        assert where["Ropes last nine years."][-2:] == ("1 Cranes", "1.1 Ropes")

    def test_reading_twice_gives_the_same(self, sample: Path) -> None:
        assert read(sample) == read(sample)
        assert read_all(sample) == read_all(sample)

    def test_it_is_the_first_part_of_its_file(self, sample: Path) -> None:
        reading = read_all(sample)
        check_reading(reading)
        assert reading.parts[0].document == read(sample)

    def test_a_damaged_copy_is_read_or_named(self, sample: Path, tmp_path: Path) -> None:
        whole = sample.read_bytes()
        damaged = tmp_path / f"damaged{self.suffix}"
        for data in (
            whole[: len(whole) // 2],
            whole[: len(whole) // 3] + whole[len(whole) // 2 :],
            whole[:64] + b"\x00\xff\x00\xfe" * 16 + whole[128:],
            whole[: len(whole) // 2] + bytes(reversed(whole[len(whole) // 2 :])),
        ):
            damaged.write_bytes(data)
            try:
                check_document(read(damaged))
            except UnreadableFile as error:
                assert error.reason

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(
        kept=st.floats(0, 1),
        flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=8),
    )
    def test_cut_off_or_with_wrong_bits_it_is_read_or_named(
        self, sample: Path, kept: float, flips: list[tuple[float, int]]
    ) -> None:
        data = bytearray(sample.read_bytes())
        for place, bit in flips:
            data[int(place * (len(data) - 1))] ^= 1 << bit
        damaged = sample.with_stem("damaged")
        damaged.write_bytes(data[: max(1, int(kept * len(data)))] if not flips else data)
        try:
            check_reading(read_all(damaged))
        except UnreadableFile as error:
            assert error.reason

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(data=st.data())
    def test_garbage_is_read_or_named(self, tmp_path: Path, data: st.DataObject) -> None:
        beginning = data.draw(st.sampled_from((b"", *self.markers)))
        rest = data.draw(
            st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda t: t.encode()))
        )
        path = tmp_path / f"garbage{self.suffix}"
        path.write_bytes(beginning + rest)
        try:
            check_document(read(path))
        except UnreadableFile as error:
            assert error.reason
