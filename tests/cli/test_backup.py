from __future__ import annotations

import zipfile
from pathlib import Path

from groundtone import Workspace


def test_a_workspace_goes_into_a_file_and_comes_back(call, tmp_path: Path) -> None:
    Workspace.create(tmp_path / "kb").close()
    told = call("backup", tmp_path / "a", "--workspace", tmp_path / "kb", "--json").json
    assert told["index"] is False, "nothing was synced"
    assert told["documents"] == 0
    assert zipfile.is_zipfile(tmp_path / "a")
    back = call("restore", tmp_path / "a", tmp_path / "new", "--json").json
    assert back["folder"] == str(tmp_path / "new")
    assert back["files"] == told["files"]
    assert call("log", "list", "--workspace", tmp_path / "new").code == 0


def test_it_says_what_is_wrong(call, tmp_path: Path) -> None:
    Workspace.create(tmp_path / "kb").close()
    assert call("backup", tmp_path / "kb", "--workspace", tmp_path / "kb").code == 2
    (tmp_path / "x").write_text("no backup")
    result = call("restore", tmp_path / "x", tmp_path / "new", "--json")
    assert result.code == 3
    assert "cannot be restored" in result.json["error"]["message"]
    assert not (tmp_path / "new").exists()


def test_a_catalog_on_a_server_is_backed_up_there(call, tmp_path: Path, monkeypatch) -> None:
    with Workspace.create(tmp_path / "kb") as workspace:
        url = f"sqlite:///{workspace.state / 'other.db'}"
    monkeypatch.setenv("GROUNDTONE_CATALOG__URL", url)
    result = call("backup", tmp_path / "a", "--workspace", tmp_path / "kb")
    assert result.code in (2, 3)
    assert not (tmp_path / "a").exists()
