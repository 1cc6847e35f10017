"""Secrets and personal data: what is planted is found and taken out, other figures stay."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.tuning.private import find, iban, luhn, redact, redact_value

SENTENCES = [
    "Go to Settings > Account > Reset Password.",
    "The password is wrong after 8 tries, see ERR-1003.",
    "Version 4.2.1 was published on 2024-03-15 at 12:30.",
    "The Team plan costs 19 euros per seat, and 1,000,000 rows are allowed.",
    "Write to support@example.com or send a POST request to /api/v4/bulk.",
    "Set api_key: YOUR_API_KEY and password = <password> in the file.",
    "Order 1234567890123 has the checksum 5f4dcc3b5aa765d61d8327deb882cf99.",
    "The address is 192.168.10.24, port 8080, and the id is 550e8400-e29b-41d4-a716-446655440000.",
]


def card(draw: random.Random) -> str:
    digits = [4, *(draw.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    number = "".join(map(str, [*digits, -total % 10]))
    sign = draw.choice(["", " ", "-"])
    return sign.join(number[i : i + 4] for i in range(0, 16, 4))


def account(draw: random.Random) -> str:
    rest = "".join(draw.choice(string.digits) for _ in range(18))
    check = 98 - int(f"{rest}131400") % 97
    number = f"DE{check:02}{rest}"
    return " ".join(number[i : i + 4] for i in range(0, 22, 4)) if draw.random() < 0.5 else number


def some(draw: random.Random, count: int, signs: str = string.ascii_letters + string.digits) -> str:
    return "".join(draw.choice(signs) for _ in range(count))


MAKERS = {
    "e-mail": lambda d: f"{some(d, 5).lower()}.{some(d, 4).lower()}@firm-{d.randrange(99)}.co.uk",
    "phone number": lambda d: d.choice(
        [
            f"+49 {d.randrange(30, 99)} {d.randrange(1000000, 9999999)}",
            f"+1-{d.randrange(210, 989)}-{d.randrange(210, 989)}-{d.randrange(1000, 9999)}",
            f"({d.randrange(210, 989)}) {d.randrange(210, 989)}-{d.randrange(1000, 9999)}",
        ]
    ),
    "card number": card,
    "account number": account,
    "key": lambda d: d.choice(
        [
            f"sk-proj-{some(d, 40)}",
            f"AKIA{some(d, 16, string.ascii_uppercase + string.digits)}",
            f"ghp_{some(d, 36)}",
            f"xoxb-{some(d, 24)}",
            f"AIza{some(d, 35)}",
        ]
    ),
    "password": lambda d: f"password = {some(d, 6)}{d.randrange(10)}!{d.choice('aBc')}X9",
}


def test_precision_and_recall_on_planted_data() -> None:
    draw = random.Random(11)
    found = missed = wrong = 0
    for _ in range(200):
        for kind, make in MAKERS.items():
            before, after = draw.choice(SENTENCES), draw.choice(SENTENCES)
            private = make(draw)
            text = f"{before} It is {private} today. {after}"
            seen = find(text)
            at = text.index(private)
            right = [
                s for s in seen if s.kind == kind and at <= s.start and s.end <= at + len(private)
            ]
            found += bool(right)
            missed += not right
            wrong += len(seen) - len(right)
    recall, precision = found / (found + missed), found / (found + wrong)
    assert recall >= 0.99, recall
    assert precision >= 0.99, precision


@pytest.mark.parametrize("text", SENTENCES)
def test_what_is_public_is_let_pass(text: str) -> None:
    assert find(text) == []


@given(st.sampled_from(sorted(MAKERS)), st.integers(0, 10**9))
def test_nothing_private_is_left_after_redaction(kind: str, seed: int) -> None:
    private = MAKERS[kind](random.Random(seed))
    text, count = redact(f"Here: {private} and there.")
    assert count >= 1
    assert private.rpartition("= ")[2] not in text
    assert find(text) == []


@given(st.integers(0, 10**15), st.integers(0, 14))
def test_a_changed_digit_breaks_the_checksum_of_a_card(seed: int, place: int) -> None:
    digits = card(random.Random(seed)).replace(" ", "").replace("-", "")
    assert luhn(digits)
    place = 1 + place
    changed = str((int(digits[place]) + 1) % 10)
    assert not luhn(digits[:place] + changed + digits[place + 1 :])


def test_account_numbers_need_their_countrys_length_and_checksum() -> None:
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB82 WEST 1234 5698 7654 33")
    assert not iban("GB82 WEST 1234 5698 7654")
    assert not iban("XX82 WEST 1234 5698 7654 32")


def test_private_keys_and_connection_strings() -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpgIB\n-----END RSA PRIVATE KEY-----"
    assert redact(f"a\n{pem}\nb") == ("a\n[PRIVATE KEY]\nb", 1)
    assert redact("postgres://admin:s3cret@db/x")[0] == "postgres://admin:[PASSWORD]@db/x"


def test_values_keep_their_shape() -> None:
    value = {"messages": [{"content": "jo@firm.de", "weight": 1}], "n": None}
    redacted, count = redact_value(value)
    assert redacted == {"messages": [{"content": "[E-MAIL]", "weight": 1}], "n": None}
    assert count == 1
