"""Ignore files: what ``.gitignore`` and ``.groundtoneignore`` leave out, in git's syntax.

As in git (https://git-scm.com/docs/gitignore), a rule of a deeper folder wins over one of a folder
above, the last matching line of a file wins over earlier ones, and nothing inside an ignored
folder can be taken back. ``.groundtoneignore`` files win over all ``.gitignore`` files, so that
they can take back what those leave out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from groundtone.syncing.patterns import Patterns

GIT = ".gitignore"
OWN = ".groundtoneignore"
NAMES = frozenset((GIT, OWN))

Specs = tuple[tuple[int, Patterns], ...]
"""Rules, outer folders first, each with the length of its folder's path."""
Faults = list[tuple[str, str]]
"""Ignore files that could not be used, each with its reason."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in one folder: its own and those of all folders above.

    Attributes:
        git: whether ``.gitignore`` files count.
        above: path from the outermost folder whose rules count to the source: "" or "a/b/".
        git_specs, own_specs: what the files of either name say.
    """

    git: bool = True
    above: str = ""
    git_specs: Specs = ()
    own_specs: Specs = ()

    def ignores(self, name: str, *, folder: bool) -> bool:
        """Whether a path under the source is left out; the folders above it are not."""
        path = self.above + name
        for specs in (self.own_specs, self.git_specs):
            for cut, patterns in reversed(specs):
                decided = patterns.decide(path[cut:], folder=folder)
                if decided is not None:
                    return decided
        return False

    def inside(self, name: str, path: Path, files: Collection[str], faults: Faults) -> Rules:
        """The rules inside a folder.

        Args:
            name: its path under the source; "" is the source itself.
            path: where it is.
            files: which ignore files it holds.
        """
        cut = len(self.above) + (len(name) + 1 if name else 0)
        git, own = self.git_specs, self.own_specs
        if self.git and GIT in files:
            git += _read(path / GIT, cut, faults)
        if OWN in files:
            own += _read(path / OWN, cut, faults)
        return Rules(self.git, self.above, git, own)


def outside(source: Path, faults: Faults, *, git: bool) -> Rules:
    """The rules that hold in a source folder because of the git checkout that it is part of.

    These are the ignore files of the folders above it, up to the top of the checkout, and the
    checkout's ``.git/info/exclude``. Where they leave out the source itself, which was named all
    the same, none of them counts.
    """
    source = source.resolve()
    top = next((up for up in (source, *source.parents) if (up / ".git").exists()), None)
    if top is None:
        return Rules(git)
    exclude = top / ".git" / "info" / "exclude"
    rules = Rules(git, git_specs=_read(exclude, 0, faults) if git and exclude.is_file() else ())
    folder = ""
    for part in source.relative_to(top).parts:
        here = top / folder
        rules = rules.inside(folder, here, [n for n in NAMES if (here / n).is_file()], faults)
        folder = f"{folder}/{part}" if folder else part
        if rules.ignores(folder, folder=True):
            return Rules(git)
    return Rules(git, f"{folder}/" if folder else "", rules.git_specs, rules.own_specs)


def _read(path: Path, cut: int, faults: Faults) -> Specs:
    """One file's rules."""
    try:
        text = path.read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        faults.append((str(path), f"its rules cannot be read: {(error.strerror or '').lower()}"))
        return ()
    return ((cut, Patterns(text.split("\n"))),)
