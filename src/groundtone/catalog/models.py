"""Models and runs: what was trained, what is in use."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from groundtone.catalog.schema import Database, activations, models, runs
from groundtone.errors import WrongUse


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A tuned model.

    Attributes:
        name: how it is asked for, e.g. ``ft:smollm2-135m-instruct:support-style:1a2b3c``.
        base: the model it was tuned from.
        kind: ``lora``, ``alora``, ``remote``.
        path: its adapter, or "" when it lives on a server.
        data_sha256: of the examples it was trained on.
        settings, metrics: JSON values.
        created_at: seconds since 1970.
    """

    name: str
    base: str
    kind: str
    path: str
    data_sha256: str
    settings: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A tuning run. ``model``: the name it made, once done; ``error``: why it failed."""

    id: str
    status: str
    model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    created_at: float = field(default_factory=time.time)
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A model put to use. ``model``: None is the base; ``undone_at``: when it was rolled back."""

    model: str | None
    reason: str
    created_at: float
    undone_at: float | None


class Models(Database):
    """The part of the catalog that knows models and runs."""

    def put_model(self, model: StoredModel) -> None:
        """Add a model, or replace the one of this name."""
        values = asdict(model)
        with self.write() as connection:
            changed = connection.execute(
                update(models).where(models.c.name == model.name).values(values)
            )
            if not changed.rowcount:
                connection.execute(insert(models).values(values))

    def get_model(self, name: str) -> StoredModel | None:
        """The model of this name."""
        with self.read() as connection:
            row = connection.execute(select(models).where(models.c.name == name)).one_or_none()
        return None if row is None else StoredModel(**row._mapping)

    def list_models(self) -> list[StoredModel]:
        """All models, oldest first."""
        query = select(models).order_by(models.c.created_at, models.c.name)
        with self.read() as connection:
            return [StoredModel(**row._mapping) for row in connection.execute(query)]

    def delete_model(self, name: str) -> bool:
        """Forget a model; its files are the caller's to remove.

        Returns:
            whether there was one.

        Raises:
            WrongUse: it is in use.
        """
        with self.write() as connection:
            if _active(connection) == name:
                raise WrongUse(
                    f"{name} is in use.", "Run `groundtone models use base` or roll back first."
                )
            return connection.execute(delete(models).where(models.c.name == name)).rowcount > 0

    def active_model(self) -> str | None:
        """The model in use; None is the base."""
        with self.read() as connection:
            return _active(connection)

    def activate(self, name: str | None, reason: str = "") -> None:
        """Put a known model to use; None is the base.

        Raises:
            WrongUse: no model has this name.
        """
        with self.write() as connection:
            known = select(models.c.name).where(models.c.name == name)
            if name is not None and connection.scalar(known) is None:
                raise WrongUse(
                    f"There is no model {name}.", "Run `groundtone models list` to see them."
                )
            connection.execute(
                insert(activations).values(model=name, reason=reason, created_at=time.time())
            )

    def rollback(self) -> str | None:
        """Go back to the model that was in use before; None is the base.

        Raises:
            WrongUse: nothing was put to use that could be taken back.
        """
        with self.write() as connection:
            last = connection.scalar(
                select(activations.c.id)
                .where(activations.c.undone_at.is_(None))
                .order_by(activations.c.id.desc())
                .limit(1)
            )
            if last is None:
                raise WrongUse("There is no earlier model to go back to.")
            connection.execute(
                update(activations).where(activations.c.id == last).values(undone_at=time.time())
            )
            return _active(connection)

    def activation_history(self) -> list[Activation]:
        """Every model put to use, oldest first, with what was rolled back."""
        columns = [activations.c[part.name] for part in fields(Activation)]
        with self.read() as connection:
            rows = connection.execute(select(*columns).order_by(activations.c.id))
            return [Activation(*row) for row in rows]

    def put_run(self, run: StoredRun) -> None:
        """Add a run."""
        with self.write() as connection:
            connection.execute(insert(runs).values(asdict(run)))

    def update_run(self, id: str, **changes: Any) -> None:
        """Change fields of a run, named as in `StoredRun`."""
        with self.write() as connection:
            connection.execute(update(runs).where(runs.c.id == id).values(changes))

    def get_run(self, id: str) -> StoredRun | None:
        """The run of this id."""
        with self.read() as connection:
            row = connection.execute(select(runs).where(runs.c.id == id)).one_or_none()
        return None if row is None else StoredRun(**row._mapping)

    def list_runs(self, limit: int | None = None) -> list[StoredRun]:
        """Runs, newest first."""
        query = select(runs).order_by(runs.c.created_at.desc(), runs.c.id).limit(limit)
        with self.read() as connection:
            return [StoredRun(**row._mapping) for row in connection.execute(query)]


def _active(connection: Connection) -> str | None:
    query = select(activations.c.model).where(activations.c.undone_at.is_(None))
    return connection.scalar(query.order_by(activations.c.id.desc()).limit(1))
