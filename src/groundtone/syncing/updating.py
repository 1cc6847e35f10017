"""The everyday sync: what changed, into the present index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtone.syncing.placing import learn_places
from groundtone.syncing.remembering import DIMENSIONS, DONE, PLACES_UNKNOWN
from groundtone.syncing.writing import make_live

if TYPE_CHECKING:
    from groundtone.syncing.planning import Plan
    from groundtone.syncing.run import Run
    from groundtone.syncing.working import Work


def update(run: Run, plan: Plan, facts: dict[str, str], work: Work) -> None:
    """Carry out a plan.

    What a killed sync left in the index is kept until the end: vectors of its windows need not be
    made again. Beside others, what they are storing looks the same, so only the last one sweeps.
    """
    catalog = run.catalog
    catalog.forget(DONE)
    known = facts.get(DIMENSIONS)
    index = run.indexes.current(int(known) if known else run.embedder.dimensions)
    live, held = catalog.versions(), index.versions()
    plan.lost(held)
    if PLACES_UNKNOWN in facts:
        learn_places(catalog)
    run.note(plan)
    if plan.gone:
        gone = {version for _, past in plan.gone for version in past.versions}
        index.delete(catalog.replace_documents([], gone))
        run.teller.deleted(past.path for _, past in plan.gone)
    work.do(index, make_live(catalog), held, left_over=held - live)
    with run.hold.everything() as only:
        if not only:
            return  # the last one does it
        if run.hold.shared or held - live:
            index.delete(index.versions() - catalog.versions())
        if run.hold.shared or DONE not in facts:
            catalog.sweep_places()
        index.optimise()
        run.finished()
