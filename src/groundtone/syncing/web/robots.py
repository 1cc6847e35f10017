"""What robots.txt allows (RFC 9309), parsed by protego."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protego import Protego

NAME = "groundtone"
"""What robots.txt calls this program."""
BYTES = 512_000
"""As much of robots.txt as is read; RFC 9309 asks for 500 KiB at least."""
LONGEST_DELAY = 10.0
"""Seconds between two requests that a robots.txt may ask for at most."""


class Robots:
    """The rules of one site.

    Args:
        body: its robots.txt, or b"" where it has none.
        why_not: why nothing may be fetched, whatever the rules are; "" normally.
    """

    def __init__(self, body: bytes = b"", why_not: str = "") -> None:
        from protego import Protego

        self.why_not = why_not
        self._rules: Protego = Protego.parse(body[:BYTES].decode("utf-8-sig", "replace"))

    def refusal(self, address: str) -> str:
        """Why an address may not be fetched; "" if it may."""
        if self.why_not:
            return self.why_not
        return "" if self._rules.can_fetch(address, NAME) else "robots.txt does not allow it"

    def delay(self) -> float:
        """Seconds that the site wants between two requests, cut to `LONGEST_DELAY`."""
        return min(self._rules.crawl_delay(NAME) or 0.0, LONGEST_DELAY)

    def sitemaps(self) -> list[str]:
        """The sitemaps it names."""
        return list(self._rules.sitemaps)
