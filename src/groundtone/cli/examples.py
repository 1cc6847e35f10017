"""Where the demo's material lies: in a checkout, in an installed package, or where it is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from groundtone.errors import WrongUse

PARTS = ("manual", "style.jsonl", "style.toml", "questions.jsonl")


def folder(given: Path | None) -> Path:
    """The examples' folder.

    Raises:
        WrongUse: it is not there, or not complete.
    """
    import groundtone

    package = Path(groundtone.__file__).resolve().parent
    places = [given] if given else [package.parent.parent / "examples", package / "_examples"]
    for place in places:
        if all((place / part).exists() for part in PARTS):
            return place
    if given is not None:
        lacking = ", ".join(part for part in PARTS if not (given / part).exists())
        raise WrongUse(f"{given} lacks {lacking}.", "Name a folder with " + ", ".join(PARTS) + ".")
    raise WrongUse(
        "The examples are not part of this installation.",
        "Clone the repository and run the demo there, or name their folder with --examples DIR.",
    )


def copy(source: Path, target: Path) -> None:
    """Copy what the demo needs, so that its files may be edited."""
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target / part)


def settings(style: Path) -> str:
    """A ``groundtone.toml`` whose labels and refusal are those of the declared style."""
    import tomllib

    values = tomllib.loads(style.read_text("utf-8"))
    label = values.get("label", "")
    label = label if isinstance(label, str) else label[0]
    lines = ["# Made by `groundtone demo`: the labels and the refusal of style.toml.", "[answer]"]
    lines += [
        f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in (("label", label), ("refusal", values.get("refusal", "")))
        if value
    ]
    # The style allows 60 words; a base model that rambles on need not be waited for.
    return "\n".join([*lines, "", "[chat]", "max_tokens = 96"]) + "\n"


def questions(path: Path, count: int) -> list[str]:
    """The first answerable questions of a file."""
    return [text for text, _ in zip(_answerable(path), range(count), strict=False)]


def _answerable(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if row.get("answerable", True):
            yield row["question"]
