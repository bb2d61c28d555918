"""The filter language over the columns of the layer table.

The same conditions hold for the same tensors as in ``scan --where``; there they are asked of one
report at a time, here of whole columns, for 92,400 rows must be filtered between two keystrokes.
"""

import operator
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from math import prod

import numpy as np
import numpy.typing as npt

from inspector.models.layer_table import LayerTable, Rows
from sparse_core.messages.query import NUMBERS, WORDS, Query, Term

Marks = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

_COMPARE: dict[str, Callable[[Numbers, float], Marks]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"\d+")
_OPERATORS = {**dict.fromkeys(WORDS, ":"), **dict.fromkeys(NUMBERS, ">")}


class LayerQuery:
    """Answers queries about a table; keeps what names and shapes say.

    Parameters
    ----------
    table : LayerTable
    """

    def __init__(self, table: LayerTable) -> None:
        self._table = table
        self._lower: list[str] = []
        self._kept: dict[str, tuple[int, Numbers]] = {}

    def rows(self, query: Query) -> Rows:
        """Return the rows for which every condition holds, in order."""
        marks = np.ones(len(self._table), np.bool_)
        # Cheap conditions first: text is then looked for in the rows that are left.
        for term in sorted(query.terms, key=lambda term: not term.numeric):
            left = np.flatnonzero(marks)
            holds = self._number_holds(term, left) if term.numeric else self._word_holds(term, left)
            marks[left] = holds != term.negated
        return np.flatnonzero(marks).astype(np.int32)

    def _word_holds(self, term: Term, rows: npt.NDArray[np.int64]) -> Marks:
        if term.field in ("text", "name"):
            lower = self._lower_names()
            all_of_them = len(rows) == len(lower)
            found = lower if all_of_them else [lower[row] for row in rows.tolist()]
            if term.field == "text":
                return _marks([term.word in name for name in found])
            return _marks(_compared(found, term))
        column = self._words(term.field)
        found = [column[row] for row in rows.tolist()]
        # Few different words: each is compared once.
        different = sorted(set(found))
        holds = dict(
            zip(different, _compared([word.lower() for word in different], term), strict=True)
        )
        known = self._table.scanned[rows] | (term.field in ("kind", "dtype"))
        return _marks([holds[word] for word in found]) & known

    def _number_holds(self, term: Term, rows: npt.NDArray[np.int64]) -> Marks:
        numbers = self._numbers(term.field)[rows]
        known = ~np.isnan(numbers)
        if term.modulo:
            numbers = np.mod(numbers, term.modulo)
        if term.operator == ":":
            holds: Marks = (term.low <= numbers) & (numbers <= term.high)
        else:
            holds = _COMPARE[term.operator](numbers, term.low)
        return holds & known

    def _lower_names(self) -> list[str]:
        if len(self._lower) != len(self._table):
            self._lower = [name.lower() for name in self._table.names]
        return self._lower

    def _words(self, field: str) -> Sequence[str]:
        table = self._table
        if field in ("pattern", "axis"):
            texts = table.patterns if field == "pattern" else table.axes
            own = table.own.tolist()
            return [(text if mine else "") or "none" for text, mine in zip(texts, own, strict=True)]
        columns = {
            "kind": table.kinds,
            "class": table.classes,
            "dtype": table.dtypes,
            "rule": table.rules,
        }
        return columns[field]

    def _numbers(self, field: str) -> Numbers:
        """Return a column of numbers, NaN where there is none."""
        table = self._table
        if field in ("layer", "rows", "columns"):
            return self._fixed(field)
        if field == "elements":
            return table.elements.astype(np.float64)
        if field in ("sparsity", "density"):
            with np.errstate(invalid="ignore", divide="ignore"):
                share = _known(table.zeros) / np.where(table.elements > 0, table.elements, np.nan)
            return share if field == "sparsity" else 1 - share
        columns = {
            "zeros": table.zeros,
            "groups": table.groups,
            "bad": table.bad_groups,
            "surplus": table.surplus,
        }
        return _known(columns[field])

    def _fixed(self, field: str) -> Numbers:
        """Return what names and shapes say; it is worked out once for a listing."""
        length, column = self._kept.get(field, (-1, np.zeros(0)))
        if length == len(self._table):
            return column
        shapes = self._table.shapes
        if field == "layer":
            found = map(_NUMBER.search, self._table.names)
            numbers = [np.nan if one is None else float(one[0]) for one in found]
        elif field == "rows":
            numbers = [float(shape[0]) if shape else np.nan for shape in shapes]
        else:
            numbers = [float(prod(shape[1:])) if len(shape) > 1 else np.nan for shape in shapes]
        column = np.array(numbers, np.float64)
        self._kept[field] = len(self._table), column
        return column


def _compared(found: Sequence[str], term: Term) -> list[bool]:
    """Compare lower-case words with the term's."""
    if term.operator == ":":
        return _globbed(found, term.word)
    wanted = term.operator == "="
    return [(word == term.word) == wanted for word in found]


def _globbed(words: Sequence[str], glob: str) -> list[bool]:
    """Match words with a glob.

    Looking for a plain text takes a tenth of what matching an expression does, so the plain texts
    between the stars are looked for first, and often they are all there is to it.
    """
    match = re.compile(translate(glob)).match
    if "*" not in glob or "?" in glob or "[" in glob:
        return [match(word) is not None for word in words]
    first, *middle, last = glob.split("*")
    rows = [row for row, word in enumerate(words) if word.startswith(first) and word.endswith(last)]
    for piece in filter(None, middle):
        rows = [row for row in rows if piece in words[row]]
    ends = len(first) + len(last)
    if not middle:
        rows = [row for row in rows if len(words[row]) >= ends]
    elif ends or len(middle) > 1:
        rows = [row for row in rows if match(words[row])]
    holds = np.zeros(len(words), np.bool_)
    holds[rows] = True
    return holds.tolist()


def _known(column: npt.NDArray[np.int64]) -> Numbers:
    return np.where(column < 0, np.nan, column.astype(np.float64))


def _marks(values: list[bool]) -> Marks:
    return np.array(values, np.bool_)


def completions(text: str) -> list[str]:
    """Return what the last word of a query may become.

    Examples
    --------
    >>> completions("kind:linear spa")
    ['sparsity>']
    >>> completions("bad>0")
    []
    """
    last = text.rpartition(" ")[2].removeprefix("-").lower()
    if not last:
        return []
    return [
        field + sign
        for field, sign in _OPERATORS.items()
        if field.startswith(last) and field + sign != last
    ]


def words_of(term: Term) -> str:
    """Say a condition in words, for the tooltip of its chip."""
    meaning = {**WORDS, **NUMBERS}.get(term.field, "a part of the name")
    return f"{'Not: ' if term.negated else ''}{term.field}: {meaning}"
