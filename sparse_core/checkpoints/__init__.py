"""Open any checkpoint lazily, executing nothing.

`open_checkpoint` judges a path by its content and gives a `Checkpoint`: the tensors of its largest
model, described by `TensorInfo`, and a way to read ranges of their elements from the mapped file.
"""

from sparse_core.checkpoints.checkpoint import Checkpoint, open_checkpoint
from sparse_core.checkpoints.rows import TensorInfo
from sparse_core.checkpoints.stamp import stamp_of

__all__ = ["Checkpoint", "TensorInfo", "open_checkpoint", "stamp_of"]
