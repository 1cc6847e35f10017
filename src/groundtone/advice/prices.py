"""What models and hours of your own machines cost: ``prices.toml``, ours and the workspace's."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from groundtone.errors import SettingsError

FILE_NAME = "prices.toml"
STALE_DAYS = 180
_MONEY = ("input", "cached_input", "output", "training", "hosting_per_hour")
_HARDWARE = ("watts", "per_kwh", "price", "lifetime_hours", "per_hour")
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4})$")


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs, in US dollars.

    Attributes:
        provider, model: whose it is, and its name there; ``ft:MODEL`` for models tuned from it.
        input, output: per million tokens read and written.
        cached_input: per million tokens that the provider had kept; None: they cost like others.
        training: per million tokens trained on, each epoch counted; None: not known.
        hosting_per_hour: for keeping the model there; None: nothing beside the tokens.
        source: where the price was found.
        date: when it was last seen there.
    """

    provider: str
    model: str
    input: Decimal
    output: Decimal
    source: str
    date: datetime.date
    cached_input: Decimal | None = None
    training: Decimal | None = None
    hosting_per_hour: Decimal | None = None

    def stale(self, today: datetime.date | None = None, days: int = STALE_DAYS) -> bool:
        """Whether it was last seen more than so many days ago."""
        return (today or datetime.date.today()) - self.date > datetime.timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What an hour of your own machine costs; what is None is not known.

    Attributes:
        watts: drawn while it works.
        per_kwh: US dollars for a kilowatt-hour.
        price: of the machine, spread over `lifetime_hours`.
        per_hour: in dollars, said outright (a rented machine); wins over the rest.
    """

    watts: Decimal | None = None
    per_kwh: Decimal | None = None
    price: Decimal | None = None
    lifetime_hours: Decimal | None = None
    per_hour: Decimal | None = None

    def hour(self) -> Decimal | None:
        """US dollars for an hour of work; None when nothing is known of it."""
        if self.per_hour is not None:
            return self.per_hour
        parts = []
        if self.watts is not None and self.per_kwh is not None:
            parts.append(self.watts / 1000 * self.per_kwh)
        if self.price is not None and self.lifetime_hours:
            parts.append(self.price / self.lifetime_hours)
        return sum(parts, Decimal(0)) if parts else None


@dataclass(frozen=True, slots=True)
class Prices:
    """All known prices, by model, and those of your own hardware."""

    models: Mapping[str, Price] = field(default_factory=dict)
    hardware: Hardware = field(default_factory=Hardware)

    def find(self, model: str) -> Price | None:
        """The price of a model as the settings or a server name it; None when none is known.

        ``openai:gpt-4.1``, ``https://host/v1#gpt-4.1`` and the snapshot ``gpt-4.1-2025-04-14`` are
        all gpt-4.1, ``ft:gpt-4.1-mini-2025-04-14:org:suffix:id`` is ft:gpt-4.1-mini, here called
        ``ft:openai:gpt-4.1-mini-2025-04-14:suffix:id``. A model of
        this machine has no price here: what it costs is the machine's time.
        """
        name = model.partition("#")[2] if "://" in model else model.removeprefix("openai:")
        if name.startswith("ft:"):
            name = "ft:" + name.removeprefix("ft:").removeprefix("openai:").split(":")[0]
        for known in (name, _SNAPSHOT.sub("", name)):
            if known in self.models:
                return self.models[known]
        return None


def load_prices(workspace: Path | None = None) -> Prices:
    """Our prices, with the entries of the workspace's own ``prices.toml`` over them.

    Raises:
        SettingsError: that file is no TOML, or a field of it cannot be used; it is named.
    """
    known, hardware = _ours()
    path = workspace / FILE_NAME if workspace else None
    if path is None or not path.is_file():
        return Prices(known, hardware)
    try:
        told = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Correct that line.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    own, hardware = _parse(told, str(path))
    return Prices({**known, **own}, hardware)


@lru_cache(maxsize=1)
def _ours() -> tuple[dict[str, Price], Hardware]:
    text = resources.files("groundtone.advice").joinpath(FILE_NAME).read_text("utf-8")
    return _parse(tomllib.loads(text, parse_float=Decimal), FILE_NAME)


def _parse(told: Mapping[str, Any], where: str) -> tuple[dict[str, Price], Hardware]:
    if unknown := sorted(told.keys() - {"price", "hardware"}):
        raise _fault(where, unknown[0], "is not known; there are [[price]] and [hardware]")
    prices = [_price(entry, f"{where}, price {n}") for n, entry in enumerate(_list(told, where), 1)]
    hardware = told.get("hardware", {})
    if not isinstance(hardware, dict):
        raise _fault(where, "hardware", "is not a table")
    if unknown := sorted(hardware.keys() - set(_HARDWARE)):
        raise _fault(where, f"hardware.{unknown[0]}", f"is not one of {', '.join(_HARDWARE)}")
    amounts = {name: _amount(hardware[name], where, f"hardware.{name}") for name in hardware}
    return {price.model: price for price in prices}, Hardware(**amounts)


def _list(told: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    entries = told.get("price", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _fault(where, "price", "is no list of tables; begin each with [[price]]")
    return entries


def _price(entry: Mapping[str, Any], where: str) -> Price:
    names = ("provider", "model", "source", "date", *_MONEY)
    if unknown := sorted(entry.keys() - set(names)):
        raise _fault(where, unknown[0], f"is not one of {', '.join(names)}")
    for name in ("provider", "model", "input", "output", "source", "date"):
        if name not in entry:
            raise _fault(where, name, "is missing")
    for name in ("provider", "model", "source"):
        if not isinstance(entry[name], str) or not entry[name]:
            raise _fault(where, name, "is no text")
    date = entry["date"]
    if not isinstance(date, datetime.date) or isinstance(date, datetime.datetime):
        raise _fault(where, "date", "is no date such as 2026-11-28")
    money = {name: _amount(entry[name], where, name) for name in _MONEY if name in entry}
    return Price(
        provider=entry["provider"],
        model=entry["model"],
        source=entry["source"],
        date=date,
        **money,
    )


def _amount(value: Any, where: str, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _fault(where, name, "is no number")
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise _fault(where, name, "is not a number of 0 or more")
    return amount


def _fault(where: str, name: str, what: str) -> SettingsError:
    return SettingsError(f"{where}: {name} {what}.", "Correct it; docs/costs.md shows an entry.")
