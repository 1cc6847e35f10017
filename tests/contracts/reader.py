"""What every reader owes: inherit ``ReaderContract`` and say how to make a file of your format.

A document's spans are what citations stand on, so they are checked in each format.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtone.documents import Document, read
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
            assert block.headings == open_titles
        if block.box is not None:
            left, top, right, bottom = block.box
            assert block.page is not None and left <= right and top <= bottom
    pages = [block.page for block in document.blocks if block.page is not None]
    assert pages == sorted(pages) and all(page >= 1 for page in pages)
    document.text.encode("utf-8")  # no lone surrogates: it must fit in any database


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
        max_examples=60,
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
