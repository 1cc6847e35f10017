"""Pages and their sources: what a page says and what is read of it are the same words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from contracts.reader import check_document
from groundtone.documents import read

DATA = Path(__file__).parents[3] / "shared" / "data"
WORD = re.compile(r"\w+")
RENDER = MarkdownIt("commonmark").enable("table").render
NAVIGATION = "".join(
    f"<li><a href='/{word}'>{word}</a></li>" for word in ("Xhome", "Xdocs", "Xblog", "Xabout")
)
# How documentation tools and sites set a page; every X… is boilerplate.
SITES = {
    "bare": "<html><body>{body}</body></html>",
    "sphinx": """<html><head><title>T — Xproject</title></head><body><div class="related"
        role="navigation"><h3>Xnavigation</h3><ul>{nav}</ul></div><div class="document">
        <div class="documentwrapper"><div class="body" role="main">{body}</div></div>
        <div class="sphinxsidebar" role="navigation"><h3>Xcontents</h3><ul>{nav}</ul>
        <div role="search"><form><input value="Xgo"><button>Xsearch</button></form></div></div>
        </div>
        <div class="footer">&copy;Xcopyright 2024. Xcreated using Xsphinx.</div></body></html>""",
    "mkdocs": """<html><head><title>T</title></head><body><header class="md-header"><nav>
        <a>Xproject</a><ul>{nav}</ul></nav></header><div class="md-container"><div
        class="md-sidebar md-sidebar--primary"><nav><ul>{nav}</ul></nav></div><main><article>{body}
        </article></main></div><footer class="md-footer"><nav><a>Xprevious</a><a>Xnext</a></nav>
        Xmade with Xmaterial</footer><script>var Xscript = 1;</script></body></html>""",
    "docusaurus": """<html><body><div role="region"><a href="#x" class="skipToContent">Xskip</a>
        </div><nav class="navbar"><ul>{nav}</ul></nav><div class="main-wrapper"><aside
        class="sidebar"><ul>{nav}</ul></aside><main><nav class="breadcrumbs"><ul>{nav}</ul></nav>
        <article><div class="markdown">{body}</div></article></main></div><footer>Xfooter words
        here</footer><div class="cookie-consent">Xcookies <button>Xaccept</button></div></body>
        </html>""",
    "blog": """<html><body><div id="masthead"><h2>Xblog</h2></div><div class="menu"><ul>{nav}</ul>
        </div><div id="content"><div class="post">{body}</div><div class="share">Xshare
        <a>Xtweet</a></div></div><div id="sidebar"><h4>Xrecent</h4><ul>{nav}</ul></div>
        <div id="footer">Xrights reserved</div></body></html>""",
    "docbook": """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html PUBLIC
        "-//W3C//DTD XHTML 1.0 Transitional//EN" "x.dtd"><html xmlns="http://www.w3.org/1999/xhtml">
        <head><title>T</title></head><body><div class="navheader"><table><tr><th>Xbook</th></tr>
        <tr><td><a>Xprev</a></td><td><a>Xnext</a></td></tr></table><hr/></div><div class="sect1">
        {body}</div><div class="navfooter"><hr/><a>Xprev</a><a>Xup</a></div></body></html>""",
}


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("em", "strong", "code", "a", "b", "i", "span"):
            self.text.append(" ")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def words(text: str) -> Counter[str]:
    return Counter(WORD.findall(text.lower()))


def shown(html: str) -> Counter[str]:
    """The words of a piece of HTML, by the standard library's own parser."""
    parser = _Shown()
    parser.feed(html)
    parser.close()
    return words("".join(parser.text))


def overlap(got: Counter[str], wanted: Counter[str]) -> tuple[float, float]:
    """(recall, precision)"""
    both = (got & wanted).total()
    return both / max(1, wanted.total()), both / max(1, got.total())


WORDS = st.sampled_from(
    [
        "crane",
        "rope",
        "lifts",
        "four",
        "tons",
        "daily",
        "steel",
        "inspect",
        "oil",
        "blue",
        "nine",
        "years",
    ]
)
TEXT = st.lists(WORDS, min_size=5, max_size=25).map(" ".join)
PIECES = st.one_of(
    TEXT.map(lambda text: text.capitalize() + "."),
    TEXT.map(lambda text: f"Use `{text[:5]}` and **{text[-4:]}** or [{text}](https://x.example)."),
    st.lists(TEXT, min_size=1, max_size=5).map(lambda items: "\n".join(f"- {i}" for i in items)),
    st.lists(TEXT, min_size=1, max_size=5).map(lambda items: "\n".join(f"1. {i}" for i in items)),
    TEXT.map(lambda text: f"```\n{text}\n    {text}\n```"),
    TEXT.map(lambda text: f"> {text}"),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6).map(
        lambda rows: (
            "| part | made of |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)
        )
    ),
)


@st.composite
def manuals(draw: st.DrawFn) -> str:
    """Markdown of a page with sections."""
    parts = [f"# {draw(TEXT)}"]
    for _ in range(draw(st.integers(1, 4))):
        parts.append(f"## {draw(TEXT)}")
        parts.extend(draw(st.lists(PIECES, min_size=3, max_size=5)))
    return "\n\n".join(parts)


@pytest.mark.parametrize("site", SITES)
@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(manual=manuals())
def test_a_page_says_what_its_markdown_says(
    tmp_path_factory: pytest.TempPathFactory, site: str, manual: str
) -> None:
    body = RENDER(manual)
    path = tmp_path_factory.getbasetemp() / "page.html"
    path.write_text(SITES[site].format(body=body, nav=NAVIGATION))
    document = read(path)
    check_document(document)
    recall, precision = overlap(without_numbers(document.text), shown(body))
    assert recall >= 0.98
    assert precision >= 0.98
    # Sections and tables are the same too.
    source = path.with_suffix(".md")
    source.write_text(manual)
    twin = read(source)
    for kind in ("heading", "table", "code"):
        assert kinds(document, kind) == kinds(twin, kind)


def without_numbers(text: str) -> Counter[str]:
    """Words without the numbers of list items, which the browser makes."""
    return words(re.sub(r"(?m)^\s*\d+\. ", "", text))


def kinds(document: object, kind: str) -> list[tuple[str, ...]]:
    return [block.headings for block in document.blocks if block.kind == kind]  # type: ignore[attr-defined]


RST = """
Cranes
======

The *blue* crane lifts **four** tons. See ``lift()`` and the manual.

.. note::

   Ropes last nine years.

Parts
-----

============  =======
Part          Made of
============  =======
rope          steel
hook          iron
============  =======

- inspect daily
- oil weekly

  - with care

.. code-block:: python

   crane = Crane("blue")
   crane.lift(tons=4)

Calls
-----

.. py:function:: lift(tons, slowly=True)

   Lift a load of at most four tons.

   :param tons: the load

term
   what it means
"""
SPHINX = """<section id="cranes"><h1>Cranes<a class="headerlink" href="#cranes"
title="Link to this heading">¶</a></h1><p>The <em>blue</em> crane lifts <strong>four</strong> tons.
See <code class="docutils literal notranslate"><span class="pre">lift()</span></code> and the
manual.</p><div class="admonition note"><p class="admonition-title">Note</p><p>Ropes last nine
years.</p></div><section id="parts"><h2>Parts<a class="headerlink" href="#parts">¶</a></h2>
<table class="docutils align-default"><colgroup><col style="width: 63%"/></colgroup><thead>
<tr class="row-odd"><th class="head"><p>Part</p></th><th class="head"><p>Made of</p></th></tr>
</thead><tbody><tr class="row-even"><td><p>rope</p></td><td><p>steel</p></td></tr>
<tr class="row-odd"><td><p>hook</p></td><td><p>iron</p></td></tr></tbody></table>
<ul class="simple"><li><p>inspect daily</p></li><li><p>oil weekly</p>
<ul><li><p>with care</p></li></ul></li></ul>
<div class="highlight-python notranslate"><div class="highlight"><pre><span></span><span
class="n">crane</span> <span class="o">=</span> <span class="n">Crane</span><span class="p"
>(</span><span class="s2">&quot;blue&quot;</span><span class="p">)</span>
<span class="n">crane</span><span class="o">.</span><span class="n">lift</span><span class="p"
>(</span><span class="n">tons</span><span class="o">=</span><span class="mi">4</span><span class="p"
>)</span>
</pre></div></div></section><section id="calls"><h2>Calls<a class="headerlink" href="#calls">¶</a>
</h2><dl class="py function"><dt class="sig sig-object py" id="lift">
<span class="sig-name descname"><span class="pre">lift</span></span><span class="sig-paren">(</span>
<em class="sig-param"><span class="n"><span class="pre">tons</span></span></em>,
<em class="sig-param"><span class="n"><span class="pre">slowly</span></span>
<span class="o"><span class="pre">=</span></span><span class="default_value"><span
class="pre">True</span></span></em><span class="sig-paren">)</span><a
class="reference internal" href="_modules/crane.html#lift"><span class="viewcode-link">
<span class="pre">[source]</span></span>
</a><a class="headerlink" href="#lift">¶</a></dt><dd><p>Lift a load of at most four tons.</p><dl
class="field-list simple"><dt class="field-odd">Parameters<span class="colon">:</span></dt><dd
class="field-odd"><p><strong>tons</strong> – the load</p></dd></dl></dd></dl><dl class="simple
glossary"><dt>term</dt><dd><p>what it means</p></dd></dl></section></section>"""


def test_a_page_by_sphinx_says_what_its_source_says(tmp_path: Path) -> None:
    page, source = tmp_path / "cranes.html", tmp_path / "cranes.rst"
    page.write_text(SITES["sphinx"].format(body=SPHINX, nav=NAVIGATION))
    source.write_text(RST)
    document, twin = read(page), read(source)
    check_document(document)
    # What Sphinx itself adds, and what is markup in the source only.
    got = words(document.text) - words("Note Parameters")
    wanted = words(twin.text) - words("note code block python py function param")
    assert overlap(got, wanted) == (1.0, 1.0)
    for kind in ("heading", "table", "code"):
        assert kinds(document, kind) == kinds(twin, kind)
    code = next(block for block in document.blocks if block.kind == "code")
    assert document.text[code.start : code.end] == 'crane = Crane("blue")\ncrane.lift(tons=4)'
    table = next(block for block in document.blocks if block.kind == "table")
    assert table.header is not None
    assert document.text[slice(*table.header)] == "Part | Made of"


def _markdown_pages() -> Iterator[Path]:
    for folder in ("aws_docs", "k8s_docs"):
        yield from sorted((DATA / folder).rglob("*.md"))[::60]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the collections at {DATA}")
def test_real_markdown_set_as_pages(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    total: dict[str, list[int]] = {site: [0, 0, 0] for site in SITES}
    for number, source in enumerate(_markdown_pages()):
        site = list(SITES)[number % len(SITES)]
        body = RENDER(re.sub(r"\A---\n.*?\n---\n", "", source.read_text("utf-8"), flags=re.DOTALL))
        path.write_text(SITES[site].replace("{body}", body).replace("{nav}", NAVIGATION))
        wanted = shown(body)
        if wanted.total() < 100:
            continue
        got = without_numbers(read(path).text)
        for place, count in enumerate(((got & wanted).total(), wanted.total(), got.total())):
            total[site][place] += count
    for site, (both, wanted_words, got_words) in total.items():
        assert both / wanted_words >= 0.98, site
        assert both / got_words >= 0.98, site


TWINS = DATA / "hard_files" / "files" / "language-docs"


@pytest.mark.skipif(not TWINS.is_dir(), reason=f"needs the collection of hard files at {DATA}")
@pytest.mark.parametrize(
    "suffix",
    [".html", ".md", ".rst", ".org", ".docx", ".doc", ".odt", ".pptx", ".ppt", ".epub", ".eml"],
)
def test_one_text_in_many_formats(suffix: str) -> None:
    wanted = words((TWINS / "eng_spa_mult.txt").read_text("utf-8"))
    recall, precision = overlap(words(read(TWINS / f"eng_spa_mult{suffix}").text), wanted)
    assert recall >= 0.98
    # Slides say the number of each, a mail who wrote it and when.
    assert precision >= (0.95 if suffix in (".pptx", ".ppt", ".eml") else 0.98)


class _Manual(HTMLParser):
    """The text of a page of the PostgreSQL manual without its navigation."""

    EMPTY = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta"))
    OUTSIDE = frozenset(("navheader", "navfooter", "toc"))

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text.append(" ")
        if tag not in self.EMPTY:
            classes = (dict(attrs).get("class") or "").split()
            outside = tag in ("head", "script") or not self.OUTSIDE.isdisjoint(classes)
            self.open.append((tag, outside))

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.text.append(" " if tag in ("br", "hr", "p") else "")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(outside for _, outside in self.open):
            self.text.append(data)


POSTGRES = DATA / "postgres_html" / "html"


@pytest.mark.skipif(not POSTGRES.is_dir(), reason=f"needs the manual at {POSTGRES}")
def test_the_pages_of_a_real_manual() -> None:
    both = wanted_words = got_words = 0
    for path in sorted(POSTGRES.glob("*.html"))[::24]:
        parser = _Manual()
        parser.feed(path.read_text("utf-8"))
        wanted = words("".join(parser.text))
        if wanted.total() < 150:
            continue  # hardly more than a table of contents
        got = words(read(path).text)
        both += (got & wanted).total()
        wanted_words += wanted.total()
        got_words += got.total()
    assert both / wanted_words >= 0.99
    assert both / got_words >= 0.98
