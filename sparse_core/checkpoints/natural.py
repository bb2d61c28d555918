"""Natural order: ``layers.2`` before ``layers.10``."""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"(\d+)")


def natural_key(name: str) -> list[str | int]:
    """Give what to sort names by; texts and numbers alternate, so any two keys compare."""
    parts: list[str | int] = list(_NUMBER.split(name))
    for place in range(1, len(parts), 2):
        parts[place] = int(parts[place]) if len(parts[place]) <= 18 else 10**18  # type: ignore[arg-type]
    return parts


def natural_order(names: Iterable[str]) -> list[str]:
    """Sort names so that numbers inside them count as numbers."""
    return sorted(names, key=natural_key)
