"""Make the PDF and DOCX files of the example manual from ``examples/source/*.md``.

The sources use a small part of Markdown: ``#`` headings, paragraphs, ``-`` lists, ``1.`` lists and
pipe tables. The outputs are deterministic: two runs write the same bytes, so the files can be kept
in version control. Run it from anywhere::

    python examples/make_manual.py            # writes to examples/manual/
    python examples/make_manual.py --out DIR  # writes somewhere else
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
MANUAL = HERE / "manual"

#: Which source becomes which kind of file.
OUTPUTS: dict[str, str] = {
    "installation-guide": "pdf",
    "security-guide": "pdf",
    "billing-and-plans-guide": "docx",
    "asset-and-booking-guide": "docx",
}

FIXED_DATE = dt.datetime(2025, 1, 1, 0, 0, 0)
AUTHOR = "The Brindledesk documentation team"


@dataclass
class Block:
    """One block of a source: a heading, a paragraph, a list or a table."""

    kind: str  # "h1", "h2", "h3", "p", "ul", "ol" or "table"
    text: str = ""
    items: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _paragraph(lines: list[str]) -> Block:
    """Tell what a group of lines without an empty line between them is."""
    first = lines[0]
    if first.startswith("|"):
        rows = [_cells(line) for line in lines if not re.fullmatch(r"[|\s:-]+", line)]
        return Block("table", rows=rows)
    if all(line.startswith("- ") for line in lines):
        return Block("ul", items=[line[2:].strip() for line in lines])
    if all(re.match(r"\d+\. ", line) for line in lines):
        return Block("ol", items=[line.split(". ", 1)[1].strip() for line in lines])
    return Block("p", text=" ".join(line.strip() for line in lines))


def parse(markdown: str) -> list[Block]:
    """Split a source into blocks."""
    blocks: list[Block] = []
    group: list[str] = []

    def close() -> None:
        if group:
            blocks.append(_paragraph(group))
            group.clear()

    for line in markdown.splitlines():
        heading = re.match(r"(#{1,3}) (.+)", line)
        if heading:
            close()
            blocks.append(Block(f"h{len(heading[1])}", text=heading[2].strip()))
        elif line.strip():
            group.append(line)
        else:
            close()
    close()
    return blocks


def title_of(blocks: list[Block]) -> str:
    """The document title: the text of the first top heading."""
    for block in blocks:
        if block.kind == "h1":
            return block.text
    raise ValueError("the source has no title line ('# ...')")


def pdf_bytes(blocks: list[Block]) -> bytes:
    """Set the blocks as a PDF with a text layer; headings differ by font size."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.platypus import (
        ListFlowable,
        ListItem,
        Paragraph,
        SimpleDocTemplate,
        Spacer,
        Table,
        TableStyle,
    )

    title = title_of(blocks)
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=6)
    bold = "Helvetica-Bold"
    styles = {
        "h1": ParagraphStyle("h1", fontName=bold, fontSize=22, leading=28, spaceAfter=12),
        "h2": ParagraphStyle(
            "h2",
            fontName=bold,
            fontSize=16,
            leading=20,
            spaceBefore=14,
            spaceAfter=6,
            keepWithNext=1,
        ),
        "h3": ParagraphStyle(
            "h3",
            fontName=bold,
            fontSize=13,
            leading=17,
            spaceBefore=10,
            spaceAfter=4,
            keepWithNext=1,
        ),
        "p": body,
    }
    head = ParagraphStyle("head", parent=body, fontName=bold, spaceAfter=0)
    cell = ParagraphStyle("cell", parent=body, spaceAfter=0)
    grid = TableStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    width = A5[0] - 36 * mm - 12
    story: list[Any] = []
    for block in blocks:
        if block.kind in styles:
            story.append(Paragraph(escape(block.text), styles[block.kind]))
        elif block.kind in ("ul", "ol"):
            entries = [ListItem(Paragraph(escape(item), cell)) for item in block.items]
            look: dict[str, Any] = (
                {"bulletType": "1", "bulletFormat": "%s."}
                if block.kind == "ol"
                else {"bulletType": "bullet", "start": "\u2022"}
            )
            story += [ListFlowable(entries, leftIndent=16, **look), Spacer(1, 6)]
        else:
            data = [
                [Paragraph(escape(text), head if number == 0 else cell) for text in row]
                for number, row in enumerate(block.rows)
            ]
            columns = len(block.rows[0])
            table = Table(data, colWidths=[width / columns] * columns, repeatRows=1)
            table.setStyle(grid)
            story += [table, Spacer(1, 8)]

    def footer(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.drawString(18 * mm, 12 * mm, f"Brindledesk 4.2 | {title}")
        canvas.drawRightString(A5[0] - 18 * mm, 12 * mm, f"Page {document.page}")
        canvas.restoreState()

    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A5,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=title,
        author=AUTHOR,
        invariant=1,
    )
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _fixed_zip(data: bytes) -> bytes:
    """Write a ZIP archive again with one fixed time and a fixed order of its members."""
    out = io.BytesIO()
    stamp = FIXED_DATE.timetuple()[:6]
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            info = zipfile.ZipInfo(name, date_time=stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            info.external_attr = 0
            new.writestr(info, old.read(name), compresslevel=9)
    return out.getvalue()


def docx_bytes(blocks: list[Block]) -> bytes:
    """Write the blocks as a DOCX with real heading, list and table styles."""
    from docx import Document

    document: Any = Document()
    properties = document.core_properties
    properties.title = title_of(blocks)
    properties.author = AUTHOR
    properties.last_modified_by = AUTHOR
    properties.comments = ""
    properties.created = properties.modified = properties.last_printed = FIXED_DATE
    properties.revision = 1

    names = {
        "h1": "Title",
        "h2": "Heading 1",
        "h3": "Heading 2",
        "p": "Normal",
        "ul": "List Bullet",
        "ol": "List Number",
    }
    for block in blocks:
        if block.kind == "table":
            table = document.add_table(rows=0, cols=len(block.rows[0]))
            table.style = "Table Grid"
            for row in block.rows:
                for target, text in zip(table.add_row().cells, row, strict=True):
                    target.text = text
            document.add_paragraph()
        elif block.kind in ("ul", "ol"):
            for item in block.items:
                document.add_paragraph(item, style=names[block.kind])
        else:
            document.add_paragraph(block.text, style=names[block.kind])
    buffer = io.BytesIO()
    document.save(buffer)
    return _fixed_zip(buffer.getvalue())


WRITERS: dict[str, Callable[[list[Block]], bytes]] = {"pdf": pdf_bytes, "docx": docx_bytes}


def make(out: Path = MANUAL, source: Path = SOURCE) -> list[Path]:
    """Write every binary document into ``out`` and return the paths."""
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for stem, kind in OUTPUTS.items():
        blocks = parse((source / f"{stem}.md").read_text(encoding="utf-8"))
        path = out / f"{stem}.{kind}"
        path.write_bytes(WRITERS[kind](blocks))
        written.append(path)
    return written


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make the PDF and DOCX files of the manual.")
    parser.add_argument("--out", type=Path, default=MANUAL, help="folder for the files")
    arguments = parser.parse_args()
    for path in make(arguments.out):
        print(f"{path} ({path.stat().st_size} bytes)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
