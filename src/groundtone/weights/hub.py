"""Models of Hugging Face's hub that the user names: ``hf:ORG/NAME``, or one file of it, ``#FILE``.

They are not ours, so no hash is pinned: the hub's own cache keeps them, and what is in it is used
offline. Only GGUF files are served; nothing else of a repository is fetched, no code of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from groundtone.errors import GroundtoneError, MissingModel, WrongUse

PREFIX = "hf:"
PREFERRED = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "BF16", "F16", "F32")
"""Of several files the first of these is taken: the smallest that answers as the original does."""
_PART_OF_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?"
_NAME = re.compile(
    rf"hf:(?P<repository>{_PART_OF_NAME}/{_PART_OF_NAME})(?:#(?P<file>[\w./-]+\.gguf))?"
)
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


def path(name: str) -> Path:
    """The GGUF file that a name means, from the hub's cache on this machine.

    Raises:
        WrongUse: the name is none, or what it names has no such file.
        MissingModel: it has not been fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository, file = _parts(name)
    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except LocalEntryNotFoundError:
        raise MissingModel(name) from None
    here = [found.relative_to(folder).as_posix() for found in sorted(folder.rglob("*.gguf"))]
    if not here or (file and file not in here):
        raise MissingModel(name)
    return folder / (file or choose(repository, here))


def fetch(name: str) -> Path:
    """Bring the GGUF file that a name means into the hub's cache; a file that is there stays.

    Raises:
        WrongUse: the name is none, or the repository has no GGUF file.
        GroundtoneError: the hub cannot be reached, or wants a login.
    """
    from huggingface_hub import hf_hub_download, list_repo_files
    from huggingface_hub.errors import HfHubHTTPError

    repository, file = _parts(name)
    try:
        file = file or choose(repository, list_repo_files(repository))
        return Path(hf_hub_download(repository, file))
    except (HfHubHTTPError, OSError) as error:
        raise GroundtoneError(
            f"{name} could not be fetched: {str(error).splitlines()[0]}",
            "See that the name is right and the hub can be reached; a model that wants a login "
            "needs HF_TOKEN. A file from elsewhere is named gguf:PATH.",
        ) from None


def choose(repository: str, files: Sequence[str]) -> str:
    """The one file to serve of those that a repository has.

    >>> choose("org/model", ["README.md", "model-Q4_K_M.gguf", "model-Q8_0.gguf"])
    'model-Q8_0.gguf'

    Raises:
        WrongUse: there is none, or no rule says which.
    """
    whole = [f for f in files if f.lower().endswith(".gguf") and not _PART.search(f)]
    for kind in PREFERRED:
        fit = [
            f for f in whole if re.search(rf"(?i)\b{kind}\b|[-._]{kind}\.", PurePosixPath(f).name)
        ]
        if fit:
            return min(fit, key=lambda f: (len(f), f))
    if len(whole) == 1:
        return whole[0]
    shown = f"it has {', '.join(sorted(whole)[:8])}" if whole else "it has none that is whole"
    raise WrongUse(
        f"Which GGUF file of {repository} is meant is not clear: {shown}.",
        f"Name one: {PREFIX}{repository}#FILE.gguf, or a repository with GGUF files."
        if whole
        else "Choose a repository with GGUF files, or convert the model and name it gguf:PATH.",
    )


def _parts(name: str) -> tuple[str, str | None]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise WrongUse(
            f"{name!r} is no model of the hub.", "Write hf:ORG/NAME or hf:ORG/NAME#FILE.gguf."
        )
    return found["repository"], found["file"]
