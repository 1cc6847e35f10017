"""Web pages: the page's own content, without navigation, banners and scripts."""

from __future__ import annotations

from pathlib import Path

from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.hypertext import decode_markup, parse


def read(path: Path, data: bytes) -> Document:
    """Read an HTML page.

    Content is the ``main`` element (or the only ``article``) when it holds most of the text, else
    the body, without navigation, page headers and footers, cookie banners, forms' controls and
    scripts. The title is the only ``h1``, else the ``title`` element, else the first heading. The
    canonical text is made here: blocks with one blank line between them. Nothing a page refers to
    is fetched.
    """
    text, notes = decode_markup(data)
    hypertext = parse(text)
    composer = Composer()
    hypertext.add_to(composer)
    title = hypertext.title or composer.first_heading or path.stem
    return composer.document(title, "text/html", notes, hypertext.metadata)
