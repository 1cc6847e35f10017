"""Records that something else put into Chroma, read as they are; nothing is changed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import is_folder
from groundtone.index.asking import first_line
from groundtone.index.chroma import client

if TYPE_CHECKING:
    import numpy as np

PAGE = 500


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record. ``text``: "" where it has none. ``vector``: float32, as it is stored."""

    id: str
    text: str
    vector: np.ndarray
    metadata: Mapping[str, Any]


def records(url: str, collection: str) -> Iterator[Record]:
    """All records of a collection, in the order in which Chroma gives them.

    Args:
        url: of a server, or the path of the folder of an embedded database.

    Raises:
        MissingExtra: chromadb is not installed.
        WrongUse: there is no such database or collection.
        GroundtoneError: the server does not answer.
    """
    import numpy as np

    if is_folder(url) and not (Path(url) / "chroma.sqlite3").is_file():
        raise WrongUse(f"There is no Chroma database in {url}.", "Name its folder with --path.")
    opened = client(url, Path(url))
    try:
        known = sorted(one.name for one in opened.list_collections())
        if collection not in known:
            shown = ", ".join(known) or "none"
            raise WrongUse(
                f"There is no collection {collection!r} in the Chroma at {url} (there: {shown}).",
                "Name one with --collection.",
            )
        # Without a function of theirs: none is needed to read, and it may want a key or a model.
        found = opened.get_collection(collection, embedding_function=None)
        offset = 0
        include = ["documents", "metadatas", "embeddings"]
        while (page := found.get(limit=PAGE, offset=offset, include=include))["ids"]:
            columns = (page[name] for name in ("ids", *include))
            for id, text, metadata, vector in zip(*columns, strict=True):
                yield Record(id, text or "", np.asarray(vector, np.float32), metadata or {})
            offset += len(page["ids"])
    except WrongUse:
        raise
    except Exception as error:
        raise GroundtoneError(
            f"Chroma at {url} failed: {first_line(error)}.",
            "See that the address is right and it is reachable, then try again.",
        ) from error
