from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, source_code
from groundtone.documents.source_code import read

SAMPLE = '''\
"""About cranes."""
import os


# The blue crane lifts four tons.
@cached
def lift(tons: int) -> None:
    """Lift é."""

    def inner():
        return tons


class Crane(Base):
    """A crane."""

    speed = 4

    def pull(self):
        return 1

    # Ropes last nine years.
    @property
    def ropes(self):
        return 2


print(lift(4))
'''


class TestSourceContract(ReaderContract):
    suffix = ".py"
    markers = (b"def a():\n", b"class A:\n  def b", b"#!/usr/bin/env python\n", b"'''")

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)

    def test_blocks_know_their_section(self, sample: Path) -> None:
        where = paths(read(sample, sample.read_bytes()))
        assert ("def lift",) in where


def parse(content: str, name: str = "file.py") -> Document:
    document = read(Path(name), content.encode())
    assert document.text == content
    check_document(document)
    return document


def paths(document: Document) -> list[tuple[str, ...]]:
    return [block.headings for block in document.blocks]


def cuts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


@pytest.fixture
def small_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes are taken apart however small they are."""
    monkeypatch.setattr(source_code, "_SMALL", 1)


@pytest.mark.usefixtures("small_scopes")
def test_one_block_a_definition_with_what_stands_above_it() -> None:
    document = parse(SAMPLE)
    assert document.title == "file.py"
    assert all(block.kind == "code" for block in document.blocks)
    assert paths(document) == [
        (),
        ("def lift",),
        ("class Crane",),
        ("class Crane", "def pull"),
        ("class Crane", "def ropes"),
        (),
    ]
    texts = cuts(document)
    assert texts[1].startswith("# The blue crane") and "def inner" in texts[1]
    assert texts[2] == 'class Crane(Base):\n    """A crane."""\n\n    speed = 4'
    assert texts[4].startswith("    # Ropes last") and texts[4].endswith("return 2")


def test_small_classes_stay_whole() -> None:
    assert paths(parse(SAMPLE))[2] == ("class Crane",)
    assert "def ropes" in cuts(parse(SAMPLE))[2]


@pytest.mark.usefixtures("small_scopes")
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "a.ts",
            "export class Foo<T> extends Bar {\n  async pull(a: string): Promise<void> {}\n}\n"
            "export const lift = async (q: number) => { return q; };\n"
            "interface Rope { a: string }\n",
            [("class Foo",), ("class Foo", "async pull"), ("const lift",), ("interface Rope",)],
        ),
        ("a.tsx", "function Box() { return <b>x</b>; }\n", [("function Box",)]),
        ("a.js", "class A { go() {} }\n", [("class A",), ("class A", "go")]),
        (
            "a.java",
            "/** Doc. */\npublic class Foo {\n  @Override\n  public String name() {}\n}\n",
            [("public class Foo",), ("public class Foo", "public String name")],
        ),
        (
            "a.go",
            "package a\n// Bar does.\nfunc (t *T) Bar(x int) { return }\ntype T struct{}\n",
            [(), ("func (t *T) Bar",), ("type T",)],
        ),
        (
            "a.rs",
            "/// Doc.\n#[derive(D)]\npub struct A { x: i32 }\nimpl D for A {\n  fn go() {}\n}\n",
            [("pub struct A",), ("impl D for A",), ("impl D for A", "fn go")],
        ),
        ("a.c", "static int *lift(int a) { return 0; }\n", [("static int *lift",)]),
        (
            "a.cpp",
            "namespace n {\ntemplate <typename T> T add(T x) {}\n}\nint A::g() { return 2; }\n",
            [("namespace n",), ("namespace n", "T add"), ("int A::g",)],
        ),
        (
            "a.cs",
            "class Foo {\n  [Old]\n  public void Go(int a) { }\n}\n",
            [("class Foo",), ("class Foo", "public void Go")],
        ),
        (
            "a.rb",
            "module M\n  class Foo\n    def go\n      1\n    end\n  end\nend\n",
            [("module M",), ("module M", "class Foo"), ("module M", "class Foo", "def go")],
        ),
        (
            "a.php",
            "<?php\nclass Foo { public function bar($a) { return 1; } }\n",
            [(), ("class Foo",), ("class Foo", "public function bar")],
        ),
        ("a.sh", "# greets\ngreet() { echo hi; }\ngreet\n", [("greet",), ()]),
        ("run", "#!/usr/bin/env python3\ndef go():\n    pass\n", [("def go",)]),
    ],
)
def test_languages(name: str, content: str, expected: list[tuple[str, ...]]) -> None:
    pytest.importorskip("tree_sitter")
    assert paths(parse(content, name)) == expected


def test_without_a_grammar_pieces_between_blank_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_code, "_parser", lambda *names: None)
    document = parse("def a():\n    pass\n\n\n    indented\n")
    assert cuts(document) == ["def a():\n    pass", "    indented"]
    assert document.notes == ()
    assert all(block.kind == "code" and not block.headings for block in document.blocks)


def test_an_unknown_language() -> None:
    assert cuts(parse("SELECT 1;\n\nSELECT 2;\n", "a.sql")) == ["SELECT 1;", "SELECT 2;"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "hostile",
    ["(" * 100_000, "class A:\n " * 5_000, "def f(): pass\n" * 3_000, "# c\n" * 50_000,
     "é" * 100_000, "{" * 50_000 + "}" * 50_000,
     "if a:\n" + "".join(" " * n + "if a:\n" for n in range(1, 400))],
)  # fmt: skip
def test_hostile_input_takes_no_time(hostile: str) -> None:
    parse(hostile)
    parse(hostile, "a.cpp")


PIECES = st.sampled_from(
    ["def a():\n    return 1\n", "class B:\n    x = 1\n\n    def c(self):\n        pass\n",
     "x = 1\n", "# note é\n", "\n", "@wrap\n", "if x:\n    def d(): pass\n", "}\n", "'''open\n",
     "async def e():\n"]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_all_code_is_in_some_block(content: str) -> None:
    kept = "".join(cuts(parse(content)))
    assert [sign for sign in kept if sign.isalnum()] == [sign for sign in content if sign.isalnum()]
