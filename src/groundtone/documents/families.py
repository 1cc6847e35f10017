"""The families of formats: which module reads which file name endings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One family.

    Attributes:
        module: the reader, a module of ``groundtone.documents``.
        label: what a person calls it.
        suffixes: name endings in lower case, between spaces.
    """

    module: str
    label: str
    suffixes: str


_ALL = (
    Family("pdf", "PDF", ".pdf"),
    Family("docx", "DOCX", ".docx .docm .dotx .dotm"),
    Family("pptx", "PPTX", ".pptx .pptm .ppsx .ppsm .potx"),
    Family("xlsx", "XLSX", ".xlsx .xlsm .xltx .xltm"),
    Family("opendocument", "OpenDocument", ".odt .ott .ods .ots .odp .otp"),
    Family("rtf", "RTF", ".rtf"),
    Family("csv_rows", "CSV", ".csv .tsv .tab"),
    Family("json_values", "JSON", ".json .jsonl .ndjson"),
    Family("html", "HTML", ".html .htm .xhtml"),
    Family("markdown", "Markdown", ".md .markdown .mdown .mkd .mdx"),
    Family("restructured", "reStructuredText", ".rst .rest"),
    Family("asciidoc", "AsciiDoc", ".adoc .asciidoc"),
    Family(
        "source_code",
        "source code",
        ".py .pyi .pyw .js .mjs .cjs .jsx .ts .mts .cts .tsx .java .kt .scala .c .h .cc .cpp .cxx"
        " .hh .hpp .hxx .cs .go .rs .rb .rake .gemspec .php .swift .lua .pl .r .jl .sh .bash .sql",
    ),
    Family("text", "text", ".txt .text"),
    Family("mail", "mail", ".eml"),
    Family("outlook", "Outlook message", ".msg"),
    Family("mbox", "mailbox", ".mbox .mbx"),
    Family("epub", "EPUB", ".epub"),
    Family("zip_archive", "zip archive", ".zip"),
    Family("tar_archive", "tar archive", ".tar .tgz .tbz .tbz2 .txz .gz .bz2 .xz"),
)
FAMILIES: dict[str, Family] = {family.module: family for family in _ALL}
BY_SUFFIX: dict[str, str] = {
    suffix: family.module for family in FAMILIES.values() for suffix in family.suffixes.split()
}
BY_TYPE: dict[str, str] = {
    "text/plain": "text",
    "text/markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/csv": "csv_rows",
    "text/tab-separated-values": "csv_rows",
    "application/json": "json_values",
    "application/x-ndjson": "json_values",
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/vnd.ms-outlook": "outlook",
    "application/mbox": "mbox",
    "message/rfc822": "mail",
    "message/global": "mail",
    "text/x-rst": "restructured",
    "text/asciidoc": "asciidoc",
}
"""Media types that stand for a family; zip-based ones are told by their content."""
