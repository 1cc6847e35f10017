"""A declared house style, and whether one answer keeps it."""

from __future__ import annotations

import json
import re
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from groundtone import sentences
from groundtone.errors import MissingExtra, SettingsError

_KEYS = (
    "name label refusal max_sentences max_words must_match must_not_match banned_phrases "
    "json_schema"
)


@dataclass(frozen=True)
class Style:
    """The form that answers must have. Every part is optional; what is left out is not checked.

    Attributes:
        name: for people.
        label: citation label templates, such as ``[Source: {title}, Section {section}]``. When
            any are given, an answer must carry at least one label of such a form, and what begins
            like a label must be one. Labels do not count as words or sentences.
        refusal: the exact text of a refusal.
        max_sentences, max_words: limits, labels left out.
        must_match: patterns that the answer as shown, labels and all, must contain
            (``re.search``; add ``(?i)`` or ``(?m)`` as you need).
        must_not_match: patterns that it must not contain.
        banned_phrases: phrases that it must not contain, in any case, as whole words.
        json_schema: a JSON schema; the answer without labels must be JSON that satisfies it.
    """

    name: str = ""
    label: tuple[str, ...] = ()
    refusal: str = ""
    max_sentences: int | None = None
    max_words: int | None = None
    must_match: tuple[re.Pattern[str], ...] = ()
    must_not_match: tuple[re.Pattern[str], ...] = ()
    banned_phrases: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    _faults_of_json: Callable[[Any], list[str]] | None = field(
        default=None, repr=False, compare=False
    )

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a ``style.toml``; its keys are this class's attributes.

        ``label`` may be one text or a list of alternatives; ``json_schema`` a table, or the path
        of a JSON file, relative to the TOML file.

        Raises:
            SettingsError: missing or broken file, unknown key, wrong type, faulty pattern or
                label; all faults at once, each with its field.
            MissingExtra: ``json_schema`` is used and the package ``jsonschema`` is not installed.
        """
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(
                f"{path}: {error.strerror or error}.", "Name a style file that can be read."
            ) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: not TOML: {error}.", "Correct the file.") from error
        return cls.of(values, where=path)

    @classmethod
    def of(cls, values: Mapping[str, Any], *, where: Path | None = None) -> Self:
        """The same from a mapping; ``where`` names the file in messages and anchors paths."""
        faults: list[str] = []
        schema = _schema(values.get("json_schema"), where, faults)
        style = cls(
            name=_text(values, "name", faults),
            label=_labels(values, faults),
            refusal=_text(values, "refusal", faults).strip(),
            max_sentences=_limit(values, "max_sentences", faults),
            max_words=_limit(values, "max_words", faults),
            must_match=_patterns(values, "must_match", faults),
            must_not_match=_patterns(values, "must_not_match", faults),
            banned_phrases=_texts(values, "banned_phrases", faults),
            json_schema=schema,
            _faults_of_json=_validator(schema, faults),
        )
        faults.extend(f"{name}: unknown key" for name in values if name not in _KEYS.split())
        if faults:
            shown = "\n".join(f"  {fault}" for fault in faults)
            raise SettingsError(
                f"{where or 'The style'} has {len(faults)} fault(s):\n{shown}\n",
                f"The keys are: {', '.join(_KEYS.split())}.",
            )
        return style

    def bare(self, answer: str) -> str:
        """The answer without its citation labels."""
        for pattern in self._label_patterns:
            answer = pattern.sub("", answer)
        return answer.strip()

    def check(self, answer: str, refused: bool = False) -> list[str]:
        """The ways in which an answer breaks the style; ``[]`` when it complies.

        An answer whose text is the declared refusal always complies. With ``refused=True`` any
        other text is a fault; where no refusal is declared, a refusal has to keep only the limits,
        ``must_not_match`` and ``banned_phrases``.
        """
        shown = answer.strip()
        if self.refusal and (refused or shown == self.refusal):
            return [] if shown == self.refusal else ["a refusal in other words than declared"]
        if not shown:
            return ["empty"]
        bare = self.bare(shown)
        faults = [] if refused else [*self._wrong_labels(shown), *self._wrong_json(bare)]
        faults += _over(bare, self.max_sentences, _sentence_count, "sentence")
        faults += _over(bare, self.max_words, _word_count, "word")
        if not refused:
            faults += [
                f"does not match {pattern.pattern}"
                for pattern in self.must_match
                if not pattern.search(shown)
            ]
        faults += [
            f"matches {pattern.pattern}, which is ruled out: “{found.group()[:60]}”"
            for pattern in self.must_not_match
            if (found := pattern.search(shown))
        ]
        faults += [
            f"banned phrase “{phrase}”"
            for phrase in self.banned_phrases
            if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", shown, re.IGNORECASE)
        ]
        return faults

    @property
    def _label_patterns(self) -> list[re.Pattern[str]]:
        return [label_pattern(template) for template in self.label]

    def _wrong_labels(self, shown: str) -> list[str]:
        if not self.label:
            return []
        if not any(pattern.search(shown) for pattern in self._label_patterns):
            return [f"no citation label of the form {self.label[0]}"]
        rest = self.bare(shown)
        openings = {template.split("{", 1)[0].strip() for template in self.label}
        return [
            f"a broken label that begins with {opening}"
            for opening in sorted(openings)
            if len(opening) > 1 and opening in rest
        ]

    def _wrong_json(self, bare: str) -> list[str]:
        if self._faults_of_json is None:
            return []
        try:
            value = json.loads(bare)
        except (json.JSONDecodeError, RecursionError) as error:
            return [f"not JSON: {error}"]
        return self._faults_of_json(value)


def label_pattern(template: str) -> re.Pattern[str]:
    """What a label of this template looks like, with the white space before it.

    ``{page}`` and ``{marker}`` stand for numbers, other fields for text on one line without the
    template's own brackets.

    >>> bool(label_pattern("[Source: {title}, Section {section}]").search("[Source: A, Section 2]"))
    True
    """
    ends = {character for character in template.strip()[-1:] if character in ")]}>"}
    ends |= {{")": "(", "]": "[", "}": "{", ">": "<"}[end] for end in ends}
    other = f"[^{re.escape(''.join(sorted(ends)))}\n]+?" if ends else "[^\n]+"
    parts = []
    for literal, name, _, _ in string.Formatter().parse(template):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(r"\d+" if name in ("page", "marker") else other)
    return re.compile(r"[ \t]*" + "".join(parts))


def _sentence_count(text: str) -> int:
    return sum(
        any(character.isalnum() for character in text[start:end])
        for start, end in sentences.split(text)
    )


def _word_count(text: str) -> int:
    """Runs between white space that hold a letter or digit: ``Settings > Account`` is two."""
    return sum(any(character.isalnum() for character in word) for word in text.split())


def _over(text: str, limit: int | None, count: Callable[[str], int], noun: str) -> list[str]:
    if limit is None or (found := count(text)) <= limit:
        return []
    return [f"{found} {noun}s, at most {limit} allowed"]


def _text(values: Mapping[str, Any], name: str, faults: list[str]) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        faults.append(f"{name}: must be a text, not {value!r}")
        return ""
    return value


def _texts(values: Mapping[str, Any], name: str, faults: list[str]) -> tuple[str, ...]:
    value = values.get(name, [])
    if not isinstance(value, list | tuple):
        faults.append(f"{name}: must be a list of texts, not {value!r}")
        return ()
    for place, item in enumerate(value):
        if not isinstance(item, str) or not item.strip():
            faults.append(f"{name}[{place}]: must be a text that is not empty, not {item!r}")
    return tuple(item for item in value if isinstance(item, str))


def _limit(values: Mapping[str, Any], name: str, faults: list[str]) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        faults.append(f"{name}: must be a whole number from 1, not {value!r}")
        return None
    return value


def _patterns(
    values: Mapping[str, Any], name: str, faults: list[str]
) -> tuple[re.Pattern[str], ...]:
    found = []
    for place, text in enumerate(_texts(values, name, faults)):
        try:
            found.append(re.compile(text))
        except (re.error, OverflowError, RecursionError) as error:
            faults.append(f"{name}[{place}]: not a regular expression: {error} ({text})")
    return tuple(found)


def _labels(values: Mapping[str, Any], faults: list[str]) -> tuple[str, ...]:
    value = values.get("label", [])
    given = {"label": [value] if isinstance(value, str) and value else value or []}
    kept = []
    for place, template in enumerate(_texts(given, "label", faults)):
        try:
            fields = [part[1] for part in string.Formatter().parse(template)]
        except ValueError as error:
            faults.append(f"label[{place}]: not a template: {error} ({template})")
            continue
        if not any(name for name in fields) or not template.split("{", 1)[0].strip():
            faults.append(
                f"label[{place}]: must begin with a mark and name a field, "
                f"such as [Source: {{title}}], not {template!r}"
            )
            continue
        kept.append(template)
    return tuple(kept)


def _schema(value: Any, where: Path | None, faults: list[str]) -> Mapping[str, Any] | None:
    if value is None or isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        faults.append(f"json_schema: must be a table or the path of a JSON file, not {value!r}")
        return None
    path = (where.parent if where else Path()) / value
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        faults.append(f"json_schema: {path}: {error.strerror or error}")
        return None
    except ValueError as error:
        faults.append(f"json_schema: {path} is not JSON: {error}")
        return None
    if not isinstance(found, dict):
        faults.append(f"json_schema: {path} must hold an object")
        return None
    return found


def _validator(
    schema: Mapping[str, Any] | None, faults: list[str]
) -> Callable[[Any], list[str]] | None:
    if schema is None:
        return None
    try:
        from jsonschema import exceptions, validators  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingExtra("A json_schema in the style", "style") from error
    kind = validators.validator_for(schema)
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        faults.append(f"json_schema: {error.message}")
        return None
    validator = kind(schema)

    def check(value: Any) -> list[str]:
        return [
            f"JSON at {error.json_path}: {error.message[:120]}"
            for error in sorted(validator.iter_errors(value), key=lambda error: error.json_path)
        ]

    return check
