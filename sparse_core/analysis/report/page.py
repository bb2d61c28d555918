"""Sections put together: one page and its twin in JSON."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from sparse_core.analysis.report.gather import Material
from sparse_core.analysis.report.markup import Html, joined, tag, text
from sparse_core.analysis.report.section import Maker, Section
from sparse_core.analysis.report.sections import SECTIONS
from sparse_core.analysis.report.style import STYLE
from sparse_core.version import VERSION

FORMAT = 1
"""Raised when a key of the JSON changes its meaning."""

HTML_MARK = b"<!doctype html>\n<!-- sparsescope report -->\n"
JSON_MARK = b'{\n "about": {\n  "format": '
"""What the two begin with: by that an older report is known, which may be replaced."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Nothing is fetched and nothing runs, whatever a name in the file may say."""


class Pages(NamedTuple):
    """A report."""

    html: bytes
    json: bytes


def pages(material: Material, makers: Iterable[Maker] = SECTIONS) -> Pages:
    """Write a report.

    Parameters
    ----------
    material : Material
    makers : iterable of Maker
        Its sections in their order.
    """
    made = (make(material) for make in makers)
    sections = [section for section in made if section is not None]
    return Pages(_html(material.name, sections), _json(sections))


def _html(name: str, sections: Iterable[Section]) -> bytes:
    """Write the page."""
    head = [
        Html('<meta charset="utf-8">\n'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{text(_POLICY)}">\n'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
        tag("title", text(f"{name} · Sparsescope report")),
        Html(f"\n<style>{STYLE}</style>\n"),
    ]
    top = tag("header", [tag("b", text(name)), text(f"Sparsescope report · {VERSION}")])
    body = joined([top, *(_section(one) for one in sections)], "\n")
    page = tag("html", [Html("\n"), tag("head", head), Html("\n"), tag("body", body)], lang="en")
    return HTML_MARK + page.encode() + b"\n"


def _section(section: Section) -> Html:
    """Write a section under its heading."""
    heading = tag("h2", text(section.title)) if section.title else Html("")
    return tag("section", [heading, section.body], id=section.key)


def _json(sections: Iterable[Section]) -> bytes:
    """Write the twin: sorted keys and short lines, so that two of them can be compared."""
    about = {"format": FORMAT, "program": "sparsescope", "version": VERSION}
    values = {"about": about, **{section.key: section.data for section in sections}}
    written = json.dumps(values, indent=1, sort_keys=True, allow_nan=False)
    return written.encode() + b"\n"
