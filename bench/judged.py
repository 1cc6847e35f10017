"""Collections with judged questions, as folders that a workspace can sync.

Every bench that measures search takes its documents and questions from here. The collections
themselves are not part of the project: `--data` names the folder that holds them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtone import Workspace
from groundtone.embedding import Embedder, open_embedder

NAMES = ("scifact", "cranfield", "medline", "squad", "k8s_docs", "aws_docs")
OTHERS = 72  # articles of squad that no question asks for, beside all that one does


@dataclass(frozen=True)
class Asked:
    """A question and how relevant each document is (path under the source: 1 or more)."""

    text: str
    gains: dict[str, float]


@dataclass(frozen=True)
class Collection:
    """A folder of documents and the questions on them."""

    name: str
    source: Path
    questions: tuple[Asked, ...]


class Remembering:
    """An embedder that keeps every vector it made in a file: what is measured is not embedding.

    Args:
        inner: makes the vectors.
        path: an .npz file of hashes and vectors, made if absent.
    """

    def __init__(self, inner: Embedder, path: Path) -> None:
        self._inner = inner
        self._path = path
        self.fingerprint, self.dimensions = inner.fingerprint, inner.dimensions
        self.max_tokens, self.encode = inner.max_tokens, inner.encode
        self._known: dict[bytes, np.ndarray] = {}
        self._new = 0
        if path.exists():
            held = np.load(path)
            hashes = [bytes(row) for row in held["hashes"]]
            self._known = dict(zip(hashes, held["vectors"], strict=True))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors, made only where they are not known."""
        keys = [_key(text) for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
        }
        if missing:
            made = self._inner.embed(list(missing.values()))
            self._known.update(zip(missing, made, strict=True))
            self._new += len(missing)
        return np.stack([self._known[key] for key in keys])

    def vectors(self) -> np.ndarray:
        """All that are known: [texts, dimensions]."""
        return np.stack(list(self._known.values()))

    def learn(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Take vectors made elsewhere."""
        self._known.update(zip(map(_key, texts), vectors, strict=True))
        self._new += len(texts)

    def save(self) -> None:
        """Write the file, if anything is new."""
        if self._new:
            hashes = np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, 20)
            np.savez(self._path, hashes=hashes, vectors=np.stack(list(self._known.values())))
            self._new = 0


def _key(text: str) -> bytes:
    return hashlib.sha1(text.encode("utf-8", "replace")).digest()


def load(name: str, data: Path, work: Path, every: int = 1) -> Collection:
    """One collection; documents that lie in one file are written out, one file each.

    Args:
        every: only each so-manyth document that no question asks for, beside all that one does.
    """
    folder = data / name
    if not folder.is_dir():
        sys.exit(f"There is no {folder}: this measurement needs it.")
    lines = (folder / "queries.jsonl").read_text("utf-8").splitlines()
    texts = {str(row["id"]): row["question"] for row in map(json.loads, lines)}
    source, suffix = folder / "docs", ""
    if (folder / "corpus.jsonl").exists():
        source, suffix = _written(folder / "corpus.jsonl", work / name / "docs"), ".md"
    gains: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        question, document, gain = line.split("\t")
        gains.setdefault(question, {})[document + suffix] = float(gain)
    if (folder / "articles").is_dir():
        wanted = {document for each in gains.values() for document in each}
        source = _sampled(folder / "articles", wanted, work / name / "docs")
    if every > 1:
        wanted = {document for each in gains.values() for document in each}
        source = _thinned(source, wanted, every, work / name / f"every-{every}")
    asked = [
        Asked(text, some)
        for id, text in texts.items()
        if (some := {d: g for d, g in gains.get(id, {}).items() if g > 0 and (source / d).exists()})
    ]
    return Collection(name, source, tuple(asked))


def own(source: Path, questions: Path) -> Collection:
    """Documents and a question file of one's own: evidence says what is relevant."""
    for path in (source, questions):
        if not path.exists():
            sys.exit(f"There is no {path}: this measurement needs it.")
    rows = [json.loads(line) for line in questions.read_text("utf-8").splitlines()]
    asked = [
        Asked(row["question"], {evidence["doc"]: 1.0 for evidence in row["evidence"]})
        for row in rows
        if row.get("evidence")
    ]
    return Collection("own", source, tuple(asked))


def synced(collection: Collection, work: Path, *, precision: str = "int8") -> Workspace:
    """A workspace that follows the collection; vectors are remembered beside it."""
    folder = work / collection.name
    workspace = Workspace.create(folder / "workspace")
    embedder = Remembering(
        open_embedder("all-minilm-l6-v2", precision=precision), folder / "vectors.npz"
    )
    workspace.__dict__["embedder"] = embedder  # in place of the one that it would open
    report = workspace.sync(collection.source)
    embedder.save()
    if report.failed:
        print(f"{collection.name}: {len(report.failed)} files could not be read")
    return workspace


def _written(corpus: Path, folder: Path) -> Path:
    """A Markdown file for each row; its title is the heading."""
    if folder.is_dir():
        return folder
    draft = folder.with_name("docs.part")
    draft.mkdir(parents=True, exist_ok=True)
    for line in corpus.read_text("utf-8").splitlines():
        row = json.loads(line)
        title, text = (" ".join(row.get(key, "").split()) for key in ("title", "text"))
        body = text.removeprefix(title).strip() or text
        head = f"# {title}\n\n" if title else ""
        (draft / f"{row['id']}.md").write_text(f"{head}{body}\n", "utf-8")
    draft.rename(folder)
    return folder


def _thinned(source: Path, wanted: set[str], every: int, folder: Path) -> Path:
    """What is asked for, and each so-manyth of the other files, in their folders."""
    if not folder.is_dir():
        draft = folder.with_name("docs.part")
        found = sorted(path for path in source.rglob("*") if path.is_file())
        names = [path.relative_to(source).as_posix() for path in found]
        others = [name for name in names if name not in wanted]
        for name in [*(wanted & set(names)), *others[::every]]:
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, draft / name)
        draft.rename(folder)
    return folder


def _sampled(articles: Path, wanted: set[str], folder: Path) -> Path:
    """The articles that are asked for and every sixth of the others."""
    if not folder.is_dir():
        draft = folder.with_name("docs.part")
        draft.mkdir(parents=True, exist_ok=True)
        others = [path.name for path in sorted(articles.iterdir()) if path.name not in wanted]
        for name in [*sorted(wanted), *others[::6][:OTHERS]]:
            shutil.copy(articles / name, draft / name)
        draft.rename(folder)
    return folder
