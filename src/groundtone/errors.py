"""Every error a user can meet: what happened, to which file or field, and what to do next.

Each class carries the exit code the command line ends with. The codes are documented in
``docs/cli.md``: 1 done with failures, 2 wrong use, 3 not possible now, 4 gate refused.
"""

from __future__ import annotations

from pathlib import Path


class GroundtoneError(Exception):
    """Base of all errors meant for a user.

    Args:
        message: what happened, naming the file, field or value.
        remedy: what to do next, an imperative sentence; may be empty.
    """

    exit_code = 3

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class WrongUse(GroundtoneError):
    """The call itself cannot be right: an unknown option value, a missing file, a bad field."""

    exit_code = 2


class SettingsError(WrongUse):
    """``groundtone.toml`` or a ``GROUNDTONE_*`` variable holds something unusable."""


class NoWorkspace(WrongUse):
    """No ``groundtone.toml`` in the folder asked for, nor above it."""

    def __init__(self, start: Path) -> None:
        super().__init__(
            f"No workspace here: there is no groundtone.toml in {start} or any folder above it.",
            "Run `groundtone init` in the folder that should become one, or pass --workspace DIR.",
        )


class UnreadableFile(GroundtoneError):
    """One file could not be turned into a document; the rest of a sync goes on."""

    exit_code = 1

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason


class MissingExtra(GroundtoneError):
    """A part that the settings name is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs a package that is not installed.",
            f"Run `pip install 'groundtone[{extra}]'`.",
        )


class MissingModel(GroundtoneError):
    """Model weights are not in the cache."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The weights of {name} are not on this machine.",
            f"Run `groundtone models fetch {name}` once; everything after works offline.",
        )


class DamagedModel(GroundtoneError):
    """Weights whose sha256 is not the pinned one."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(
            f"{path} is not the file that {name} should be (its sha256 differs).",
            f"Run `groundtone models fetch {name} --force` to fetch it again.",
        )


class EmbeddingMismatch(GroundtoneError):
    """The workspace was indexed with another embedding model than the settings name now."""


class Busy(GroundtoneError):
    """Another process holds the workspace's writing lock."""


class UnusableExamples(WrongUse):
    """A file of examples that cannot be trained, or measured, on.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path | str, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.path = Path(path)


class BadExamples(UnusableExamples):
    """A file of examples with faults; nothing is trained.

    Args:
        path: the examples file.
        faults: one text per fault, each with its line and field.
    """

    def __init__(self, path: Path | str, faults: list[str]) -> None:
        shown = "\n".join(f"  {fault}" for fault in faults[:20])
        more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
        super().__init__(
            path,
            f"{path} has {len(faults)} fault(s); nothing was trained:\n{shown}{more}\n",
            "Correct these lines and run `groundtone tune check` again.",
        )
        self.faults = faults


class GateRefused(GroundtoneError):
    """A tuned model did not earn its place."""

    exit_code = 4


class EngineError(GroundtoneError):
    """The chat or embedding engine failed or answered nonsense."""
