"""That a fine-tuning request cannot be carried out, and why."""

from __future__ import annotations

from groundtone.errors import WrongUse


class Refused(WrongUse):
    """A request that cannot be carried out, as the API says it.

    Attributes:
        param: the field at fault; None: no single one.
        code: what programs compare.
        missing: whether what it asks for is not there at all.
    """

    def __init__(
        self, message: str, *, param: str | None = None, code: str, missing: bool = False
    ) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.missing = missing
