"""What one page asks of another: the window brings that page forward and hands it the errand.

Pages do not know one another; an errand says what is wanted, not who does it. Places are paths as
the user writes them, ``PATH`` or ``HOST:PATH``.
"""

import msgspec


class OpenWeights(msgspec.Struct, frozen=True):
    """Look at a checkpoint, and at one weight of a layer where ``row`` and ``column`` are given."""

    place: str
    container: str = ""
    tensor: str = ""
    plane: str = ""
    row: int = -1
    column: int = -1


class ShowSeries(msgspec.Struct, frozen=True):
    """Show when the masks of some series stopped moving.

    Each source is a run folder, a folder of checkpoints, a glob or a checkpoint, on ``host``.
    """

    sources: tuple[str, ...]
    host: str = ""
    pattern: str = ""
    axis: str = ""


class CompareTwo(msgspec.Struct, frozen=True):
    """Compare two checkpoints; an empty place is left for the user to choose."""

    first: str
    second: str = ""
    tensor: str = ""


class FineTune(msgspec.Struct, frozen=True):
    """Fill the training form: names and values of options as ``train`` takes them, and why."""

    options: tuple[tuple[str, str], ...] = ()
    host: str = ""
    reason: str = ""


class FollowRun(msgspec.Struct, frozen=True):
    """Watch a run that goes on, or look at one that ended."""

    folder: str
    host: str = ""


class TimeLayers(msgspec.Struct, frozen=True):
    """Time the layers of a checkpoint, or one of them."""

    place: str
    tensor: str = ""


Errand = OpenWeights | ShowSeries | CompareTwo | FineTune | FollowRun | TimeLayers

PAGE_OF = {
    OpenWeights: "weights",
    ShowSeries: "timeline",
    CompareTwo: "compare",
    FineTune: "training",
    FollowRun: "training",
    TimeLayers: "speed",
}
"""The page that does an errand."""
