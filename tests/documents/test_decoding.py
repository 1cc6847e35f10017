"""Text in the encodings people have, found without a declaration."""

from __future__ import annotations

import random

import pytest

from groundtone.documents.decoding import NotText, decode

TEXTS = {
    "English": "The crane’s rope – as “old” as it is – lasts. ",
    "German": "Die Kräne heben über vierzig Tonnen, die Seile hält man trocken. Größe prüfen. ",
    "French": "L'été était très chaud à Genève, où l'on a goûté du café et des gâteaux. ",
    "Spanish": "¿Qué pasó mañana? El niño comió pingüinos y cigüeñas en España. ",
    "Icelandic": "Blái kraninn lyftir fjórum tonnum, það þarf að skoða reipin ýmist daglega. ",
    "Polish": "Zażółć gęślą jaźń, a potem wróć do łódki na jeziorze. ",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy, řeka teče pomalu. ",
    "Turkish": "Mavi vinç dört ton kaldırır, halatlar dokuz yıl dayanır, şöyle böyle. ",
    "Russian": "Синий кран поднимает четыре тонны, канаты служат девять лет. Проверяйте их. ",
    "Ukrainian": "Синій кран піднімає чотири тонни, їх перевіряють щодня. ",
    "Greek": "Ο μπλε γερανός σηκώνει τέσσερις τόνους, τα σχοινιά αντέχουν εννέα χρόνια. ",
    "Hebrew": "המנוף הכחול מרים ארבעה טון, החבלים מחזיקים תשע שנים. ",
    "Arabic": "الرافعة الزرقاء ترفع أربعة أطنان، والحبال تدوم تسع سنوات. ",
    "Japanese": "青いクレーンは四トンを持ち上げます。ロープは九年もちます。毎日点検してください。",
    "Chinese": "蓝色起重机可以吊起四吨重物，绳索可以使用九年。请每天检查一次。",
    "Taiwanese": "藍色起重機可以吊起四噸重物，繩索可以使用九年。請每天檢查一次。",
    "Korean": "파란 크레인은 4톤을 들어 올리고 로프는 9년 동안 사용합니다. 매일 점검하십시오. ",
}
NARROW = {
    "cp1252": ("English", "German", "French", "Spanish", "Icelandic"),
    "latin_1": ("German", "French", "Spanish"),
    "cp1250": ("Polish", "Czech"),
    "iso8859_2": ("Polish", "Czech"),
    "cp1254": ("Turkish",),
    "mac_roman": ("German", "French"),
    "cp850": ("German",),
    "cp1251": ("Russian", "Ukrainian"),
    "koi8_r": ("Russian",),
    "koi8_u": ("Ukrainian",),
    "iso8859_5": ("Russian",),
    "cp866": ("Russian",),
    "cp1253": ("Greek",),
    "iso8859_7": ("Greek",),
    "cp1255": ("Hebrew",),
    "iso8859_8": ("Hebrew",),
    "cp1256": ("Arabic",),
    "shift_jis": ("Japanese",),
    "euc_jp": ("Japanese",),
    "iso2022_jp": ("Japanese",),
    "gb18030": ("Chinese",),
    "big5": ("Taiwanese",),
    "euc_kr": ("Korean",),
}


@pytest.mark.parametrize(
    ("encoding", "language"),
    [(encoding, language) for encoding, languages in NARROW.items() for language in languages],
)
def test_one_and_two_byte_encodings(encoding: str, language: str) -> None:
    for times in (1, 20):
        text = TEXTS[language] * times
        found, notes = decode(text.encode(encoding))
        assert found == text
        assert "read as" in notes[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("language", TEXTS)
def test_wide_encodings_without_a_mark(encoding: str, language: str) -> None:
    for times in (1, 20):
        text = TEXTS[language] * times
        assert decode(text.encode(encoding)) == (
            text,
            (f"read as {encoding} (no byte order mark)",),
        )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_encodings_with_a_mark(encoding: str) -> None:
    text, notes = decode(TEXTS["Japanese"].encode(encoding))
    assert text == TEXTS["Japanese"]
    assert notes == (f"read as {encoding}-le",)


@pytest.mark.parametrize(
    ("declared", "encoding", "language"),
    [
        ("ISO-8859-1", "latin_1", "German"),
        ("ISO-8859-1", "cp1252", "English"),
        ("iso-8859-8-i", "iso8859_8", "Hebrew"),
        ("utf-7", "utf-7", "German"),
        ("windows-31j", "cp932", "Japanese"),
        ("no-such-thing", "utf-8", "Greek"),
        ("latin-1", "utf-8", "Greek"),  # what is valid UTF-8 is UTF-8
    ],
)
def test_declared_encodings_need_no_note(declared: str, encoding: str, language: str) -> None:
    assert decode(TEXTS[language].encode(encoding), declared) == (TEXTS[language], ())


def test_random_bytes_are_not_text() -> None:
    source = random.Random(7)
    for size in (200, 1_000, 5_000):
        for _ in range(50):
            with pytest.raises(NotText):
                decode(source.randbytes(size))


@pytest.mark.parametrize(
    "data", [bytes(1_000), bytes(range(256)) * 10, b"\1\2\3\4" * 99, b"\0A" * 9 + b"\0\1"]
)
def test_binary_is_not_text(data: bytes) -> None:
    with pytest.raises(NotText, match="binary"):
        decode(data)
