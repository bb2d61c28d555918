"""The page: its parts, connected to the core."""

from inspector.views.page import Page


class TimelinePage(Page):
    """When the masks stopped moving."""
