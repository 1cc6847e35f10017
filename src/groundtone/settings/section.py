"""What all sections of the settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """One section; an unknown name in it is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)
