"""The page: its parts, connected to the core."""

from inspector.views.page import Page


class SpeedPage(Page):
    """Whether it is really faster."""
