"""What the speed page shows and what it would time, as one frozen value."""

import msgspec

from sparse_core.messages.speed import SpeedWanted

PRESETS: dict[str, tuple[int, ...]] = {
    "decode 1 · 8 · 32": (1, 8, 32),
    "batch 64": (64,),
    "batch 256": (256,),
    "prefill 2048": (2048,),
}
"""Batch sizes by the name of what they stand for."""


class SpeedView(msgspec.Struct, frozen=True):
    """What is timed, and how the results are looked at.

    Attributes
    ----------
    place : str
        The checkpoint or run, ``PATH`` or ``HOST:PATH``; "" for made-up layers alone.
    layers : str
        Glob of its layers.
    shapes, patterns : str
        Made-up layers, as the command line takes them, separated by commas.
    batches : tuple of int
    dtype, device : str
    threads : int
    seconds : float
    batch : int
        The batch size whose rows are shown, 0 for the largest.
    row : (str, str)
        Layer and backend of the chosen row.
    beside : str
        A result that is laid beside, by its path on the core's machine.
    """

    place: str = ""
    layers: str = "*"
    shapes: str = ""
    patterns: str = "2:4"
    batches: tuple[int, ...] = (64,)
    dtype: str = ""
    device: str = "cpu"
    threads: int = 1
    seconds: float = 1.0
    batch: int = 0
    row: tuple[str, str] = ("", "")
    beside: str = ""

    def wanted(self, path: str) -> SpeedWanted:
        """Return the request that times this; ``path`` is the place without its machine."""
        return SpeedWanted(
            path=path,
            layers=self.layers or "*",
            shapes=tuple(one.strip() for one in self.shapes.split(",") if one.strip()),
            patterns=tuple(one.strip() for one in self.patterns.split(",") if one.strip()),
            batches=self.batches,
            dtype=self.dtype,
            device=self.device,
            threads=self.threads,
            seconds=self.seconds,
        )


def complaint(view: SpeedView) -> str:
    """Say what keeps a speed test from starting, "" for nothing."""
    if not view.place and not view.shapes.strip():
        return "Open a checkpoint, or write a shape to make a layer up: 4096x4096."
    if not view.batches:
        return "Write at least one batch size."
    if view.threads < 1:
        return "At least one thread computes."
    return ""


def batches_of(text: str) -> tuple[int, ...] | None:
    """Read batch sizes; None where the text holds something else."""
    words = [word for word in text.replace("·", ",").replace(" ", ",").split(",") if word]
    if not words or not all(word.isdigit() and int(word) for word in words):
        return None
    return tuple(dict.fromkeys(int(word) for word in words))
