"""What is in a bucket: by the rules by which files of a folder are taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from groundtone.buckets.addresses import SHAPES
from groundtone.buckets.reaching import Access, asking, opened, why
from groundtone.documents import SUPPORTED
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.syncing import sidecars
from groundtone.syncing.patterns import matches, whole
from groundtone.syncing.scanning import TOOLS, File, Scan


def scan(
    source: str, access: Access, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Scan:
    """List the objects of a source.

    Hidden ones and those in folders of tools are left out; ignore files are not looked for.

    Args:
        source: a normal address: a bucket, a prefix, or one object.
        include, exclude: globs on the key under the prefix; as in `scanning.scan`.

    Raises:
        OSError: it cannot be listed, or there is nothing: an empty prefix does not exist. `why`
            says why.
    """
    from pyarrow import fs

    system, base = opened(source, access)
    found = Scan()
    with asking():
        one = system.get_file_info(base) if "/" in base else None
        if one is not None and one.is_file:
            name = PurePosixPath(base).name
            found.files.append(File(name, source, one.size or 0, one.mtime_ns or 0))
            return found
        told = system.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=False))
    objects = {info.path[len(base) + 1 :]: info for info in told if info.is_file}
    wanted, unwanted = [whole(glob) for glob in include], [whole(glob) for glob in exclude]
    for name, info in sorted(objects.items()):
        folders, last = PurePosixPath(name).parts[:-1], PurePosixPath(name).name
        hidden = any(part.startswith((".", "~$")) for part in (*folders, last))
        if hidden or TOOLS.intersection(folders) or matches(name, unwanted):
            continue
        if sidecars.owner(name) in objects or (wanted and not matches(name, wanted)):
            continue
        ending = PurePosixPath(last).suffix.lower()
        if ending not in SUPPORTED:
            found.skipped[ending or "no ending"] += 1
            continue
        beside = sidecars.beside(name, objects.keys())
        parts = [info, objects[beside]] if beside else [info]
        found.files.append(
            File(
                name,
                f"{source}/{name}",
                sum(part.size or 0 for part in parts),
                max(part.mtime_ns or 0 for part in parts),
                f"{source}/{beside}" if beside else "",
            )
        )
    return found


def check(source: str, listed: Scan) -> None:
    """See that a source that is not known yet holds anything.

    Raises:
        WrongUse: it does not.
    """
    if not listed.files:
        others = f" ({listed.skipped.total()} objects of other kinds)" if listed.skipped else ""
        raise WrongUse(
            f"There is no document under {source}{others}.",
            f"Name a bucket or a prefix that holds some: `groundtone sync {SHAPES}`.",
        )


def unlisted(source: str, error: OSError) -> GroundtoneError:
    """What is said of a new source that cannot be listed."""
    reason, remedy = why(source, error)
    return GroundtoneError(f"{source} cannot be listed: {reason}.", remedy)
