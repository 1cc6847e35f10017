"""What is worth a look in a file of examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundtone.tuning.elsewhere import elsewhere, openai_epochs
from groundtone.tuning.examples import load
from groundtone.tuning.inspecting import differ, inspect, refuses
from groundtone.tuning.language import language_of
from groundtone.tuning.learning import estimate

PARTS = [
    "wheel",
    "saddle",
    "chain",
    "pedal",
    "frame",
    "brake",
    "lamp",
    "bell",
    "basket",
    "mirror",
    "rack",
    "lock",
    "tyre",
    "rim",
]


def row(question: str, answer: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


BASE = [row(f"How do I clean the {part}?", f"Wipe the {part} with a dry cloth.") for part in PARTS]


def kinds(folder: Path, rows: list[Any], **options: Any) -> list[tuple[int, str]]:
    path = folder / "examples.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    faults, warnings = inspect(load(path), **options)
    found = [*faults, *warnings]
    assert all(each.remedy for each in found)
    return [(each.line, each.kind) for each in found]


def test_a_clean_file_has_nothing_to_look_at(tmp_path: Path) -> None:
    assert kinds(tmp_path, BASE) == []


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        (row("how can I clean the wheel", "Wipe the wheel with a dry cloth."), "near duplicate"),
        (row("how can I clean the wheel", "Never wipe the wheel."), "contradiction"),
        (row("Whom do I ask?", "Ask jo.smith@firm.de about it."), "personal data"),
        (row("How do I pay?", "Use the card 4111 1111 1111 1111."), "secret"),
        (
            row("How do I oil it?", "Das ist nicht schwer und wird mit dem Tuch gemacht."),
            "language",
        ),
        (row("How do I sell it?", "Put " + "an old advertisement " * 20 + "up."), "length"),
        (row("How do I ride it?", "Sure! Sit down and push."), "style"),
        (row("How do I mend it?", "- Take it off\n- Mend it"), "style"),
    ],
)
def test_each_oddity_is_named(tmp_path: Path, extra: dict[str, Any], kind: str) -> None:
    assert (len(BASE) + 1, kind) in kinds(tmp_path, [*BASE, extra])


def test_a_declared_style_is_held_against_every_answer(tmp_path: Path) -> None:
    found = kinds(tmp_path, BASE, breaks=lambda answer, _: ["no"] if "rim" in answer else [])
    assert found == [(len(BASE), "style")]


def test_near_questions_of_held_out_files_are_leaks(tmp_path: Path) -> None:
    held = tmp_path / "questions.jsonl"
    held.write_text(json.dumps({"question": "How would I clean a chain?"}) + "\n", "utf-8")
    assert kinds(tmp_path, BASE, held_out=[held]) == [(3, "near leak")]


def test_too_many_refusals(tmp_path: Path) -> None:
    refusals = [row(f"Who invented the {part}?", "The manual does not say.") for part in PARTS]
    assert (0, "refusals") in kinds(tmp_path, [*BASE, *refusals])
    assert (0, "refusals") not in kinds(tmp_path, [*BASE, *refusals[:3]])


def test_refusals_are_known_by_words_or_declaration() -> None:
    assert refuses("I'm sorry, I cannot help with that.")
    assert refuses("Nope.", "nope")
    assert not refuses("The manual says how.")


def test_answers_contradict_by_figures_negation_or_words() -> None:
    assert "figures" in differ("It takes 3 days.", "It takes 5 days.")
    assert "negation" in differ("Guests can see boards.", "Guests cannot see boards.")
    assert differ("Wipe the wheel dry.", "Wipe the wheel until it is dry.") == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I reset the password of my account if I lost it?", "en"),
        ("Wie setze ich das Passwort zurück, wenn ich es nicht mehr weiß?", "de"),
        ("Comment est-ce que je peux changer le mot de passe de mon compte ?", "fr"),
        ("¿Cómo puedo cambiar la contraseña de mi cuenta si no la recuerdo?", "es"),
        ("Как сбросить пароль?", "ru"),
        ("パスワードをリセットするにはどうすればいいですか", "ja"),
        ("如何重置我的密码？", "zh"),
        ("It must match [a-z0-9]{6}\\.[a-z0-9]{16}.", ""),
        ("", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert language_of(text) == language


def test_more_of_the_same_is_told_not_to_help(tmp_path: Path) -> None:
    path = tmp_path / "same.jsonl"
    rows = [row(f"How do I clean part {n}?", f"Wipe part {n} with a dry cloth.") for n in range(80)]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    found = load(path)
    curve = estimate(found.rows)
    assert curve is not None and "no new forms" in curve.hint
    assert estimate(found.rows) == curve
    assert estimate(found.rows[:20]) is None


def test_the_price_elsewhere_counts_every_epoch(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in BASE), "utf-8")
    lines = load(path).lines.values()
    (tmp_path / "prices.toml").write_text(
        '[[price]]\nprovider = "p"\nmodel = "ft:tiny"\ninput = 1\noutput = 1\ntraining = 1000\n'
        'source = "us"\ndate = 2026-01-01\n',
        "utf-8",
    )
    one, three = (elsewhere(lines, epochs=n, workspace=tmp_path) for n in (1, 3))
    assert three.tokens == 3 * one.tokens > 0
    price = next(offer for offer in three.offers if offer.model == "ft:tiny")
    assert price.usd == pytest.approx(three.tokens / 1000)
    assert openai_epochs(len(BASE)) == 8
