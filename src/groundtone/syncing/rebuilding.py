"""Everything again, into a new index beside the present one, which serves until the switch."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from groundtone.catalog import FailedFile, StoredDocument
from groundtone.syncing.placing import learn_places
from groundtone.syncing.remembering import DONE, INDEX, PLACES_UNKNOWN
from groundtone.syncing.working import Work
from groundtone.syncing.writing import Made

if TYPE_CHECKING:
    from groundtone.index import Index
    from groundtone.syncing.planning import Plan
    from groundtone.syncing.run import Run


def rebuild(run: Run, plan: Plan) -> None:
    """Carry out a plan as if nothing were known, and make the result live in one transaction."""
    plan.everything()
    run.catalog.forget(DONE)
    with Work(run, plan) as work, tempfile.TemporaryFile(dir=run.state) as spool:
        name, index = run.indexes.beside(run.embedder.dimensions)
        run.note(plan)
        failed: list[FailedFile] = []

        def spool_them(made: list[Made], _index: Index) -> None:
            for file in made:
                failed.extend(() if file.failed is None else (file.failed,))
                for document in (*file.kept, *file.new):
                    pickle.dump(document, spool)

        work.do(index, spool_them, held=())
        index.optimise()
        index.close()
        facts = {INDEX: name, **run.facts(), PLACES_UNKNOWN: "yes"}
        run.catalog.replace_documents(
            _spooled(spool), everything=True, failed=failed, remember=facts
        )
        run.teller.deleted(past.path for _, past in plan.gone)
    # What was noted while the documents before were live went with them.
    run.catalog.sweep_places()
    learn_places(run.catalog)
    run.catalog.forget(PLACES_UNKNOWN)


def _spooled(spool: IO[bytes]) -> Iterator[StoredDocument]:
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return
