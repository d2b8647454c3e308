"""A page of runs as a list of chapters, each with one sentence that says what was found, and the HTML made of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting.table2_sections import Section

_TEMPLATE = "report.html.jinja"


@dataclass(frozen=True)
class Image:
    """A picture inside the page.

    Attributes:
        source: Its data as a URL.
        caption: What it shows.
        width_rem: Width on a wide screen, so that all figures have type of one size.
    """

    source: str
    caption: str
    width_rem: float


@dataclass(frozen=True)
class Part:
    """A table, a list or a text of a chapter.

    Attributes:
        title: Heading; empty where the chapter's own says it all.
        table: A table.
        lines: A list.
        text: Text that is shown as it is.
        folded: Whether it is opened by a click; on paper, tables and lists are open.
        look: Class of the table: ``words`` breaks lines in cells, ``dense`` never does.
    """

    title: str
    table: Section | None = None
    lines: Sequence[str] = ()
    text: str = ""
    folded: bool = False
    look: str = ""


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        name: Its place in the page, unique.
        title: Heading.
        found: What was found, in one sentence; stands in the contents too.
        about: What the chapter shows.
        warning: What must be known before it is used.
        images: Pictures.
        parts: What comes below them.
    """

    name: str
    title: str
    found: str = ""
    about: str = ""
    warning: str = ""
    images: Sequence[Image] = ()
    parts: Sequence[Part] = ()


def tables_of(sections: Sequence[Section], folded: bool = True, look: str = "") -> list[Part]:
    """Tables with their titles."""
    return [Part(section.title, section, folded=folded, look=look) for section in sections]


def write_page(
    out: Path, title: str, warnings: Mapping[str, str], facts: Mapping[str, str], chapters: Sequence[Chapter]
) -> None:
    """Write a page that loads nothing and runs nothing.

    Args:
        out: The file.
        title: Heading of the page.
        warnings: What stands above all else, by its first words.
        facts: On what it was measured.
        chapters: In their order.
    """
    filters = {"cell": _cell, "name": _name}
    page = templates(Path(__file__).parent, filters).get_template(_TEMPLATE)
    text = page.render(title=title, warnings=warnings, facts=facts, chapters=chapters)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, text.encode())


def _cell(text: str) -> Markup:
    """A cell of a table, in which ``**`` stands around what is bold."""
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 (escaped before)


def _name(text: str) -> Markup:
    """The name of a row, which may break behind ``_``, ``=`` and a comma where the page is narrow."""
    return Markup(re.sub(r"([_=,])(?=\w)", r"\1<wbr>", str(escape(text))))  # noqa: S704 (escaped before)
