"""The look: colours, colour maps, fonts and how the program follows the system's scheme.

``Theme`` is one frozen value; whoever paints gets it handed in. ``apply`` is the only place that
touches the application's palette, font and style.
"""

from inspector.theme.apply import apply, family, monospaced, points, register_fonts
from inspector.theme.hatching import hatched
from inspector.theme.scheme import SchemeFollower
from inspector.theme.tokens import DARK, LIGHT, Theme

__all__ = [
    "DARK",
    "LIGHT",
    "SchemeFollower",
    "Theme",
    "apply",
    "family",
    "hatched",
    "monospaced",
    "points",
    "register_fonts",
]
