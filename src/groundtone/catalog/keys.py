"""Keys of the HTTP API: who may do what, kept as digests, and what each has used."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from groundtone.catalog.records import PERIODS, SCOPES
from groundtone.catalog.schema import Database, metadata
from groundtone.errors import WrongUse

KEPT = 2 * PERIODS["month"]  # how long usage is remembered

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("name", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("collections", JSON),
    Column("groups", JSON),
    Column("rate", Integer),
    Column("rate_seconds", Integer),
    Column("budget_usd", Float),
    Column("budget_seconds", Integer),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float),
    Column("revoked_at", Float),
)
# What a key used, by the hour: few rows, and a budget may span any period.
key_usage = Table(
    "key_usage",
    metadata,
    Column("key", ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost_usd", Float, nullable=False),
)
# Requests in the current window of a key with a rate; shared by all processes.
key_windows = Table(
    "key_windows",
    metadata,
    Column("key", ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    Column("window", BigInteger, nullable=False),
    Column("requests", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret.

    Attributes:
        id: what lists and logs show.
        name: what its maker calls it.
        scopes: of `SCOPES`.
        collections: those it may use; None: all.
        groups: of documents that it sees beside those for everybody; None: all documents.
        rate, rate_seconds: requests in so many seconds; None: no limit.
        budget_usd, budget_seconds: money in so many seconds; None: no limit.
        created_at, used_at, revoked_at: seconds since 1970; None: never.
    """

    id: str
    name: str = ""
    scopes: tuple[str, ...] = ("chat",)
    collections: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    rate: int | None = None
    rate_seconds: int | None = None
    budget_usd: float | None = None
    budget_seconds: int | None = None
    created_at: float = field(default_factory=time.time)
    used_at: float | None = None
    revoked_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What ``keys list --json`` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": list(self.scopes),
            "collections": None if self.collections is None else list(self.collections),
            "groups": None if self.groups is None else list(self.groups),
            "rate": _per(self.rate, self.rate_seconds),
            "budget": _per(self.budget_usd, self.budget_seconds, "usd"),
            "created_at": self.created_at,
            "used_at": self.used_at,
            "revoked_at": self.revoked_at,
        }


@dataclass(frozen=True, slots=True)
class Used:
    """What was used: requests, tokens, money."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Used) -> Used:
        return Used(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
        )


class Keys(Database):
    """The part of the catalog that knows keys."""

    def create_key(
        self,
        scopes: Sequence[str],
        *,
        name: str = "",
        collections: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        rate: tuple[int, int] | None = None,
        budget: tuple[float, int] | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            scopes: of `SCOPES`; at least one.
            rate: requests, in so many seconds.
            budget: US dollars, in so many seconds.

        Returns:
            the key, and its secret text, which is kept nowhere.

        Raises:
            WrongUse: no scope, or an unknown one.
        """
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise WrongUse(
                f"{unknown[0]!r} is no scope." if unknown else "A key needs a scope.",
                f"Choose from: {', '.join(SCOPES)}.",
            )
        id = secrets.token_hex(4)
        secret = f"gt-{id}-{secrets.token_urlsafe(32)}"
        key = ApiKey(
            id=f"key-{id}",
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            collections=None if collections is None else tuple(collections),
            groups=None if groups is None else tuple(groups),
            rate=rate[0] if rate else None,
            rate_seconds=rate[1] if rate else None,
            budget_usd=budget[0] if budget else None,
            budget_seconds=budget[1] if budget else None,
        )
        row = {name: getattr(key, name) for name in ApiKey.__dataclass_fields__}
        with self.write() as connection:
            connection.execute(insert(keys).values(digest=_digest(secret), **row))
        return key, secret

    def check_key(self, secret: str) -> ApiKey | None:
        """The key with this secret, unless it was revoked; takes equally long for any secret."""
        parts = secret.split("-", 2)
        id = f"key-{parts[1]}" if len(parts) == 3 and parts[0] == "gt" else ""
        with self.read() as connection:
            row = connection.execute(select(keys).where(keys.c.id == id)).one_or_none()
        wanted = row.digest if row is not None else _digest("nobody's")
        right = hmac.compare_digest(wanted, _digest(secret))
        if row is None or not right or row.revoked_at is not None:
            return None
        return _key(row)

    def list_keys(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones too."""
        with self.read() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
            return [_key(row) for row in rows]

    def has_keys(self, *, revoked: bool = False) -> bool:
        """Whether any key exists that is good, or `revoked`: that ever was."""
        query = select(func.count()).select_from(keys)
        if not revoked:
            query = query.where(keys.c.revoked_at.is_(None))
        with self.read() as connection:
            return bool(connection.scalar(query))

    def revoke_key(self, id: str) -> ApiKey:
        """Make a key useless.

        Raises:
            WrongUse: there is none with this id.
        """
        with self.write() as connection:
            revoked = update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None))
            connection.execute(revoked.values(revoked_at=time.time()))
            row = connection.execute(select(keys).where(keys.c.id == id)).one_or_none()
        if row is None:
            raise WrongUse(f"There is no key {id}.", "Run `groundtone keys list` to see them.")
        return _key(row)

    # -- what they use ----------------------------------------------------------------------

    def count_request(self, key: str, seconds: int) -> int:
        """Count one request of a key in the current window of so many seconds.

        Returns:
            how many it has made in this window, this one included.
        """
        window = int(time.time() // seconds)
        again = case((key_windows.c.window == window, key_windows.c.requests + 1), else_=1)
        counted = (
            update(key_windows)
            .where(key_windows.c.key == key)
            .values(window=window, requests=again)
            .returning(key_windows.c.requests)
        )
        first = insert(key_windows).values(key=key, window=window, requests=1)
        for _ in range(2):
            try:
                with self.write() as connection:
                    count = connection.scalar(counted)
                    if count is not None:
                        return int(count)
                    connection.execute(first)
                    return 1
            except IntegrityError:
                continue  # another process was the first
        raise AssertionError("a row that is there can be updated")

    def add_usage(self, used: dict[str, Used]) -> None:
        """Add what keys have used since the last time, in one transaction."""
        now = time.time()
        hour = int(now // 3600)
        with self.write() as connection:
            for key, more in used.items():
                row = (key_usage.c.key == key) & (key_usage.c.hour == hour)
                changed = connection.execute(
                    update(key_usage)
                    .where(row)
                    .values(
                        requests=key_usage.c.requests + more.requests,
                        prompt_tokens=key_usage.c.prompt_tokens + more.prompt_tokens,
                        completion_tokens=key_usage.c.completion_tokens + more.completion_tokens,
                        cost_usd=key_usage.c.cost_usd + more.cost_usd,
                    )
                )
                if not changed.rowcount:
                    connection.execute(
                        insert(key_usage).values(
                            key=key,
                            hour=hour,
                            requests=more.requests,
                            prompt_tokens=more.prompt_tokens,
                            completion_tokens=more.completion_tokens,
                            cost_usd=more.cost_usd,
                        )
                    )
                connection.execute(update(keys).where(keys.c.id == key).values(used_at=now))
            connection.execute(key_usage.delete().where(key_usage.c.hour < hour - KEPT // 3600))

    def usage(self, key: str, seconds: int) -> Used:
        """What a key used in the last so many seconds, to the hour."""
        since = int((time.time() - seconds) // 3600)
        columns = (
            key_usage.c.requests,
            key_usage.c.prompt_tokens,
            key_usage.c.completion_tokens,
            key_usage.c.cost_usd,
        )
        query = select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(
            key_usage.c.key == key, key_usage.c.hour > since
        )
        with self.read() as connection:
            requests, prompt, completion, cost = connection.execute(query).one()
        return Used(int(requests), int(prompt), int(completion), float(cost))


def _digest(secret: str) -> str:
    # A secret of 256 random bits needs no slow hash: nobody can guess it.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: Any) -> ApiKey:
    told = {name: getattr(row, name) for name in ApiKey.__dataclass_fields__}
    for name in ("scopes", "collections", "groups"):
        told[name] = None if told[name] is None else tuple(told[name])
    return ApiKey(**told)


def _per(amount: float | None, seconds: int | None, unit: str = "") -> str | None:
    if amount is None:
        return None
    names = {length: name for name, length in PERIODS.items()}
    return f"{amount:g}{unit}/{names.get(seconds or 0, f'{seconds}s')}"
