"""Source code: one block a definition, under the path of what it stands in.

The grammars are packages of their own (the ``code`` extra) and complete without a network. Without
them, or for a language that has none, blocks are the pieces between blank lines.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.decoding import decode
from groundtone.documents.definitions import Definition, definitions
from groundtone.documents.document import Document
from groundtone.documents.slicing import Slices, paragraph_spans

if TYPE_CHECKING:
    from tree_sitter import Parser

# Name ending -> grammar package and the function in it. C headers may be C++, which reads C too.
_GRAMMARS = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), ("python", "language")),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), ("javascript", "language")),
    **dict.fromkeys((".ts", ".mts", ".cts"), ("typescript", "language_typescript")),
    **dict.fromkeys((".tsx",), ("typescript", "language_tsx")),
    **dict.fromkeys((".java",), ("java", "language")),
    **dict.fromkeys((".go",), ("go", "language")),
    **dict.fromkeys((".rs",), ("rust", "language")),
    **dict.fromkeys((".c",), ("c", "language")),
    **dict.fromkeys((".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), ("cpp", "language")),
    **dict.fromkeys((".cs",), ("c_sharp", "language")),
    **dict.fromkeys((".rb", ".rake", ".gemspec"), ("ruby", "language")),
    **dict.fromkeys((".php",), ("php", "language_php")),
    **dict.fromkeys((".sh", ".bash"), ("bash", "language")),
}
_SHEBANGS = {
    "python": ".py",
    "bash": ".sh",
    "sh": ".sh",
    "node": ".js",
    "ruby": ".rb",
    "php": ".php",
}
# Generated and minified files are larger, and their definitions say nothing.
_LARGEST_PARSED = 1_000_000
# A class is one block up to this many characters, and one block a method beyond.
_SMALL = 1_200
_NO_MORE_THAN_AN_END = re.compile(r"(?:[^\w]|\bend\b)*")


def read(path: Path, data: bytes) -> Document:
    """Read source code; the canonical text is the decoded file unchanged.

    Every block is of kind "code". A definition's block begins with the comments and decorators
    above it and has a heading path of its own, as ``("class Crane", "def lift")``; what stands
    between definitions has the path of what it stands in. Definitions inside functions are not
    taken apart. The title is the file's name.
    """
    text, notes = decode(data)
    slices = Slices(text)
    parser = _parser(*_grammar(path, text)) if len(text) <= _LARGEST_PARSED else None
    if parser is None:
        for start, end in paragraph_spans(text):
            slices.add("code", start, end)
    else:
        source = text.encode()
        place = _places(text, source)
        found = definitions(parser.parse(source).root_node)
        _lay_out(slices, found, 0, len(source), (), place)
    return slices.document(path.name, "text/x-source", notes)


def _lay_out(
    slices: Slices,
    found: list[Definition],
    start: int,
    end: int,
    path: tuple[str, ...],
    place: Callable[[int], int],
) -> None:
    """Append the blocks of one scope, bytes start..end, in their order."""
    at = start
    for definition in found:
        if definition.start < at:
            continue  # inside one that was taken whole
        _add(slices, place(at), place(definition.start), path)
        own = (*path, definition.label)
        if definition.inner and definition.end - definition.start > _SMALL:
            _lay_out(slices, definition.inner, definition.start, definition.end, own, place)
        else:
            _add(slices, place(definition.start), place(definition.end), own)
        at = definition.end
    _add(slices, place(at), place(end), path)


def _add(slices: Slices, start: int, end: int, path: tuple[str, ...]) -> None:
    text = slices.text
    while start > 0 and text[start - 1] in " \t":
        start -= 1  # the first line's indentation
    if not _NO_MORE_THAN_AN_END.fullmatch(text, start, end):
        slices.add("code", start, end, headings=path)


def _grammar(path: Path, text: str) -> tuple[str, str]:
    suffix = path.suffix.lower()
    if suffix not in _GRAMMARS and text.startswith("#!"):
        program = text[: text.find("\n", 0, 200)].replace("/", " ").split()[-1:]
        suffix = _SHEBANGS.get(program[0].rstrip("0123456789.") if program else "", "")
    return _GRAMMARS.get(suffix, ("", ""))


@cache
def _parser(package: str, function: str) -> Parser | None:
    if not package:
        return None
    try:
        from tree_sitter import Language, Parser

        grammar = importlib.import_module(f"tree_sitter_{package}")
        return Parser(Language(getattr(grammar, function)()))
    except (ImportError, ValueError):  # ValueError: a grammar for another version of tree-sitter
        return None


def _places(text: str, source: bytes) -> Callable[[int], int]:
    """Byte offset -> character offset, for offsets that never go back."""
    if len(source) == len(text):
        return lambda offset: offset
    last_byte = last_character = 0

    def place(offset: int) -> int:
        nonlocal last_byte, last_character
        if offset < last_byte:
            return len(source[:offset].decode("utf-8", "ignore"))
        last_character += len(source[last_byte:offset].decode("utf-8", "ignore"))
        last_byte = offset
        return last_character

    return place
