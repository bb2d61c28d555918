"""What is known of a picture: its tiles, what was asked for, and the last frame made of them."""

import zlib

import numpy as np

from inspector.views.tile_canvas.cache import TileCache
from inspector.views.tile_canvas.frame import Frame, compose, hatch
from inspector.views.tile_canvas.needed import visible_tiles
from inspector.views.tile_canvas.requests import Requests
from inspector.views.tile_canvas.view import View
from sparse_core.messages import AnyPlane, Picture, Tile, TileKey

_HATCH_PERIOD = 5
"""Logical pixels from one hatching line to the next."""


class Content:
    """The tiles behind a canvas; views come and go over it."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.plane: AnyPlane = "violation"
        self._cache = TileCache()
        self._requests = Requests()
        self._frame: tuple[View, float, Frame] | None = None
        self._outdated = False

    def show(self, picture: Picture | None) -> None:
        """Take another picture; nothing is known of it yet."""
        self.picture = picture
        self._cache.clear()
        self.forget_requests()
        self._frame, self._outdated = None, False

    def refine(self, picture: Picture | None) -> bool:
        """Take a picture if it is the present one with more known of it; its tiles stay."""
        known = self.picture
        if picture is None or known is None or _frame_of(picture) != _frame_of(known):
            return False
        self.picture = picture
        return True

    def renew(self) -> None:
        """Take every tile as outdated; what is drawn stays until all that is in view came anew."""
        self._cache.clear()
        self.forget_requests()
        self._outdated = self._frame is not None

    def show_plane(self, plane: AnyPlane) -> None:
        """Take another plane of the picture."""
        self.plane = plane
        self.forget_requests()
        self._frame, self._outdated = None, False

    def forget_requests(self) -> None:
        """Take every tile that was asked for as lost."""
        self._requests.forget()

    def add(self, tile: Tile, view: View | None) -> bool:
        """Keep a tile of this picture; return whether ``view`` looks different with it."""
        picture = self.picture
        if picture is None or tile.tensor != picture.tensor or tile.view != picture.view:
            return False
        size = tile.height * tile.width
        data = zlib.decompressobj().decompress(tile.data, size) if tile.packed else tile.data
        cells = np.frombuffer(data, np.uint8, count=size).reshape(tile.height, tile.width)
        self._cache.put(tile.plane, tile.key, cells)
        if tile.plane != self.plane:
            return False
        self._requests.arrived(tile.key)
        if self._outdated:
            if view is None or not self.sharp(view):
                return False
            self._outdated, self._frame = False, None
            return True
        blurred = self._frame is None or not self._frame[2].sharp
        seen = view is not None and (blurred or tile.key in visible_tiles(view))
        if seen:
            self._frame = None
        return seen

    def wanted(self, view: View, focus: tuple[float, float]) -> list[TileKey] | None:
        """Return the tiles to ask for, None where the last set asked for still says it all."""
        if self.picture is None:
            return None
        return self._requests.renew(view, self.picture, self.plane, self._cache, focus)

    def sharp(self, view: View) -> bool:
        """Return whether every tile in view is there at its own level."""
        return all((self.plane, key) in self._cache for key in visible_tiles(view))

    def frame(self, view: View, picture: Picture, ratio: float) -> Frame:
        """Return the frame of a view; the last one is kept, so that hovering costs nothing."""
        kept = self._frame
        if kept is not None and kept[0] == view and kept[1] == ratio:
            return kept[2]
        self._outdated = False
        frame = compose(view, picture, self.plane, self._cache)
        if self.plane == "violation":
            hatch(frame, view, round(_HATCH_PERIOD * ratio), max(1, round(ratio)))
        self._frame = (view, ratio, frame)
        return frame


def _frame_of(picture: Picture) -> tuple[int, str, int, int, int, int]:
    """Return what a picture must share with another to be drawn with the same tiles."""
    return (
        picture.view,
        picture.tensor,
        picture.rows,
        picture.columns,
        picture.row_levels,
        picture.column_levels,
    )
