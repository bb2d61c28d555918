"""What the compare page shows, as one frozen value; everything drawn follows from it."""

import msgspec


class CompareView(msgspec.Struct, frozen=True):
    """Two checkpoints and how they are looked at.

    Attributes
    ----------
    first, second : str
        Places of A and B, ``PATH`` or ``HOST:PATH``; "" where none is chosen.
    layer : str
        The layer on the maps, "" for the one that differs most.
    plane : str
        What the maps of A and B show.
    change : str
        What the map between them shows: ``flips``, ``born`` or ``died``.
    pattern, axis : str
        N:M that both are projected on, where they hold dense weights.
    """

    first: str = ""
    second: str = ""
    layer: str = ""
    plane: str = "density"
    change: str = "flips"
    pattern: str = ""
    axis: str = "in"

    @property
    def complete(self) -> bool:
        """Whether both are chosen."""
        return bool(self.first and self.second)
