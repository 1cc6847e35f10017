"""Pages that commands write: templates beside this, filled in and self-contained."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from groundtone.errors import WrongUse


def write(template: str, out: Path, **values: Any) -> None:
    """Fill in a template and write the page; everything from outside is escaped.

    Raises:
        WrongUse: it cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("groundtone.cli").joinpath(template).read_text("utf-8")
    page = environment.from_string(source).render(**values)
    part = out.with_name(out.name + ".part")
    try:
        part.write_text(page, "utf-8")
        part.replace(out)
    except OSError as error:
        raise WrongUse(f"{out} cannot be written: {error.strerror}.") from None
