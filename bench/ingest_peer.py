"""The peers' side of ``bench/ingest.py``, run by an interpreter that has ``peers.txt``.

    python ingest_peer.py langchain|llamaindex SOURCE MODEL PLACE

Leaves ``embedded.jsonl`` (each embedded text and its place) and ``texts.jsonl`` in PLACE.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
SIZE, SHARED = 512, 50


def main() -> None:
    """Read, cut, embed, store; then write down what was embedded of what."""
    _, system, source, model, place = sys.argv
    clock = timed_encode()
    ingest = {"langchain": langchain, "llamaindex": llamaindex}[system](model)
    began = time.perf_counter()
    texts = {str(path): read(path) for path in sorted(Path(source).rglob("*")) if path.is_file()}
    kept = ingest(texts)
    seconds = time.perf_counter() - began
    told = {"files": len(texts), "seconds": seconds, "engine_s": clock[0]}
    write(Path(place) / "embedded.jsonl", kept())
    rows = ({"document": name, "text": text} for name, text in texts.items())
    write(Path(place) / "texts.jsonl", rows)
    print(json.dumps(told))


def read(path: Path) -> str:
    """A file's text by the libraries that the peers' own readers use."""
    if path.suffix.lower() == ".pdf":
        from pypdf import PdfReader

        return "\n\n".join(page.extract_text() for page in PdfReader(path).pages)
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix.lower() in {".html", ".htm"}:
        from bs4 import BeautifulSoup

        return BeautifulSoup(text, "html.parser").get_text()
    return text


def langchain(model: str) -> Callable[[dict[str, str]], Callable[[], Iterator[Row]]]:
    """RecursiveCharacterTextSplitter, HuggingFaceEmbeddings, InMemoryVectorStore."""
    from langchain_core.documents import Document
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from transformers import AutoTokenizer

    embeddings = HuggingFaceEmbeddings(model_name=model)
    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
        AutoTokenizer.from_pretrained(model),
        chunk_size=SIZE,
        chunk_overlap=SHARED,
        add_start_index=True,
    )

    def ingest(texts: dict[str, str]) -> Callable[[], Iterator[Row]]:
        documents = [Document(text, metadata={"source": name}) for name, text in texts.items()]
        pieces = splitter.split_documents(documents)
        InMemoryVectorStore(embeddings).add_documents(pieces)

        def kept() -> Iterator[Row]:
            for piece in pieces:
                name, text = piece.metadata["source"], piece.page_content
                start = piece.metadata["start_index"]  # -1 where it lost the place
                start = start if start >= 0 else texts[name].find(text)
                yield {"document": name, "text": text, "start": start, "before": 0}

        return kept

    return ingest


def llamaindex(model: str) -> Callable[[dict[str, str]], Callable[[], Iterator[Row]]]:
    """SentenceSplitter, HuggingFaceEmbedding, VectorStoreIndex over its own simple store."""
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.schema import MetadataMode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from transformers import AutoTokenizer

    embedding = HuggingFaceEmbedding(model_name=model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    splitter = SentenceSplitter(chunk_size=SIZE, chunk_overlap=SHARED, tokenizer=tokenizer.tokenize)

    def ingest(texts: dict[str, str]) -> Callable[[], Iterator[Row]]:
        documents = [
            Document(text=text, metadata={"file_path": name}, id_=name)
            for name, text in texts.items()
        ]
        nodes = splitter.get_nodes_from_documents(documents)
        VectorStoreIndex(nodes, embed_model=embedding)

        def kept() -> Iterator[Row]:
            for node in nodes:
                text = node.get_content(MetadataMode.EMBED)
                yield {
                    "document": node.ref_doc_id,
                    "text": text,
                    "start": node.start_char_idx or 0,
                    "before": len(text) - len(node.get_content(MetadataMode.NONE)),
                }

        return kept

    return ingest


def timed_encode() -> list[float]:
    """Seconds spent in sentence-transformers, kept up to date in a list of one."""
    from sentence_transformers import SentenceTransformer

    clock, inner = [0.0], SentenceTransformer.encode

    def encode(self: Any, *arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return inner(self, *arguments, **named)
        finally:
            clock[0] += time.perf_counter() - began

    SentenceTransformer.encode = encode  # type: ignore[method-assign]
    return clock


def write(path: Path, rows: Iterator[Row]) -> None:
    """Rows as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
