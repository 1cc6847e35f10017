"""Which part of an HTML page is its content, decided in one pass over its elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode


def names(text: str) -> frozenset[str]:
    """A set of words."""
    return frozenset(text.split())


UNSEEN = names(
    "head script style noscript template svg iframe object canvas audio video button input select"
    " textarea dialog datalist map area link meta title rt rp"
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ASIDES = names("header footer aside")
_BOUNDARIES = _ASIDES | {"nav"}
_NAVIGATION_ROLES = names("navigation banner contentinfo search dialog alertdialog")
# Words in a class or id that mark what is not content: anywhere, and outside the main element.
_NEVER_CONTENT = names(
    "cookie cookies consent gdpr navbar navheader navfooter breadcrumb breadcrumbs pagination pager"
    " headerlink viewcode linenos lineno linenodiv gutter"
)
_SELDOM_CONTENT = names(
    "nav navigation menu sidebar footer masthead skip skiplink share social newsletter advert ads"
    " related"
)
_WORDS = re.compile(r"[a-z0-9]+")
_HIDING = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)


class Page:
    """A parsed page.

    Attributes:
        dropped: ids (``mem_id``) of elements that are not content.
        body: the ``body`` element.
        content: the element to read, ``body`` or its main part.
    """

    def __init__(self, root: LexborNode | None) -> None:
        self.dropped: set[int] = set()
        self._hidden: set[int] = set()
        self.body = root
        self.content = root
        if root is None:
            return
        nodes: list[LexborNode] = []
        parents: list[int] = []
        lengths: list[int] = []
        in_main: list[bool] = []
        todo = [(root, -1, False)]
        while todo:
            node, parent, inside = todo.pop()
            index = len(nodes)
            inside = inside or node.tag in ("main", "article")
            nodes.append(node)
            parents.append(parent)
            in_main.append(inside)
            tag = node.tag or ""
            lengths.append(len((node.text_content or "").strip()) if tag == "-text" else 0)
            if tag not in UNSEEN:
                todo.extend((child, index, inside) for child in children(node))
        # The heading that an element begins with, or holds.
        heading = [index if node.tag in HEADINGS else 0 for index, node in enumerate(nodes)]
        for index in range(len(nodes) - 1, 0, -1):
            lengths[parents[index]] += lengths[index]
            heading[parents[index]] = heading[parents[index]] or heading[index]
        whole = lengths[0]
        mains: list[int] = []
        articles: list[int] = []
        tables_of_contents: list[int] = []
        for index, node in enumerate(nodes):
            tag = node.tag or ""
            if tag.startswith("-"):
                continue
            attributes = node.attributes
            role = (attributes.get("role") or "").lower()
            if tag == "body":
                self.body = self.content = node
            elif "hidden" in attributes or _HIDING.search(attributes.get("style") or ""):
                self._hidden.add(node.mem_id)
                continue
            if tag == "main" or role == "main":
                mains.append(index)
                continue
            if tag == "article":
                articles.append(index)
                continue
            if tag in ("body", "html") or tag in HEADINGS:
                continue
            if not attributes and tag not in _BOUNDARIES:
                continue
            marks = (attributes.get("class") or "").lower().split()
            # Themes put their initials before: "md-sidebar". Ids name what a section is about.
            leading = [_WORDS.findall(mark)[:2] for mark in marks]
            identifier = (attributes.get("id") or "").lower()
            if identifier and not (
                heading[index] and _names_its_section(identifier, nodes[heading[index]])
            ):
                marks.append(identifier)
                leading.append(_WORDS.findall(identifier)[:1])
            words = [_WORDS.findall(mark) for mark in marks]
            if any("toc" in word for word in words) and tag != "a":
                tables_of_contents.append(index)
            # On a short page, what is called nothing but "footer" may be most of the text.
            plainly = any(mark in _SELDOM_CONTENT for mark in marks)
            small = lengths[index] <= (0.6 if plainly else 0.4) * whole
            outside = small and not in_main[index]
            if (
                tag == "nav"
                or role in _NAVIGATION_ROLES
                or (outside and tag in _ASIDES)
                or (outside and any(map(_SELDOM_CONTENT.intersection, leading)))
                or (small and any(map(_NEVER_CONTENT.intersection, words)))
            ):
                self.dropped.add(node.mem_id)
        self.dropped |= self._hidden
        listed = sum(lengths[index] for index in tables_of_contents)
        if listed * 4 < whole:
            # Beside the text itself, a list of its headings is only noise to a search.
            self.dropped.update(nodes[index].mem_id for index in tables_of_contents)
        for index in mains or (articles if len(articles) == 1 else []):
            if lengths[index] >= 0.3 * whole and nodes[index].mem_id not in self.dropped:
                self.content = nodes[index]
                break

    def show_all(self, *, hidden: bool = False) -> None:
        """Take everything for content, what browsers hide only where asked."""
        self.dropped = set() if hidden else set(self._hidden)
        self.content = self.body


def children(node: LexborNode) -> list[LexborNode]:
    """Child nodes, text included."""
    return list(node.iter(include_text=True))


def _names_its_section(identifier: str, heading: LexborNode) -> bool:
    """Whether an id such as "pagination" stands for a section with that heading."""
    title = heading.text()[:500].lower()
    return all(word in title for word in _WORDS.findall(identifier))


# What a page may say about itself: our key, and the meta elements' names, the best first.
_META = {
    "description": ("description", "og:description", "dc.description", "dcterms.description"),
    "author": ("author", "article:author", "dc.creator", "dcterms.creator"),
    "date": ("article:published_time", "date", "dc.date", "dcterms.date", "pubdate", "created"),
    "modified": ("article:modified_time", "og:updated_time", "last-modified", "dcterms.modified"),
    "keywords": ("keywords",),
    "language": ("content-language", "dc.language"),
}
_LONGEST = 1_000


def described(tree: LexborHTMLParser) -> dict[str, str]:
    """Description, author, date, modified, keywords and language, as far as a page says."""
    said: dict[str, str] = {}
    for meta in tree.css("meta"):
        attributes = meta.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("http-equiv")
        content = " ".join((attributes.get("content") or "").split())[:_LONGEST]
        if name and content:
            said.setdefault(name.lower(), content)
    found = {}
    for key, known in _META.items():
        value = next((said[name] for name in known if name in said), "")
        if value:
            found[key] = value
    for html in tree.css("html"):
        language = html.attributes.get("lang") or html.attributes.get("xml:lang") or ""
        if language.strip():
            found["language"] = language.strip()[:40]
    return found
