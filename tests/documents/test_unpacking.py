"""Archives within limits: everything in them is read, counted, or named with a reason."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reader import check_reading
from documents.archives import encrypted_flag, nested_zip, overlapping_zip, tarred, zipped
from groundtone.documents import Reading, read, read_all
from groundtone.documents.limits import Limits
from groundtone.documents.unpacking import harmless, read_parts
from groundtone.errors import UnreadableFile

Taking = Callable[..., Reading]
GUIDE = "# Cranes\n\nThe blue crane lifts four tons.\n"


@pytest.fixture
def take(tmp_path: Path) -> Taking:
    def take(data: bytes, name: str = "archive.zip", **options: int) -> Reading:
        path = tmp_path / name
        path.write_bytes(data)
        reading = read_all(path, **options)
        check_reading(reading)
        return reading

    return take


@pytest.fixture
def reason(tmp_path: Path) -> Callable[..., str]:
    def reason(data: bytes, name: str = "archive.zip", **options: int) -> str:
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(UnreadableFile) as caught:
            read_all(path, **options)
        assert caught.value.path == str(path)
        return caught.value.reason

    return reason


def names(reading: Reading) -> list[str]:
    return [part.name for part in reading.parts]


FILES = {"guide/a.md": GUIDE, "b.html": "<h1>Ropes</h1><p>Nine years.", "c.txt": "Oil weekly."}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped(FILES)),
        ("stored.zip", zipped(FILES, zipfile.ZIP_STORED)),
        ("bz.zip", zipped(FILES, zipfile.ZIP_BZIP2)),
        ("lzma.zip", zipped(FILES, zipfile.ZIP_LZMA)),
        ("a.tar", tarred(FILES)),
        ("a.tar.gz", tarred(FILES, "w:gz")),
        ("a.tgz", tarred(FILES, "w:gz")),
        ("a.tar.bz2", tarred(FILES, "w:bz2")),
        ("a.tar.xz", tarred(FILES, "w:xz")),
        ("without-ending", tarred(FILES, "w:gz")),
        ("wrong.pdf", zipped(FILES)),
    ],
)
def test_every_kind_of_archive_gives_the_same_documents(
    take: Taking, name: str, data: bytes
) -> None:
    reading = take(data, name)
    assert names(reading) == ["guide/a.md", "b.html", "c.txt"]
    assert [part.document.title for part in reading.parts] == ["Cranes", "Ropes", "c"]
    assert reading.parts[0].document.text == GUIDE
    assert reading.failed == reading.skipped == ()


@pytest.mark.parametrize("packer", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_the_file_in_it(
    take: Taking, tmp_path: Path, packer: Callable[[bytes], bytes]
) -> None:
    ending = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[packer]
    reading = take(packer(GUIDE.encode()), f"guide.md{ending}")
    assert names(reading) == ["guide.md"]
    assert read(tmp_path / f"guide.md{ending}").text == GUIDE
    # Named as the text it holds, it is told by its content all the same.
    assert take(packer(b"plain words"), "notes.txt").parts[0].document.text == "plain words"


def test_pictures_and_programs_are_counted_not_failed(take: Taking) -> None:
    reading = take(
        zipped(
            {
                "a.txt": "words",
                "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
                "other.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
                "tool": b"\x7fELF" + bytes(100),
                "style.css": "p {}",
                ".hidden/b.txt": "secret",
                "__MACOSX/a.txt": "copy",
                "~$lock.docx": "x",
            }
        )
    )
    assert names(reading) == ["a.txt"]
    assert reading.skipped == (("", 1), (".css", 1), (".png", 2))
    assert reading.failed == ()


def test_documents_that_cannot_be_read_are_named(take: Taking) -> None:
    reading = take(
        zipped(
            {
                "a.txt": "words",
                "empty.md": "",
                "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
                "letter.rtf": r"{\rtf1 }",
                "junk.md": b"\x00\x01\x02\x03" * 50,
                "lying.pdf": "no pdf",
                "files.7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
            }
        )
    )
    assert names(reading) == ["a.txt"]
    told = dict(reading.failed)
    assert "empty" in told["empty.md"]
    assert "old binary Office" in told["old.doc"]
    assert "no text" in told["letter.rtf"]
    assert "binary" in told["junk.md"]
    assert "is not a PDF" in told["lying.pdf"]
    assert "7z archive" in told["files.7z"]


def test_archives_in_archives_are_opened_to_a_depth(take: Taking) -> None:
    reading = take(nested_zip(2))
    assert names(reading) == ["inner-0.zip/inner-0.zip/core.txt"]
    deep = nested_zip(8)
    with pytest.raises(UnreadableFile, match="nested deeper than 5"):
        take(deep)


def test_an_archive_that_holds_its_like_without_end_costs_nothing(take: Taking) -> None:
    # The shape of 42.zip: 16 archives of 16 archives of 16 archives of zeros.
    bomb = nested_zip(3, wide=16, core=bytes(9_000_000))
    assert len(bomb) < 100_000
    start = time.process_time()
    reading = read_or_reason(take, bomb, max_bytes=20_000_000)
    assert "unpacks to more than 100 MB" in reading
    assert time.process_time() - start < 10


def read_or_reason(take: Taking, data: bytes, **options: int) -> str:
    try:
        return str(take(data, **options).failed)
    except UnreadableFile as error:
        return error.reason


def test_a_dense_member_is_refused_before_it_is_unpacked(take: Taking) -> None:
    reading = take(zipped({"a.txt": "words", "bomb.txt": bytes(30_000_000)}))
    assert names(reading) == ["a.txt"]
    assert reading.failed == (
        ("bomb.txt", "looks like a bomb: it unpacks to hundreds of times its size"),
    )


def test_overlapping_entries_are_a_bomb(reason: Callable[..., str]) -> None:
    bomb = overlapping_zip()
    assert len(bomb) < 10_000
    assert "overlap" in reason(bomb)


@pytest.mark.parametrize("packer", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_bombs(reason: Callable[..., str], packer: Callable[[bytes], bytes]) -> None:
    assert "bomb" in reason(packer(bytes(12_000_000)), "a.txt.gz")
    assert "bomb" in reason(packer(tarred({"a.txt": bytes(12_000_000)})), "a.tgz")


def test_a_xz_file_that_asks_for_gigabytes_of_memory(reason: Callable[..., str]) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    packed = lzma.LZMACompressor(filters=[{**filters[0], "dict_size": 1 << 16}])
    data = bytearray(packed.compress(b"words " * 100) + packed.flush())
    # The dictionary's size is one byte of the block header; its checksum follows the header.
    place = data.index(b"\x21\x01", 12) + 2
    data[place] = 36  # 1 GiB
    size = (data[12] + 1) * 4
    import zlib

    data[12 + size - 4 : 12 + size] = zlib.crc32(data[12 : 12 + size - 4]).to_bytes(4, "little")
    assert "memory" in reason(bytes(data), "a.txt.xz").lower()


def test_members_and_total_size_are_limited(take: Taking) -> None:
    reading = take(zipped({f"{n}.txt": "word " * 400 for n in range(12)}), max_bytes=2_000)
    assert len(reading.parts) == 5
    assert reading.failed == (
        ("", "the rest of it is not read: it unpacks to more than 10000 bytes"),
    )
    reading = take(zipped({"a.txt": "word", "b.txt": "word " * 1000}), max_bytes=2_000)
    assert names(reading) == ["a.txt"]
    assert "too large" in dict(reading.failed)["b.txt"]
    many = zipped({f"{n}.css": "" for n in range(101)})
    with pytest.raises(UnreadableFile, match="more than 100 files"):
        read_parts(Path("many.zip"), many, Limits(members=100))


@pytest.mark.parametrize("make", [zipped, tarred])
def test_names_lead_nowhere_else(take: Taking, make: Callable[..., bytes]) -> None:
    reading = take(
        make(
            {
                "../../etc/passwd.txt": "one",
                "/root/b.txt": "two",
                "a/../../c.txt": "three",
                "line\nbreak.txt": "four",
                "./d.txt": "five",
            }
        )
    )
    assert names(reading) == ["etc/passwd.txt", "root/b.txt", "a/c.txt", "line_break.txt", "d.txt"]


@given(st.text(max_size=400))
def test_any_name_becomes_harmless(name: str) -> None:
    shown = harmless(name)
    steps = shown.split("/")
    assert ".." not in steps and "." not in steps
    assert not shown.startswith("/") and "\\" not in shown and "\n" not in shown
    assert len(shown) <= 240
    shown.encode("utf-8")


def test_drive_letters_and_backslashes() -> None:
    assert harmless("C:\\Users\\x\\a.txt") == "Users/x/a.txt"
    assert harmless("..\\..\\a.txt") == "a.txt"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_both_kept(take: Taking) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(3):
            archive.writestr("v1.2/a.txt", f"text {number}")
    reading = take(buffer.getvalue())
    assert names(reading) == ["v1.2/a.txt", "v1.2/a (2).txt", "v1.2/a (3).txt"]
    assert [part.document.text for part in reading.parts] == ["text 0", "text 1", "text 2"]


def test_links_and_devices_in_archives_are_not_followed(take: Taking, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (
            ("link.txt", tarfile.SYMTYPE),
            ("hard.txt", tarfile.LNKTYPE),
            ("device.txt", tarfile.CHRTYPE),
            ("pipe.txt", tarfile.FIFOTYPE),
        ):
            entry = tarfile.TarInfo(name)
            entry.type = kind
            entry.linkname = str(tmp_path / "secret.txt")
            archive.addfile(entry)
        entry = tarfile.TarInfo("a.txt")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"words"))
    reading = take(buffer.getvalue(), "links.tar")
    assert names(reading) == ["a.txt"]
    assert [name for name, _ in reading.failed] == [
        *("link.txt", "hard.txt", "device.txt", "pipe.txt")
    ]
    assert all("link or device" in why for _, why in reading.failed)
    entry = zipfile.ZipInfo("link.txt")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(entry, "/etc/passwd")
        packed.writestr("a.txt", "words")
    reading = take(buffer.getvalue())
    assert names(reading) == ["a.txt"]
    assert "link" in dict(reading.failed)["link.txt"]


def test_encrypted_members(take: Taking, reason: Callable[..., str]) -> None:
    assert "encrypted with a password" in reason(encrypted_flag(zipped({"a.txt": "words"})))
    reading = take(
        zipped({"open.txt": "words", "inner.zip": encrypted_flag(zipped({"a.txt": "x"}))})
    )
    assert reading.failed == (
        ("inner.zip/a.txt", "encrypted with a password; pack it without one"),
    )


def test_a_damaged_member_costs_only_itself(take: Taking) -> None:
    data = bytearray(zipped({"a.txt": "first", "b.txt": "second words", "c.txt": "third"}, 0))
    data[data.index(b"second")] ^= 0xFF
    reading = take(bytes(data))
    assert names(reading) == ["a.txt", "c.txt"]
    assert "damaged in the archive" in dict(reading.failed)["b.txt"]


def test_a_tar_that_ends_too_early_keeps_what_came_before(take: Taking) -> None:
    data = tarred({"a.txt": "first " * 500, "b.txt": "second " * 500})
    reading = take(data[:5_000], "a.tar")
    assert names(reading) == ["a.txt"]
    assert reading.failed
    packed = tarred({"a.txt": bytes(range(32, 127)) * 3000, "b.txt": "second " * 500}, "w:gz")
    with pytest.raises(UnreadableFile):
        take(packed[:100], "a.tar.gz")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zipped({}), "holds no files"),
        (zipped({"a.png": b"\x89PNG\r\n\x1a\n\0"}), "holds no file of a kind that is read"),
        (zipped({"a.txt": "", "b.md": ""}), "a.txt: the file is empty; b.md"),
        (zipped({"a.txt": "words"})[:-30], "damaged zip archive"),
        (b"PK\x03\x04" + bytes(100), "damaged zip archive"),
        (b"\x1f\x8b" + bytes(100), "damaged"),
        (b"BZh91AY&SY" + bytes(100), "damaged"),
        (b"\xfd7zXZ\0" + bytes(100), "damaged"),
        (bytes(10_240), "is not a zip archive"),
    ],
)
def test_archives_without_anything_to_read_say_so(
    reason: Callable[..., str], data: bytes, expected: str
) -> None:
    assert expected in reason(data)


def test_an_archive_of_several_is_not_one_document(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    path.write_bytes(zipped({"a.txt": "one", "b.txt": "two"}))
    with pytest.raises(UnreadableFile, match="holds 2 documents"):
        read(path)
    path.write_bytes(zipped({"a.txt": "one"}))
    assert read(path).text == "one"


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=12),
)
def test_damaged_archives_give_reasons_only(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    flips: list[tuple[float, int]],
) -> None:
    make = data.draw(st.sampled_from(("zip", "w", "w:gz", "w:bz2", "w:xz")))
    packed = bytearray(zipped(FILES) if make == "zip" else tarred(FILES, make))
    for place, bit in flips:
        packed[int(place * (len(packed) - 1))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(packed)
    try:
        check_reading(read_all(path))
    except UnreadableFile as error:
        assert error.reason
