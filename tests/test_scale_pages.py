"""The pages about more than one machine: settings that load, tables that are computed."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from groundtone.settings import FILE_NAME, Settings

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/scale.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_settings_of_every_layout_can_be_loaded(tmp_path: Path, number: int) -> None:
    (tmp_path / FILE_NAME).write_text(BLOCKS[number], "utf-8")
    told = Settings.load(tmp_path)
    for section, values in tomllib.loads(BLOCKS[number]).items():
        for name, value in values.items():
            assert getattr(getattr(told, section), name) == value


def test_the_capacity_page_is_what_its_script_computes() -> None:
    script = runpy.run_path(str(ROOT / "bench/capacity.py"))
    page = (ROOT / "docs/capacity.md").read_text("utf-8")
    inside = page.partition(script["BEGIN"])[2].partition(script["END"])[0].strip()
    assert inside == script["computed"](script["read_units"]()).strip()


def test_more_chunks_never_need_less() -> None:
    script = runpy.run_path(str(ROOT / "bench/capacity.py"))
    rows = script["rows"](script["read_units"]())
    hours = [float(row[3].replace(",", "")) for row in rows if row[1] == "one machine"]
    assert hours == sorted(hours) and len(hours) == 5
    assert hours[-1] == pytest.approx(hours[0] * 10_000, rel=0.1)
