"""When the masks stopped moving."""

from inspector.pages.timeline.page import TimelinePage

PAGE = TimelinePage

__all__ = ["PAGE", "TimelinePage"]
