"""Secrets and personal data in examples, found by their form, and taken out.

What a model is trained on it may say to anybody. Card numbers are told from other figures by Luhn's
checksum and IBANs by theirs, keys by their issuers' prefixes, other secrets by the name they are
given (``password = …``) and by how random they look. Addresses of the domains that are reserved for
examples (example.com and the like) and placeholders (``<API_KEY>``, ``your-key``) are let pass.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SECRETS = ("key", "private key", "password", "card number", "account number")
"""Kinds that must not be trained on; the others are personal data, worth a look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of a text that is private: its kind and its span in characters."""

    kind: str
    start: int
    end: int


_KEYS = re.compile(
    r"\bsk-(?:[a-z]{2,8}-)?[A-Za-z0-9_-]{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bya29\.[A-Za-z0-9_-]{20,}"
    r"|\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{32,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{8,}"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:.*?-----END (?:[A-Z]+ )*PRIVATE KEY-----|.*)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?i)\b(?P<name>pass(?:word|wd|phrase)|pwd?|secret|api[_ -]?key|access[_ -]?key|"
    r"(?:auth|access|bearer|refresh|api|secret)[_ -]?token|client[_ -]?secret)\b"
    r"[\"'`]?\s*(?:=|:|\bis\b)\s*(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;<>{}()\[\]]{6,128})"
)
_IN_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@]+:(?P<value>[^\s/:@]{3,})@")
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9+/_.=-]{20,})")
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9](?:[\w.+%-]{0,62}[\w%-])?@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b"
)
_CARD = re.compile(
    r"(?<![\w.,/-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?![\w/-]|[.,]\d)"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(
    r"(?<![\w.,:/#=-])(?:\+|00)[1-9](?:[ ./-]?\(?\d\)?){7,14}(?![\w-]|\.\d)"
    r"|(?<![\w.,:/#=+-])\(0?\d{2,4}\)[ -]?\d{3}[ -]?\d{2,4}(?:[ -]?\d{2,4})?(?![\w-]|\.\d)"
    r"|(?<![\w.,:/#=+-])[2-9]\d{2}[-.][2-9]\d{2}[-.]\d{4}(?![\w-]|\.\d)"
)
_RESERVED = re.compile(
    r"(?i)^git@|@(?:[\w-]+\.)*(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost)$"
)
_PLACEHOLDER = re.compile(
    r"(?i)^(?:your|my|the|some|new|old|an?|x{3,}|\*{3,}|\.{3,}|-{3,}|changeme|example|placeholder|"
    r"redacted|secret|password|passphrase|token|none|null|true|false|required|optional|wrong|"
    r"correct|not|set|stored|kept|sent|shown|valid|invalid|expired|empty|missing|case)"
    r"(?:$|[\W_])|^\$|^%|^(.)\1+$|\.{3}|…"
)
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18"
        "FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20"
        "LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24"
        "SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20",
    )
}


def find(text: str) -> list[Finding]:
    """All that is private in a text, in order, nothing twice.

    >>> [one.kind for one in find("Mail jo@firm.de or pay 4111 1111 1111 1111.")]
    ['e-mail', 'card number']
    """
    found: list[Finding] = []
    for kind, spans in (
        ("private key", _whole(_PRIVATE_KEY, text)),
        ("key", _whole(_KEYS, text, lambda key: not key.endswith("EXAMPLE"))),
        ("password", _passwords(text)),
        ("account number", _whole(_IBAN, text, iban)),
        ("card number", _whole(_CARD, text, luhn)),
        ("e-mail", _whole(_EMAIL, text, lambda mail: not _RESERVED.search(mail))),
        ("phone number", _whole(_PHONE, text, _phone)),
    ):
        for start, end in spans:
            if all(end <= other.start or other.end <= start for other in found):
                found.append(Finding(kind, start, end))
    return sorted(found, key=lambda one: one.start)


def redact(text: str) -> tuple[str, int]:
    """A text with ``[E-MAIL]``, ``[CARD NUMBER]`` … for what is private, and how often.

    >>> redact("Write to jo@firm.de.")
    ('Write to [E-MAIL].', 1)
    """
    found = find(text)
    for one in reversed(found):
        text = f"{text[: one.start]}[{one.kind.upper()}]{text[one.end :]}"
    return text, len(found)


def redact_value(value: Any) -> tuple[Any, int]:
    """A JSON value with every text in it redacted, and how often; names of fields stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        parts = [redact_value(part) for part in value]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if isinstance(value, dict):
        fields = {key: redact_value(part) for key, part in value.items()}
        total = sum(count for _, count in fields.values())
        return {key: part for key, (part, _) in fields.items()}, total
    return value, 0


def luhn(number: str) -> bool:
    """Whether the digits of a number are a card's: its length, first digit and checksum.

    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(digit) for digit in number if digit.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(number: str) -> bool:
    """Whether an account number has its country's length and its checksum.

    >>> iban("DE89 3704 0044 0532 0130 00"), iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = number.replace(" ", "")
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def _whole(
    pattern: re.Pattern[str], text: str, right: Callable[[str], bool] | None = None
) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        if right is None or right(match.group()):
            yield match.span()


def _passwords(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_NAMED, _IN_URL, _BEARER):
        for match in pattern.finditer(text):
            value = match["value"].rstrip(".!?:")
            quoted = "quote" in match.groupdict() and bool(match["quote"])
            if _PLACEHOLDER.search(value) or not (quoted or pattern is _IN_URL or _random(value)):
                continue
            yield match.start("value"), match.start("value") + len(value)


def _random(value: str) -> bool:
    """Whether a word looks like a secret rather than like a word or a setting's name."""
    kinds = sum(
        any(test(sign) for sign in value)
        for test in (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    )
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    digits = any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)
    return entropy >= 2.5 and len(value) >= 6 and (kinds >= 3 or (digits and kinds >= 2))


def _phone(number: str) -> bool:
    digits = [sign for sign in number if sign.isdigit()]
    return 8 <= len(digits) <= 16 and len(set(digits)) > 2
