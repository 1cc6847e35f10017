"""A tuned model is found by either spelling of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredModel
from groundtone.errors import WrongUse
from groundtone.workspace.model_names import tuned_name


@pytest.mark.parametrize("base", ["smollm2-135m-instruct", "gguf:/models/a.gguf"])
@pytest.mark.parametrize("organisation", ["", "local"])
def test_both_spellings_mean_the_model(tmp_path: Path, base: str, organisation: str) -> None:
    name = tuned_name(base, "support", "1a2b", organisation=organisation)
    with Workspace.create(tmp_path) as workspace:
        workspace.catalog.put_model(StoredModel(name, base, "lora", "", ""))
        for asked in (
            f"ft:{base}:support:1a2b",
            f"ft:{base}:local:support:1a2b",
            f"ft:{base}:my-org:support:1a2b",
            f"ft:{base}:local:support:1a2b:ckpt-step-30",
            "support",
            "1a2b",
        ):
            assert workspace.model_name(asked) == name
        for stranger in (f"ft:{base}:other:1a2b", "ft:gpt-4o-mini:x:support:1a2b", "local"):
            with pytest.raises(WrongUse, match="no model"):
                workspace.model_name(stranger)


def test_a_name_without_a_suffix(tmp_path: Path) -> None:
    name = tuned_name("base", "", "1a2b", organisation="local")
    assert name == "ft:base:local::1a2b"
    with Workspace.create(tmp_path) as workspace:
        workspace.catalog.put_model(StoredModel(name, "base", "lora", "", ""))
        assert workspace.model_name("1a2b") == name
        assert workspace.model_name("ft:base:any::1a2b") == name
