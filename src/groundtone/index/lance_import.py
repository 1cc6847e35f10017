"""Imports lancedb in half the time: without the generated REST client of catalog servers.

lancedb 0.40 imports ``lance_namespace_urllib3_client``, which builds some 370 pydantic validators
for calls to servers that an embedded index never makes: .7 of 1.5 s of processor time before each
search. Its ``api`` modules are stood in for while lancedb is imported, and never otherwise.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = "lance_namespace_urllib3_client"
_CLIENT = f"{_PACKAGE}.api"
_LOCK = threading.Lock()


def lancedb() -> Any:
    """The module ``lancedb``."""
    with _LOCK:
        if "lancedb" not in sys.modules and _PACKAGE not in sys.modules:
            _import_without_client()
    import lancedb

    return lancedb


def _import_without_client() -> None:
    finder = _StandIns()
    sys.meta_path.insert(0, finder)
    try:
        import lancedb  # noqa: F401
    except Exception:  # another version may need more of it: the usual import decides
        _forget(lambda name: name.split(".")[0] in ("lancedb", "lance_namespace", _PACKAGE))
    finally:
        sys.meta_path.remove(finder)
        _forget(_is_client)
        vars(sys.modules.get(_PACKAGE, finder)).pop("api", None)


def _forget(wanted: Callable[[str], bool]) -> None:
    """Let modules be imported anew, but for compiled ones: they start only once."""
    for name, module in list(sys.modules.items()):
        loader = getattr(module, "__loader__", None)
        if wanted(name) and not isinstance(loader, ExtensionFileLoader):
            del sys.modules[name]


def _is_client(name: str) -> bool:
    return name == _CLIENT or name.startswith(f"{_CLIENT}.")


class _StandIn(ModuleType):
    """A module in which any name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _StandIns(MetaPathFinder, Loader):
    """Finds a `_StandIn` for the client and each of its modules, and nothing else."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=name == _CLIENT) if _is_client(name) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
