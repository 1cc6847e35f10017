from __future__ import annotations

from pathlib import Path


def test_a_collection_that_is_not_there_is_warned_of(call, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    call("init", kb)
    names = ("--collections", "default,handbok", "--workspace", kb)
    made = call("keys", "create", *names, "--json")
    assert made.code == 0 and made.json["collections"] == ["default", "handbok"]
    assert "warning: there is no collection 'handbok' yet (there are: default)" in made.err
    assert made.err.count("warning") == 1
    for quiet in (("--collections", "default"), ()):
        assert "warning" not in call("keys", "create", *quiet, "--workspace", kb).err
