"""A section of a report: what people read, and the same as data."""

from collections.abc import Callable

import msgspec

from sparse_core.analysis.report.gather import Material
from sparse_core.analysis.report.markup import Html


class Section(msgspec.Struct, frozen=True):
    """One question and its answer.

    Attributes
    ----------
    key : str
        Its key in the JSON, and its anchor in the page.
    title : str
        Its heading; "" for what stands above all headings.
    body : Html
        What people read.
    data : object
        The same numbers as lists, dicts, text and numbers.
    """

    key: str
    title: str
    body: Html
    data: object


Maker = Callable[[Material], Section | None]
"""Makes a section; None where there is nothing to say."""
