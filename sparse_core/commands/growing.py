"""Parsers whose options depend on their own words: those of a method or task that is named."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sparse_core.errors import SparseError

if TYPE_CHECKING:
    from sparse_core.training.forms import Field

Add = Callable[[argparse.ArgumentParser, list[str]], None]
"""Adds options to a parser; is given the words it is about to parse."""


class Growing:
    """Parses, after adding the options that the words ask for.

    Only this way do a user's own options appear in ``--help``, and does ``sparsescope --help``
    not wait for torch. Put it in the place of a parser's ``parse_known_args``.
    """

    def __init__(self, parser: argparse.ArgumentParser, add: Add) -> None:
        self._parser = parser
        self._parse = parser.parse_known_args
        self._add = add

    def __call__(
        self, words: Sequence[str] | None = None, space: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Do what ``ArgumentParser.parse_known_args`` does."""
        words = list(sys.argv[1:] if words is None else words)
        try:
            self._add(self._parser, words)
        except SparseError as error:
            self._parser.exit(2, f"sparsescope: {error}\n")
        return self._parse(words, space)


def grow(parser: argparse.ArgumentParser, add: Add) -> None:
    """Let a parser grow."""
    parser.parse_known_args = Growing(parser, add)  # type: ignore[method-assign,assignment]


def add_fields(parser: argparse.ArgumentParser, title: str, fields: "Sequence[Field]") -> None:
    """Add one option for each field of a form."""
    group = parser.add_argument_group(title)
    for field in fields:
        default = "" if field.default in (None, "") else f" (default {field.default})"
        unit = f" [{field.unit}]" if field.unit else ""
        choices = f" {{{', '.join(field.choices)}}}" if field.choices else ""
        group.add_argument(
            field.flag,
            dest=field.key,
            metavar=field.kind.upper() if not field.choices else "NAME",
            nargs="?" if field.kind == "bool" else None,
            const="true" if field.kind == "bool" else None,
            help=f"{field.help}{choices}{unit}{default}".replace("%", "%%"),
        )
