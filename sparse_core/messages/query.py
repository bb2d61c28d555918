"""The filter language: ``kind:linear sparsity<0.5 bad>0 layer:10-20 rows%64!=0 -name:*.head.*``.

Words are joined by *and*. A word is a condition or plain text, which is looked for in the name. A
leading ``-`` negates. The window and ``scan --where`` understand exactly this.
"""

import re
from typing import Literal

import msgspec

from sparse_core.errors import SparseError

Operator = Literal[":", "=", "!=", "<", "<=", ">", ">="]
Field = Literal[
    "text", "name", "kind", "class", "dtype", "pattern", "axis", "rule", "layer", "elements",
    "rows", "columns", "zeros", "sparsity", "density", "groups", "bad", "surplus",
]  # fmt: skip

WORDS: dict[str, str] = {
    "name": "the whole name; * and ? stand for anything",
    "kind": "linear, conv, experts, embedding, norm, bias, ...",
    "class": "sparse, broken, unstructured, dense or other",
    "dtype": "float32, bfloat16, ...",
    "pattern": "the pattern it has or was given, as 2:4; none where it has none",
    "axis": "the axis of that pattern: in, out or kernel",
    "rule": "where its mask comes from: zeros, stored or projected",
}
"""Fields that hold a word, and what it means."""
NUMBERS: dict[str, str] = {
    "layer": "the first number in the name",
    "elements": "weights",
    "rows": "the first dimension",
    "columns": "all further dimensions together",
    "zeros": "zeros under the rule",
    "sparsity": "share of zeros, 0 to 1",
    "density": "share of kept weights, 0 to 1",
    "groups": "whole groups of the judged pattern",
    "bad": "groups that break it",
    "surplus": "weights a repair would drop",
}
"""Fields that hold a number, and what it means."""

_CONDITION = re.compile(r"([a-z]+)(?:%(\d+))?(:|!=|<=|>=|=|<|>)(.*)", re.DOTALL)
_RANGE = re.compile(r"(\d+)-(\d+)")


class Term(msgspec.Struct, frozen=True):
    """One condition.

    Attributes
    ----------
    field : str
        What is looked at; ``text`` is plain text.
    operator : str
        ``:`` matches words with * and ?, and numbers that are equal or in the range.
    word : str
        What a word is compared with, in lower case.
    low, high : float
        What a number is compared with; both the same unless it is a range.
    modulo : int
        Above 0 the remainder is compared.
    negated : bool
    """

    field: Field
    operator: Operator = ":"
    word: str = ""
    low: float = 0.0
    high: float = 0.0
    modulo: int = 0
    negated: bool = False

    @property
    def numeric(self) -> bool:
        """Whether a number is compared."""
        return self.field in NUMBERS


class Query(msgspec.Struct, frozen=True):
    """All conditions must hold."""

    terms: tuple[Term, ...] = ()


def explained() -> str:
    """Explain the language to a reader of ``--help``."""
    fields = "\n".join(f"  {name:<9} {meaning}" for name, meaning in (WORDS | NUMBERS).items())
    return f"""\
A query is words that must all hold. A word is text that the name contains, or a condition:

  bad>0  sparsity<0.5  sparsity<50%  kind:linear  name:*.up_proj.*  layer:10-20  rows%64!=0

Operators are : = != < <= > >=. With : words may hold * and ?, and numbers may be a range. A
leading - negates; then write --where="-head bad>0". What a condition may be about:

{fields}
"""


def parse(text: str) -> Query:
    """Read a filter.

    Raises
    ------
    SparseError
        If a word is a condition on something unknown, or compares a number with no number.

    Examples
    --------
    >>> parse("bad>0").terms[0].low
    0.0
    >>> len(parse("kind:linear attn layer:10-20").terms)
    3
    """
    return Query(tuple(_term(word) for word in text.split()))


def _term(word: str) -> Term:
    """Read one word."""
    negated = word.startswith("-") and len(word) > 1
    bare = word[1:] if negated else word
    condition = _CONDITION.fullmatch(bare)
    if condition is None:
        return Term("text", word=bare.lower(), negated=negated)
    field, modulo, operator, value = condition.groups()
    if field in WORDS:
        return _word_term(bare, field, operator, value, negated)  # type: ignore[arg-type]
    if field in NUMBERS:
        low, high = _numbers(bare, operator, value)
        if modulo == "0":
            raise SparseError(f"{bare!r}: nothing can be divided by 0.")
        remainder = int(modulo or 0)
        return Term(field, operator, "", low, high, remainder, negated)  # type: ignore[arg-type]
    known = ", ".join([*WORDS, *NUMBERS])
    raise SparseError(f"{bare!r}: nothing is called {field}. Known are {known}.")


def _word_term(bare: str, field: Field, operator: Operator, value: str, negated: bool) -> Term:
    """Read a condition on a word."""
    if operator not in (":", "=", "!="):
        raise SparseError(f"{bare!r}: {field} holds words; compare it with : = or !=.")
    if not value:
        raise SparseError(f"{bare!r}: nothing stands behind {operator}.")
    return Term(field, operator, value.lower(), negated=negated)


def _numbers(bare: str, operator: str, value: str) -> tuple[float, float]:
    """Read a number, a percentage or a range."""
    between = _RANGE.fullmatch(value)
    if between is not None and operator == ":":
        return float(between[1]), float(between[2])
    percent = value.endswith("%")
    try:
        number = float(value.removesuffix("%").replace(",", "")) / (100 if percent else 1)
    except ValueError:
        raise SparseError(
            f"{bare!r}: {value or 'nothing'} is no number; write one, as in bad>0 or layer:10-20."
        ) from None
    return number, number
