"""The question "which layers are sparse, in which pattern, and where does it break"."""

from inspector.pages.weights.page import TITLE, WeightsPage

__all__ = ["TITLE", "WeightsPage"]
