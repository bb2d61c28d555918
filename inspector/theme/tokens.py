"""The tokens of the look, dark and light, and the colour maps made from them."""

from typing import Literal

import msgspec

from inspector.theme.maps import Table, cividis, diverging, pack, ramp, rgb, two_colours


class Theme(msgspec.Struct, frozen=True):
    """Colours by meaning, as ``#rrggbb``.

    Attributes
    ----------
    background, panel, line : str
        Behind everything, behind a panel, and the hairline around it.
    text, dim, chip : str
        Text, secondary text (still at contrast 4.5), and the ground of chips and fields.
    accent, on_accent, selection : str
        What is selected or can be clicked, text on it, and the ground of a selected row.
    ok, look, bad : str
        Holds; look here; broken or moving (never without hatching or a glyph).
    low, high : str
        The two ends of the diverging map of signed values: negative and positive.
    """

    name: Literal["dark", "light"]
    background: str
    panel: str
    line: str
    text: str
    dim: str
    chip: str
    accent: str
    on_accent: str
    selection: str
    ok: str
    look: str
    bad: str
    low: str
    high: str

    @property
    def dark(self) -> bool:
        """Whether light text stands on a dark ground."""
        return self.name == "dark"

    def colour_map(self, plane: str) -> Table:
        """Return the 256 colours (0xffrrggbb) of a plane's bytes.

        Parameters
        ----------
        plane : str
            One of the planes of the map: density, violation, mask, magnitude, value; flips and
            last change of a series; born and died between two checkpoints.
            Anything else is a magnitude.
        """
        if plane == "violation":
            return ramp(self.chip, self.bad, jump=0.35)
        if plane == "born":
            return ramp(self.chip, self.ok, jump=0.12)
        if plane in ("flips", "died"):
            return ramp(self.chip, self.bad, jump=0.12)
        if plane == "last change":
            # Byte 0 never flipped: the ground, not the first colour.
            return (pack(rgb(self.chip)), *cividis()[1:])
        if plane == "density":
            return ramp(self.panel, self.accent)
        if plane == "mask":
            return two_colours(self.panel, self.accent)
        if plane == "value":
            return diverging(self.low, self.panel, self.high, missing=self.look)
        return cividis()


DARK = Theme(
    name="dark",
    background="#16181d",
    panel="#1d2027",
    line="#2c313b",
    text="#e6e8ec",
    dim="#949cab",
    chip="#262b35",
    accent="#6aa9ff",
    on_accent="#10131a",
    selection="#243147",
    ok="#4cc38a",
    look="#ffb224",
    bad="#ff6369",
    low="#5aa2ff",
    high="#ffb25a",
)
LIGHT = Theme(
    name="light",
    background="#f4f5f7",
    panel="#ffffff",
    line="#dfe2e8",
    text="#1b1f27",
    dim="#5d6777",
    chip="#eceff4",
    accent="#1862d6",
    on_accent="#ffffff",
    selection="#e4eefe",
    ok="#18794e",
    look="#a75300",
    bad="#cd2b31",
    low="#1d5fc4",
    high="#b35a00",
)
