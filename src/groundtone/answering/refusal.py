"""What counts as the declared refusal, for serving, training and measuring alike."""

from __future__ import annotations


def is_refusal(text: str, refusal: str) -> bool:
    """Whether `text` is the refusal sentence; case and a closing full stop do not matter.

    >>> is_refusal("the manual does not say", "The manual does not say.")
    True
    """
    return text.strip().rstrip(".").lower() == refusal.strip().rstrip(".").lower()
