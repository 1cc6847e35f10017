from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from groundtone.index import lance_import
{before}
lancedb = lance_import.lancedb()
assert lancedb is sys.modules["lancedb"] and callable(lancedb.connect)
client = [n for n in sys.modules if n.startswith("lance_namespace_urllib3_client.api.")]
assert bool(client) is {loaded}, client
assert not any(type(finder).__name__ == "_StandIns" for finder in sys.meta_path)
import lance_namespace_urllib3_client.api.table_api as real
assert real.TableApi.__init__ is not object.__init__
"""


def ran(before: str, loaded: bool) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(before=before, loaded=loaded)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_the_client_is_left_out_and_can_still_be_imported() -> None:
    done = ran("", loaded=False)
    assert done.returncode == 0, done.stderr


def test_what_is_there_already_is_left_alone() -> None:
    done = ran("import lancedb", loaded=True)
    assert done.returncode == 0, done.stderr


def test_a_version_that_needs_the_client_gets_it() -> None:
    broken = "lance_import._StandIn.__getattr__ = lambda self, name: 1 / 0"
    done = ran(broken, loaded=True)
    assert done.returncode == 0, done.stderr
