"""What is trained, and how it goes."""

from inspector.pages.training.page import TrainingPage

PAGE = TrainingPage

__all__ = ["PAGE", "TrainingPage"]
