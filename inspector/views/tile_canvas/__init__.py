"""The heat map: a canvas of tiles that never shows a sample of what it cannot show whole."""

from inspector.views.tile_canvas.canvas import TileCanvas

__all__ = ["TileCanvas"]
