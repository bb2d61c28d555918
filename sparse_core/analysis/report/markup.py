"""HTML that is safe by construction: whatever comes from a file goes through ``text``."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""Markup that may stand in a page as it is."""

_KEPT = frozenset("\n")


def text(words: object) -> Html:
    r"""Write text; what would steer a terminal, a parser or the reading direction is replaced.

    Examples
    --------
    >>> text("<b>\x1b")
    '&lt;b&gt;\N{REPLACEMENT CHARACTER}'
    """
    return Html(escape(visible(str(words))))


def visible(words: str) -> str:
    """Replace every character that is not printed, lone surrogates among them."""
    if words.isprintable():
        return words
    return "".join(
        letter if letter.isprintable() or letter in _KEPT else "\N{REPLACEMENT CHARACTER}"
        for letter in words
    )


def tag(name: str, inside: Html | Iterable[Html] = Html(""), **attributes: object) -> Html:
    """Write an element; ``class_`` is the attribute ``class``.

    Examples
    --------
    >>> tag("td", text("a & b"), class_="right")
    '<td class="right">a &amp; b</td>'
    """
    given = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items())
    body = inside if isinstance(inside, str) else "".join(inside)
    return Html(f"<{name}{given}>{body}</{name}>")


def joined(parts: Iterable[Html], between: str = "") -> Html:
    """Put pieces one behind the other."""
    return Html(between.join(parts))


def table(headings: Sequence[tuple[str, str]], rows: Iterable[Sequence[Html]]) -> Html:
    """Write a table.

    Parameters
    ----------
    headings : sequence of (title, class)
        The class is that of the whole column: ``number`` stands right, in the monospaced face.
    rows : iterable of sequence of Html
        The cells.
    """
    classes = [kind for _, kind in headings]
    head = tag("tr", (tag("th", text(title), class_=kind, scope="col") for title, kind in headings))
    lines = (
        tag("tr", (tag("td", cell, class_=kind) for cell, kind in zip(row, classes, strict=True)))
        for row in rows
    )
    return tag("table", [tag("thead", head), Html("\n"), tag("tbody", joined(lines, "\n"))])
