"""What the program carries besides code: icons, fonts and the demo's checkpoints.

The files lie beside this module in a checkout and in an installed wheel alike. No Qt here: icons
come as SVG text and fonts as bytes, so that nothing but the window decides how to draw them.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

IconName = Literal["sparsescope", "weights", "timeline", "training", "speed", "compare"]
DemoName = Literal["averaged", "last"]

SANS = "DejaVu Sans"
"""Family of the interface's text."""
MONOSPACE = "DejaVu Sans Mono"
"""Family of numbers, coordinates and groups."""

_PLACEHOLDER = "currentColor"
_HERE = files("resources")


def icon(name: IconName, colour: str) -> bytes:
    """Give an icon as SVG, drawn in one colour.

    Parameters
    ----------
    name : IconName
        A page, or ``"sparsescope"``, the program's own icon, which keeps its colours.
    colour : str
        What SVG takes for a colour, such as ``"#6aa9ff"``.

    Returns
    -------
    bytes
        An SVG document of 24 x 24 units (the program's own: 64 x 64).
    """
    text = _HERE.joinpath("icons", f"{name}.svg").read_text("utf-8")
    return text.replace(_PLACEHOLDER, colour).encode()


def fonts() -> tuple[bytes, ...]:
    """Give the TrueType files of `SANS` and `MONOSPACE`, regular and bold, in a fixed order."""
    found = (entry for entry in _HERE.joinpath("fonts").iterdir() if entry.name.endswith(".ttf"))
    return tuple(entry.read_bytes() for entry in sorted(found, key=lambda entry: entry.name))


def demo(name: DemoName = "averaged") -> Path:
    """Give the path of a demo checkpoint.

    Parameters
    ----------
    name : DemoName
        ``"averaged"``, whose 2:4 breaks in places, or ``"last"``, whose 2:4 holds everywhere.

    Raises
    ------
    FileNotFoundError
        When the package is not unpacked on disk: a checkpoint is mapped, not read.
    """
    path = Path(str(_HERE.joinpath("demo", f"{name}.safetensors")))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the demo is missing from this installation.")
    return path
