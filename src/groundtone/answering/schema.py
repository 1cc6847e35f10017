"""JSON schemas of structured answers: checked before a model is asked, shown to it, narrowed.

Only references into the same file (``#/$defs/…``) are followed: nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtone.errors import MissingExtra, WrongUse

_LONGEST = 120  # characters of a text without a limit of its own
_MOST = 12  # items of such a list
_DEEP = 4  # levels of a schema that a model is shown
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "contains", "not", "if", "then", "else")


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that is one.

    Attributes:
        value: as written.
        faults: what a JSON value breaks of it, each with its place; none: it is valid.
    """

    value: Mapping[str, Any]
    faults: Callable[[Any], list[str]]


def load(path: Path) -> Schema:
    """Read a schema from a JSON file.

    Raises:
        WrongUse: it cannot be read, is not JSON or no schema; the place is named.
        MissingExtra: the package `jsonschema` is not installed.
    """
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise WrongUse(
            f"{path}: {error.strerror or error}.", "Name a file with a schema."
        ) from None
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path}: not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise WrongUse(f"{path}, {place}: not JSON: {error.msg}.", "Correct that line.") from None
    except RecursionError:
        raise WrongUse(f"{path}: nested too deeply.", "Write a flatter schema.") from None
    return check(value, str(path))


def check(value: Any, name: str = "The schema") -> Schema:
    """Check that a value is a JSON schema.

    Raises:
        WrongUse: it is none, or refers to something outside itself.
        MissingExtra: the package `jsonschema` is not installed.
    """
    if not isinstance(value, Mapping):
        raise WrongUse(f"{name}: a schema is an object, in braces.", "Write one.")
    try:
        from jsonschema import exceptions, validators  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtra("An answer that follows a schema", "style") from None
    kind = validators.validator_for(value, default=validators.validator_for({}))
    try:
        kind.check_schema(value)
    except exceptions.SchemaError as error:
        raise WrongUse(
            f"{name}, {error.json_path}: {error.message[:200]}.", "Correct that place."
        ) from None
    for place, reference in _references(value, "$"):
        if not reference.startswith("#") or _target(value, reference) is None:
            raise WrongUse(
                f"{name}, {place}: $ref {reference!r} names nothing in this file.",
                "Refer to #/$defs/NAME, and define it there.",
            )
    validator = kind(value)

    def faults(answer: Any) -> list[str]:
        found = sorted(validator.iter_errors(answer), key=lambda error: error.json_path)
        return [f"{error.json_path}: {error.message[:200]}" for error in found]

    return Schema(value, faults)


def sketch(schema: Mapping[str, Any]) -> str:
    """A schema as a model of any size understands it: the shape, with a word on each value.

    >>> sketch({"properties": {"days": {"type": "integer", "description": "how long"}}})
    '{"days": integer (how long)}'
    """
    return _sketch(schema, schema, 0)


def narrowed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with limits where it has none: small models do not end texts, lists, objects.

    What is valid by it is valid by the schema itself.
    """
    made = _mapped(schema, narrowed)
    if made.keys() & {"enum", "const", "pattern", "format"}:
        return made
    kinds = made.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "string" in kinds and "maxLength" not in made:
        made["maxLength"] = max(_LONGEST, int(made.get("minLength", 0)))
    open_ended = made.keys().isdisjoint(("additionalProperties", "patternProperties", *_LISTS))
    named = set(made.get("properties", ()))
    if named >= set(made.get("required", ())) and named and open_ended:
        made["additionalProperties"] = False
    if "array" in kinds and "maxItems" not in made:
        made["maxItems"] = max(_MOST, int(made.get("minItems", 0)))
    return made


def _mapped(
    schema: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """A schema with each schema directly in it changed, but for those that hold together."""

    def one(value: Any) -> Any:
        return change(value) if isinstance(value, Mapping) else value

    made = dict(schema)
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, Mapping):
            made[key] = {name: one(each) for name, each in value.items()}
        elif key in ("anyOf", "oneOf", "prefixItems") and isinstance(value, list):
            made[key] = [one(each) for each in value]
        elif key in ("items", "additionalProperties"):
            made[key] = one(value)
    return made


def _references(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(schema, Mapping):
        return
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            yield place, value
        elif key in _MAPS and isinstance(value, Mapping):
            for name, each in value.items():
                yield from _references(each, f"{place}.{key}.{name}")
        elif key in _LISTS and isinstance(value, list):
            for at, each in enumerate(value):
                yield from _references(each, f"{place}.{key}[{at}]")
        elif key in _SINGLE:
            yield from _references(value, f"{place}.{key}")


def _target(root: Mapping[str, Any], reference: str) -> Mapping[str, Any] | None:
    node: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            return None
    plain = reference == "#" or reference.startswith("#/")
    return node if plain and isinstance(node, Mapping) else None


def _sketch(schema: Any, root: Mapping[str, Any], depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > _DEEP:
        return "…"
    if "$ref" in schema:
        return _sketch(_target(root, schema["$ref"]), root, depth + 1)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values[:20])
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return " or ".join(_sketch(each, root, depth + 1) for each in schema[key])
    if isinstance(schema.get("properties"), Mapping):
        parts = [
            f"{json.dumps(name, ensure_ascii=False)}: {_sketch(each, root, depth + 1)}"
            for name, each in schema["properties"].items()
        ]
        return "{" + ", ".join(parts) + "}"
    if schema.get("type") == "array":
        return f"[{_sketch(schema.get('items', {}), root, depth + 1)}]"
    kind = schema.get("type", "value")
    word = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    about = " ".join(str(schema.get("description") or schema.get("title") or "").split())
    return f"{word} ({about})" if about else word
