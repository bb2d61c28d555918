"""Who wrote a checkpoint, and how its weights are folded into plain rows."""

from sparse_core.checkpoints.writers.desk import Recognition
from sparse_core.checkpoints.writers.recognise import recognise

__all__ = ["Recognition", "recognise"]
