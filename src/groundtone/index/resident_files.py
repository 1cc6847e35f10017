"""A table in memory as files beside the index, which all processes of a machine map.

They hold what `held.Held` holds, each array in a file of its own, so that nothing is read or
counted before it is asked for and every process shares the pages. A folder is written under another
name and then renamed: what is there is whole. It says which version of which table it is of. Where
nothing can be written, or nothing fits, everything stays in the process's own memory.

About 2,100 bytes a window of 384 dimensions.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.index.held import Held
from groundtone.index.postings import Postings, Vocabulary
from groundtone.index.product import Product
from groundtone.index.segment import Kinds, Segment

if TYPE_CHECKING:
    import numpy as np

FOLDER = "resident"
"""Inside the folder of an index. It can be made again from the table, so nothing takes it along."""
FORMAT = 2  # raised when what the arrays mean changes: also K1, B, DIRECTIONS, the steps of vectors
BYTES_A_WINDOW = 2_500
ROOM = 3  # so many times what is written has to be free: the disk is for others too
PATIENCE_S = 300.0  # for another process that reads the table or writes it down
POSTINGS = ("words", "starts", "rows", "times", "lengths")
ARRAYS = ("numbers", "alive", "kinds", "steps", "scales")
_NAME = re.compile(rf"{FORMAT}-(\d+)-([0-9a-f]{{16}})")


class ResidentFiles:
    """The files of one table.

    Args:
        folder: theirs alone; made when something is written.
        mark: tells a version of the table from all others; fails when it is not there any more.
    """

    def __init__(self, folder: Path, mark: Callable[[int], str]) -> None:
        self._folder, self._mark = folder, mark

    def read(self, version: int) -> Held | None:
        """The last version that is there, up to this one; None: none that is of use."""
        for found in sorted(self._versions(), reverse=True):
            with suppress(Exception):  # gone meanwhile, or damaged in any way: the table is there
                if found <= version:
                    return _read(self._path(found), found)
        return None

    def any(self) -> bool:
        """Whether some version is there."""
        return next(self._versions(), None) is not None

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """One process at a time reads a table or writes it; waits for another that does. Yields
        False where nothing can be written."""
        from filelock import FileLock

        lock = None
        with suppress(OSError, NotImplementedError):  # read-only; a file system without locks
            self._folder.mkdir(exist_ok=True)
            lock = FileLock(self._folder / "lock", timeout=PATIENCE_S)
            lock.acquire()
        try:
            yield lock is not None and lock.is_locked
        finally:
            if lock is not None:
                lock.release()

    def writing(self, version: int, rows: int) -> Writing:
        """Begin to write a version of so many rows; only while `alone`."""
        with suppress(OSError):
            self._sweep()
            if shutil.disk_usage(self._folder).free > ROOM * BYTES_A_WINDOW * rows:
                return Writing(self._path(version), self._sweep)
        return Writing(None)

    def clear(self) -> None:
        """Remove what is there: the table is not kept any more."""
        if self._folder.is_dir():
            with self.alone():
                self._sweep()

    def _path(self, version: int) -> Path:
        return self._folder / f"{FORMAT}-{version}-{self._mark(version)[:16]}"

    def _versions(self) -> Iterator[int]:
        with suppress(OSError):
            for name in os.listdir(self._folder):  # noqa: PTH208
                if told := _NAME.fullmatch(name):
                    yield int(told[1])

    def _sweep(self, keep: Path | None = None) -> None:
        """Remove other versions; who has mapped them keeps what it has."""
        for path in self._folder.iterdir():
            if path.is_dir() and path != keep:
                shutil.rmtree(path, ignore_errors=True)


class Writing:
    """One version on its way to files. Never fails: what cannot be written stays as it is.

    Args:
        path: of the folder; None: nothing is written.
        done: told the path when it is there.
    """

    def __init__(self, path: Path | None, done: Callable[[Path], None] = lambda _: None) -> None:
        self._path, self._done = path, done
        self._put: list[Segment] = []
        if path is not None:
            self._partial = path.with_name(f"{path.name}.partial")
            self._partial.mkdir()

    def put(self, one: Segment) -> Segment:
        """The same segment, mapped from the file it was written to; its impacts are yet to be
        reckoned."""
        if self._path is None:
            one.product.forget()
            return one
        try:
            folder = self._partial / str(len(self._put))
            folder.mkdir()
            _write_segment(folder, one)
            mapped = _segment(folder, one.living, one.product)
        except (OSError, ValueError):  # a full disk
            self.give_up()
            one.product.forget()
            return one
        self._put.append(mapped)
        return mapped

    def finish(self, held: Held) -> Held:
        """The same, mapped from files that are complete and have their name."""
        if self._path is None:
            for one in held.segments:
                one.product.forget()
            return held
        put = {id(one.numbers): str(number) for number, one in enumerate(self._put)}
        segments, told = [], []
        try:
            for one in held.segments:
                if id(one.numbers) not in put:
                    self.put(one)
                    if len(self._put) == len(put):
                        return held
                    put[id(one.numbers)] = str(len(self._put) - 1)
                name = put[id(one.numbers)]
                folder = self._partial / name
                _write(folder / "impacts.npy", one.postings.impacts)
                mean = one.postings.mean_length
                told.append({"folder": name, "living": one.living, "mean_length": mean})
                segments.append(_segment(folder, one.living, one.product, mean))
            self._finish(held, told)
        except (OSError, ValueError):
            self.give_up()
            return held
        self._done(self._path)
        return replace(held, segments=tuple(segments))

    def give_up(self) -> None:
        """Leave nothing behind; what was mapped stays mapped."""
        if self._path is not None:
            shutil.rmtree(self._partial, ignore_errors=True)
            self._path = None

    def _finish(self, held: Held, segments: list[dict[str, Any]]) -> None:
        assert self._path is not None
        _write(self._partial / "basis.npy", held.basis)
        about = {
            "count": held.count,
            "segments": segments,
            "kinds": held.kinds.all(),
            "words": held.vocabulary.words(),
        }
        with (self._partial / "about.json").open("w", encoding="utf-8") as file:
            json.dump(about, file)
            file.flush()
            os.fsync(file.fileno())
        self._partial.rename(self._path)


def _read(folder: Path, version: int) -> Held:
    about = json.loads((folder / "about.json").read_text("utf-8"))
    return Held(
        version=version,
        segments=tuple(
            _segment(folder / one["folder"], one["living"], None, one["mean_length"])
            for one in about["segments"]
        ),
        vocabulary=Vocabulary(about["words"]),
        kinds=Kinds((tuple(map(sys.intern, labels)), time) for labels, time in about["kinds"]),
        count=about["count"],
        basis=_mapped(folder / "basis.npy"),
    )


def _write_segment(folder: Path, one: Segment) -> None:
    import pyarrow as pa

    steps = one.product.steps
    if steps is None:
        raise ValueError("the rows of the scan were let go of")
    _write(folder / "scan.npy", steps)
    _write(folder / "scan_scales.npy", one.product.scales)
    for name in ARRAYS:
        _write(folder / f"{name}.npy", getattr(one, name))
    for name in POSTINGS:
        _write(folder / f"{name}_of_words.npy", getattr(one.postings, name))
    texts = pa.RecordBatch.from_arrays([one.ids, one.texts], names=["ids", "texts"])
    with (folder / "texts.arrow").open("wb") as file:
        with pa.ipc.new_file(file, texts.schema) as writer:
            writer.write_batch(texts)
        file.flush()
        os.fsync(file.fileno())


def _segment(
    folder: Path, living: int, product: Product | None, mean_length: float | None = None
) -> Segment:
    """A segment whose arrays are mapped.

    Args:
        product: packed already.
        mean_length: that its impacts were reckoned with; None: they are not there yet.
    """
    import numpy as np
    import pyarrow as pa

    texts = pa.ipc.open_file(pa.memory_map(str(folder / "texts.arrow"))).get_batch(0)
    postings = {name: _mapped(folder / f"{name}_of_words.npy") for name in POSTINGS}
    weighed = mean_length is not None
    impacts = _mapped(folder / "impacts.npy") if weighed else np.empty(0, np.float32)
    scan = _mapped(folder / "scan.npy"), _mapped(folder / "scan_scales.npy")
    if product is None:
        product = Product(*scan)
    else:
        product.steps, product.scales = scan
    return Segment(
        **{name: _mapped(folder / f"{name}.npy") for name in ARRAYS},
        living=living,
        ids=texts.column("ids"),
        texts=texts.column("texts"),
        product=product,
        postings=Postings(**postings, impacts=impacts, mean_length=mean_length or 0.0),
    )


def _write(path: Path, array: np.ndarray) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array))
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path) -> np.ndarray:
    """An array whose pages are read when they are touched, and shared."""
    import numpy as np

    return np.asarray(np.load(path, mmap_mode="r"))  # its own class makes every use slower
