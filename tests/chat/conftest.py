"""The small model and its adapters, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat.small_model import ASSISTANT, USER, write_adapter, write_model
from groundtone.chat.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("small") / "small.gguf")


@pytest.fixture(scope="session")
def adapters(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two plain and two activated adapters."""
    folder = tmp_path_factory.mktemp("adapters")
    words = Vocabulary(small)
    return {
        "plain": write_adapter(folder / "plain.gguf", seed=1),
        "other": write_adapter(folder / "other.gguf", seed=2),
        "user": write_adapter(folder / "user.gguf", seed=3, switch=words.tokens(USER)[1:]),
        "assistant": write_adapter(
            folder / "assistant.gguf", seed=4, switch=words.tokens(ASSISTANT)[1:]
        ),
    }
