"""The definitions in a syntax tree: functions, classes, methods and the like, with their labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

# Names of node types over all grammars; no two of them mean different things.
_SCOPES = frozenset((
    "class_definition", "class_declaration", "abstract_class_declaration", "class_specifier",
    "class", "module", "interface_declaration", "trait_declaration", "trait_item", "impl_item",
    "mod_item", "namespace_definition", "namespace_declaration",
    "file_scoped_namespace_declaration", "internal_module", "record_declaration",
    "struct_declaration", "annotation_type_declaration",
))  # fmt: skip
_WHOLES = frozenset((
    "function_definition", "function_declaration", "generator_function_declaration",
    "function_item", "function_signature_item", "method_definition", "method_declaration",
    "constructor_declaration", "method", "singleton_method", "property_declaration",
    "enum_declaration", "enum_item", "enum_specifier", "struct_item", "struct_specifier",
    "union_specifier", "union_item", "type_declaration", "type_alias_declaration", "type_item",
    "type_definition", "macro_definition", "destructor_declaration", "operator_declaration",
    "compact_constructor_declaration", "delegate_declaration", "abstract_method_signature",
))  # fmt: skip
# They define only where a body follows; else they name a type in use.
_WITH_BODY = frozenset((
    "class", "class_specifier", "struct_specifier", "union_specifier", "enum_specifier", "module",
))  # fmt: skip
_WRAPPERS = frozenset((
    "decorated_definition", "export_statement", "template_declaration", "ambient_declaration",
))  # fmt: skip
_FUNCTIONS = frozenset((
    "arrow_function", "function_expression", "function", "generator_function", "class",
))  # fmt: skip
_ABOVE = frozenset(("comment", "line_comment", "block_comment", "attribute_item", "decorator"))
_ANNOTATION = re.compile(r"@\w[\w.]*(?:\([^()]*\))?\s*|^\[[^\]]*\]\s*")
_LONGEST_LABEL = 100
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition; offsets are bytes.

    Attributes:
        label: what it is and its name, as in the source: "def lift", "impl Hoist for Crane".
        start, end: its span with the comments and decorators right above it.
        inner: the definitions inside, for classes and other scopes.
    """

    label: str
    start: int
    end: int
    inner: list[Definition] = field(default_factory=list)


def definitions(root: Node) -> list[Definition]:
    """All definitions under a node, in order; those inside functions are left out."""
    return _inside(root, 0)


def _inside(node: Node, depth: int) -> list[Definition]:
    found: list[Definition] = []
    above: Node | None = None  # the first of the comments that stand right above the next node
    below = -1  # the row on which what came before ends; Rust's line comments end on the next row
    for child in node.children:
        row = child.start_point.row
        if child.type in _ABOVE:
            if above is None or row > below + 1:
                above = child if row > below else None
        elif child.is_named:
            start = child.start_byte
            if above is not None and row <= below + 1:
                start = above.start_byte
            above = None
            inner = _defined(child)
            if inner is not None:
                scoped = inner.type in _SCOPES and depth < _DEEPEST
                body = _inside(inner, depth + 1) if scoped else []
                found.append(Definition(_label(inner), start, child.end_byte, body))
            elif child.named_child_count and depth < _DEEPEST:
                found.extend(_inside(child, depth + 1))
        end = child.end_point
        below = end.row if end.column else end.row - 1
    return found


def _defined(node: Node) -> Node | None:
    """The definition that a node is or wraps."""
    kind = node.type
    if kind in _WRAPPERS:
        for child in node.named_children:
            inner = _defined(child)
            if inner is not None:
                return inner
        return None
    if kind in ("lexical_declaration", "variable_declaration"):
        for child in node.named_children:
            value = child.child_by_field_name("value")
            if value is not None and value.type in _FUNCTIONS:
                return node
        return None
    if kind in _SCOPES or kind in _WHOLES:
        if kind in _WITH_BODY and node.child_by_field_name("body") is None:
            return None
        return node
    return None


def _label(node: Node) -> str:
    """The source from a definition's beginning to the end of its name, on one line."""
    name = node.child_by_field_name("name")
    at = node
    while name is None and at is not None:
        inner = at.child_by_field_name("declarator")
        if inner is None:
            break
        if inner.type.endswith("identifier") or inner.type.endswith("_name"):
            name = inner
        at = inner
    if name is None and node.type in ("lexical_declaration", "variable_declaration"):
        declarator = next((c for c in node.named_children if c.type == "variable_declarator"), None)
        name = declarator.child_by_field_name("name") if declarator is not None else None
    if name is None and node.type == "type_declaration":
        spec = next(iter(node.named_children), None)
        name = spec.child_by_field_name("name") if spec is not None else None
    source = node.text or b""
    if name is not None:
        cut = name.end_byte - node.start_byte
    else:
        body = node.child_by_field_name("body")
        cut = body.start_byte - node.start_byte if body is not None else source.find(b"\n")
        cut = cut if cut > 0 else len(source)
    text = source[: min(cut, 2_000)].decode("utf-8", "ignore")
    text = " ".join(_ANNOTATION.sub("", text).split()).rstrip(" {:")
    return text[-_LONGEST_LABEL:] or node.type.replace("_", " ")
