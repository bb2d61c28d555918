"""What differs between two checkpoints."""

from inspector.pages.compare.page import ComparePage

PAGE = ComparePage

__all__ = ["PAGE", "ComparePage"]
