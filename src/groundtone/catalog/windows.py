"""Which texts have a vector already: identical files and unchanged chunks are embedded once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select

from groundtone.catalog.records import Place
from groundtone.catalog.schema import SOME, Database, documents, slices, windows

PLACES = 2  # remembered for one text, so that one may go; more would make lookups slow
_COLUMNS = (windows.c.version, windows.c.chunk, windows.c.window)


def digest(text: str) -> bytes:
    """What a window's text is known by: the first half of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


class Windows(Database):
    """The part of the catalog that knows where the vector of a text is."""

    def places(self, digests: Collection[bytes]) -> dict[bytes, list[Place]]:
        """Where windows of these texts were put; some of them may have gone since."""
        found: dict[bytes, list[Place]] = {}
        with self.read() as connection:
            for some in slices(sorted(digests), SOME):
                query = select(windows.c.digest, *_COLUMNS).where(windows.c.digest.in_(some))
                for row in connection.execute(query):
                    found.setdefault(row[0], []).append((row[1], row[2], row[3]))
        return found

    def put_places(self, placed: Sequence[tuple[bytes, Place]]) -> None:
        """Remember where texts are; of a text that is known in `PLACES` places, nothing."""
        asked = sorted({digest for digest, _ in placed})
        known: Counter[bytes] = Counter()
        held: set[tuple[bytes, Place]] = set()
        with self.write() as connection:
            for some in slices(asked, SOME):
                query = select(windows.c.digest, *_COLUMNS).where(windows.c.digest.in_(some))
                for row in connection.execute(query):
                    known[row[0]] += 1
                    held.add((row[0], (row[1], row[2], row[3])))
            rows = []
            for text, place in placed:
                if known[text] < PLACES and (text, place) not in held:
                    known[text] += 1
                    held.add((text, place))
                    version, chunk, window = place
                    rows.append(
                        {"digest": text, "version": version, "chunk": chunk, "window": window}
                    )
            if rows:
                connection.execute(insert(windows), rows)

    def sweep_places(self) -> None:
        """Forget those of versions that are not live."""
        with self.write() as connection:
            live = select(documents.c.version)
            connection.execute(delete(windows).where(windows.c.version.not_in(live)))
