"""A conversation through a pipe, with the real model."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_follow_ups_are_searched_with_their_topic(
    call, manual: Path, smollm: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("What does ERR-1003 mean?\n\nWhy?\n"))
    result = call("chat", "--workspace", manual, "--json")
    assert result.code == 0, result.err
    first, second = map(json.loads, result.out.splitlines())
    assert first["searched"] == "What does ERR-1003 mean?"
    assert second["searched"] == "What does ERR-1003 mean? Why?"
    assert second["forgotten"] == 0


def test_nothing_asked_is_nothing_answered(
    call, manual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n  \n"))
    result = call("chat", "--workspace", manual)
    assert (result.code, result.out) == (0, "")
