"""What the delegates may ask of a layer row beside its text.

Every role answers from memory. ``None`` stands for "not known yet" (the row is not scanned) or
"not a question for this row".
"""

from enum import IntEnum

from PySide6.QtCore import Qt

_FIRST = int(Qt.ItemDataRole.UserRole)


class Column(IntEnum):
    """Columns of the layer tree, in their order on the screen."""

    LAYER = 0
    PATTERN = 1
    DENSITY = 2
    BROKEN = 3
    LIGHTS = 4


class Role(IntEnum):
    """Roles beyond Qt's own.

    NAME     str: full tensor name; the prefix of a group
    SHAPE    str: "256 × 784", the second line of the name column; "" for none
    GROUP    bool: the row is a group, not a tensor
    QUIET    bool: nothing to find here (biases, norms, buffers): drawn dim
    PATTERN  str: the pattern the row has or is meant to have, "" for none
    CLASS    str: sparse, broken, unstructured, dense, other; "" while unknown
    DENSITY  float in [0, 1] or None
    BROKEN   int: groups that break the pattern, or None
    LIGHTS   tuple of four ints in the order zeros, pattern, packed, eligible:
             0 absent, 1 yes, 2 no, 3 violated; None while unknown or for a group
    ERROR    str: why this tensor could not be read, "" if it could
    """

    NAME = _FIRST + 1
    SHAPE = _FIRST + 2
    GROUP = _FIRST + 3
    QUIET = _FIRST + 4
    PATTERN = _FIRST + 5
    CLASS = _FIRST + 6
    DENSITY = _FIRST + 7
    BROKEN = _FIRST + 8
    LIGHTS = _FIRST + 9
    ERROR = _FIRST + 10
