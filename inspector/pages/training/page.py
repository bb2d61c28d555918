"""The page: its parts, connected to the core."""

from inspector.views.page import Page


class TrainingPage(Page):
    """What is trained, and how it goes."""
