"""Whether it is really faster."""

from inspector.pages.speed.page import SpeedPage

PAGE = SpeedPage

__all__ = ["PAGE", "SpeedPage"]
