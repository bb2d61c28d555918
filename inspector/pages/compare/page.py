"""The page: its parts, connected to the core."""

from inspector.views.page import Page


class ComparePage(Page):
    """What differs between two checkpoints."""
