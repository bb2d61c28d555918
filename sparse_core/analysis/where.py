"""Whether a scanned tensor satisfies a filter."""

import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from math import prod

from sparse_core.messages import LayerReport
from sparse_core.messages.query import Query, Term

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"\d+")


def matches(report: LayerReport, query: Query) -> bool:
    """Say whether all conditions hold; a number that is undefined satisfies none."""
    return all(_holds(report, term) != term.negated for term in query.terms)


def _holds(report: LayerReport, term: Term) -> bool:
    """Check one condition, not negated."""
    if term.field == "text":
        return term.word in report.name.lower()
    if term.numeric:
        return _number_holds(_number(report, term.field), term)
    found = _word(report, term.field)
    equal = fnmatchcase(found, term.word) if term.operator == ":" else found == term.word
    return equal != (term.operator == "!=")


def _number_holds(number: float | None, term: Term) -> bool:
    """Compare a number, or its remainder."""
    if number is None:
        return False
    if term.modulo:
        number %= term.modulo
    if term.operator == ":":
        return term.low <= number <= term.high
    return _COMPARE[term.operator](number, term.low)


def _word(report: LayerReport, field: str) -> str:
    """Give what a field of words holds."""
    words = {
        "name": report.name,
        "kind": report.kind,
        "class": report.class_,
        "dtype": report.dtype,
        "pattern": report.pattern or "none",
        "axis": report.axis or "none",
        "rule": report.rule,
    }
    return words[field].lower()


def _number(report: LayerReport, field: str) -> float | None:
    """Give what a field of numbers holds; None where it is undefined."""
    share = report.zeros / report.elements if report.elements else None
    first = _NUMBER.search(report.name)
    numbers: dict[str, float | None] = {
        "layer": None if first is None else float(first[0]),
        "elements": report.elements,
        "rows": report.shape[0] if report.shape else None,
        "columns": prod(report.shape[1:]) if len(report.shape) > 1 else None,
        "zeros": report.zeros,
        "sparsity": share,
        "density": None if share is None else 1 - share,
        "groups": report.groups,
        "bad": report.bad_groups,
        "surplus": report.surplus,
    }
    return numbers[field]
