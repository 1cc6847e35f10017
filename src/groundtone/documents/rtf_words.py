"""The words of Rich Text Format that matter for its text, and its character sets."""

from __future__ import annotations

# Code page by the number of a font's character set; 0 and 1 are the document's own.
CHARSETS = {
    77: "mac-roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
SYMBOL = 2
BULLET = b"\xb7"  # in the font Symbol
SIGNS = {
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "zwj": "\u200d",
    "zwnj": "\u200c",
}
ESCAPED = {b"~": "\u00a0", b"_": "‑", b"\\": "\\", b"{": "{", b"}": "}", b"-": "", b":": ""}


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Groups that hold no text of the document.
PASSED_OVER = _names(
    "colortbl pict objdata header headerl headerr headerf footer footerl footerr footerf"
    " ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn fldinst xe tc rxe nonshppict shprslt upr"
    " mmathPict mmathPr datafield formfield filetbl listtable listoverridetable revtbl"
    " rsidtbl generator nonesttables sp sn sv private themedata panose falt"
)
# Marked as to be ignored by whoever does not know them, yet with text.
TEXT_THOUGH_STARRED = frozenset(("shpinst", "shptxt", "moMath", "moMathPara", "result"))
OF_THEIR_OWN = frozenset(("fonttbl", "stylesheet", "info", "footnote", "listtext", "pntext"))
PROPERTIES = frozenset(("title", "author", "subject", "keywords", "doccomm", "category"))
NO_TEXT = ("fonttbl", "info")
_CHANGES = _names(
    "ansicpg mac pc pca deff fcharset f uc v deleted htmlrtf b plain pard s outlinelevel"
    " intbl ilvl bin"
)
GIVEN = _names(
    "par sect page column cell row trowd trhdr cellx clmrg clvmrg nestcell nestrow outlinelevel"
)
# Most words are about looks: they are passed over as quickly as can be.
KNOWN = frozenset(
    name.encode()
    for name in (*SIGNS, *PASSED_OVER, *OF_THEIR_OWN, *PROPERTIES, *_CHANGES, *GIVEN, "ud")
)
