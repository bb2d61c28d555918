"""Numbers and names as sentences want them."""

from collections.abc import Sequence

_PLURALS = {"matrix": "matrices"}
LONGEST_NAME = 120
"""Letters of a name that a sentence or a row of a table shows."""
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def plural(count: int, noun: str) -> str:
    """Write a count and its noun: ``1 weight``, ``3 prunable matrices``."""
    if count == 1:
        return f"1 {noun}"
    *adjectives, last = noun.split(" ")
    return f"{count:,} {' '.join([*adjectives, _PLURALS.get(last, f'{last}s')])}"


def percent(part: float, whole: float) -> str:
    """Write a share: ``86.8 %``; never 0 or 100 where it is neither."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    text = f"{share:.1f}"
    if text == "100.0" and part != whole:
        return "over 99.9 %"
    if text == "0.0" and part:
        return "under 0.1 %"
    return f"{text} %"


def size(count: float) -> str:
    """Write bytes: ``2.3 GB``, powers of ten."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"


def joined(words: Sequence[str]) -> str:
    """Join words: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def named(tensor: str) -> str:
    """Give the name of a layer as one says it: without ``.weight``, and not endless.

    What would break the line or turn the direction of the sentence shows as �.
    """
    letters = [letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in tensor]
    return shortened("".join(letters).removesuffix(".weight") or tensor)


def shortened(name: str) -> str:
    """Cut the middle out of a name that would fill the screen; both ends tell layers apart."""
    if len(name) <= LONGEST_NAME:
        return name
    half = LONGEST_NAME // 2
    return f"{name[:half]}…{name[1 - half :]}"
