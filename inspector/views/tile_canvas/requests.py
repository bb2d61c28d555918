"""Which tiles to ask for, said once: a set is repeated only when it has changed."""

from inspector.views.tile_canvas.cache import TileCache
from inspector.views.tile_canvas.needed import backdrop, closer, nearest_first, ring, visible_tiles
from inspector.views.tile_canvas.view import View
from sparse_core.messages import AnyPlane, Picture, TileKey


class Requests:
    """What was asked for and has not come yet."""

    def __init__(self) -> None:
        self._awaited: set[TileKey] = set()

    def forget(self) -> None:
        """Take everything asked for as lost: it will be asked for again."""
        self._awaited.clear()

    def arrived(self, key: TileKey) -> None:
        """Note that a tile has come."""
        self._awaited.discard(key)

    def renew(
        self,
        view: View,
        picture: Picture,
        plane: AnyPlane,
        cache: TileCache,
        focus: tuple[float, float],
    ) -> list[TileKey] | None:
        """Return the new set to ask for, None where the last one still says it all.

        The tile that shows everything comes first, then what is seen by its distance to the
        focus, then what the next move would show: the ring around, and one step closer.
        """
        seen = nearest_first(visible_tiles(view), view, *focus)
        order = dict.fromkeys((backdrop(picture), *seen, *ring(view), *closer(view, focus)))
        wanted = [key for key in order if (plane, key) not in cache]
        if set(wanted) == self._awaited:
            return None
        self._awaited = set(wanted)
        return wanted
