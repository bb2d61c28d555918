"""Places as users write them: ``117,332``, ``fc1@117,332``, ``layers.0.fc``."""

import re
from collections.abc import Sequence

import msgspec

_AT = re.compile(r"(\d+)\s*[, ]\s*(\d+)")


class Place(msgspec.Struct, frozen=True):
    """A layer, and a weight of it on the map; -1, -1 is the whole layer."""

    tensor: str
    row: int = -1
    column: int = -1


def place_in(text: str, names: Sequence[str], current: str) -> Place | str:
    """Read a place; a sentence where it is none.

    Parameters
    ----------
    text : str
    names : sequence of str
        All layers; one may be written without ``.weight``, or as any part that only it has.
    current : str
        The layer that is meant where none is named.
    """
    layer, at, weight = text.strip().rpartition("@")
    found = _AT.fullmatch(weight.strip())
    if not at and found is None:
        layer, weight = weight, ""
    if weight and found is None:
        return f"{weight!r} is no place: write ROW,COLUMN as in 117,332."
    tensor = _layer(layer.strip(), names) if layer.strip() else current
    if not tensor:
        return f"No layer is called {layer.strip()!r}." if layer else "Write a layer, or a place."
    if found is None:
        return Place(tensor)
    return Place(tensor, int(found[1]), int(found[2]))


def _layer(text: str, names: Sequence[str]) -> str:
    known = set(names)
    for exact in (text, f"{text}.weight"):
        if exact in known:
            return exact
    holding = [name for name in names if text.lower() in name.lower()]
    return holding[0] if len(holding) == 1 else ""
