"""An answer's sources in OpenAI's shapes, and in full."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from groundtone.answering.answer import Answer, Citation
    from groundtone.retrieval import Passage

_UPLOADED = re.compile(r"(file-[0-9A-Za-z]+)/(.+)", re.DOTALL)


def file_id(document: str, version: str) -> str:
    """The id of a document as a file: an uploaded one keeps the id it was uploaded under.

    Args:
        document: path under its source.
        version: of the catalog.
    """
    match = _UPLOADED.fullmatch(document)
    return match[1] if match else f"file-{version}"


def uploaded(document: str) -> bool:
    """Whether it came in as an uploaded file.

    Args:
        document: path under its source.
    """
    return _UPLOADED.fullmatch(document) is not None


def file_name(document: str) -> str:
    """The name to show."""
    match = _UPLOADED.fullmatch(document)
    return match[2] if match else document


def citations(answer: Answer) -> list[dict[str, Any]]:
    """Every citation whole: sentence, quote, place, support, and the file's id."""
    return [
        {
            **asdict(citation),
            "document": file_name(citation.document),
            "file_id": file_id(citation.document, _version(answer, citation)),
        }
        for citation in answer.citations
    ]


def url_annotations(answer: Answer, base: str) -> list[dict[str, Any]]:
    """The citations as annotations of a chat message, beside their quote, page and span.

    Args:
        base: the server's own address: what is no web page is opened there.
    """
    made = []
    for citation, (start, end) in _by_passage(_placed(answer)):
        place = f"{base.rstrip('/')}/source/{quote(_version(answer, citation))}"
        page = citation.document.startswith(("http://", "https://"))
        url = citation.document if page else f"{place}?at={citation.start}-{citation.end}"
        made.append(
            {
                "type": "url_citation",
                "url_citation": {
                    "start_index": start,
                    "end_index": end,
                    "title": _title(citation),
                    "url": url,
                    "quote": citation.quote,
                    "page": citation.page,
                    "span": [citation.start, citation.end],
                },
            }
        )
    return made


def file_annotations(answer: Answer) -> list[dict[str, Any]]:
    """The citations as annotations of a response's text, beside their quote, page and span."""
    made: list[dict[str, Any]] = []
    for citation, (start, end) in _placed(answer):
        beside = {
            "quote": citation.quote,
            "page": citation.page,
            "span": [citation.start, citation.end],
        }
        if citation.document.startswith(("http://", "https://")):
            where = {"start_index": start, "end_index": end}
            told = {"title": _title(citation), "url": citation.document}
            made.append({"type": "url_citation", **where, **told, **beside})
        else:
            made.append(
                {
                    "type": "file_citation",
                    "file_id": file_id(citation.document, _version(answer, citation)),
                    "filename": file_name(citation.document),
                    "index": end,
                    **beside,
                }
            )
    return made


def _placed(answer: Answer) -> list[tuple[Citation, tuple[int, int]]]:
    """Each citation, with the span of its sentence in the answer's text."""
    found = []
    at = 0
    for citation in answer.citations:
        start = answer.text.find(citation.sentence, at)
        if start < 0:
            start = answer.text.find(citation.sentence)
        at = max(at, start)
        if start < 0:  # shown in another form: the whole text
            found.append((citation, (0, len(answer.text))))
        else:
            found.append((citation, (start, start + len(citation.sentence))))
    return found


def _by_passage(
    placed: list[tuple[Citation, tuple[int, int]]],
) -> list[tuple[Citation, tuple[int, int]]]:
    """The same, the first place cited of each passage before all others.

    Open WebUI takes `[2]` for the second address among the annotations.
    """
    first = {one[0].passage: one for one in reversed(placed)}
    order = list(dict.fromkeys(citation.passage for citation, _ in placed))
    heads = [first[passage] for passage in order]
    return heads + [one for one in placed if not any(one is head for head in heads)]


def _version(answer: Answer, citation: Citation) -> str:
    return next((p.version for p in answer.passages if p.rank == citation.passage), "")


def _title(citation: Citation) -> str:
    title = citation.title or PurePosixPath(file_name(citation.document)).name
    return f"{title}, {citation.section}" if citation.section else title


def results(passages: list[Passage]) -> list[dict[str, Any]]:
    """Passages as the results of a search for files, best first."""
    return [
        {
            "file_id": file_id(passage.document, passage.version),
            "filename": file_name(passage.document),
            "score": max(0.0, min(1.0, passage.score)),
            "attributes": attributes(dict(passage.metadata)),
            "text": passage.text,
        }
        for passage in passages
    ]


def attributes(metadata: dict[str, Any]) -> dict[str, str | float | bool]:
    """What front matter says, as far as OpenAI's attributes can: 16 short texts and numbers."""
    kept: dict[str, str | float | bool] = {}
    for name, value in metadata.items():
        if len(kept) < 16 and isinstance(value, str | int | float | bool) and len(name) <= 64:
            kept[name] = value[:512] if isinstance(value, str) else value
    return kept
