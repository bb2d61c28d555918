"""What is asked and answered about a series of checkpoints."""

import msgspec

from sparse_core.messages.requests import TileKey
from sparse_core.messages.vocabulary import Message, Rule, SeriesPlane


class SeriesId(msgspec.Struct, frozen=True):
    """Which checkpoints belong together.

    Attributes
    ----------
    sources : tuple of str
        A run folder, a folder of checkpoints, a glob, or the checkpoints themselves; paths of
        the core's machine.
    exclude : tuple of str
        Globs of names, or steps, to leave out.
    """

    sources: tuple[str, ...]
    exclude: tuple[str, ...] = ()


class TimelineOptions(msgspec.Struct, frozen=True):
    """How the masks of a series are made and compared.

    Attributes
    ----------
    rule, pattern, axis, kinds, axes
        As in ``ScanOptions``; a pattern without a rule means ``projected``.
    layers : str
        Glob of the layers to look at.
    reference : str
        Path of the checkpoint that all are compared with; "" is the first of the series.
    epsilon : float
        Flip rate up to which a layer counts as frozen.
    cache : bool
        Whether masks and results may be read from and written to the analysis cache.
    """

    rule: Rule = "auto"
    pattern: str | None = None
    axis: str = "in"
    kinds: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    layers: str = "*"
    reference: str = ""
    epsilon: float = 0.0
    cache: bool = True


class TimelineWanted(Message, frozen=True):
    """Read a series: ``Progress``, ``TimelinePoints``, ``TimelineRows``, ``Curve``, ``Done``.

    With ``follow`` the series is looked at once: where anything is new since the last such
    question all of it comes, else ``Done`` alone. To be asked every two seconds; the folder may
    still be empty. Newest wins per series.
    """

    series: SeriesId
    options: TimelineOptions = TimelineOptions()
    follow: bool = False


class SeriesTilesWanted(Message, frozen=True):
    """Tiles of the flips of a layer, nearest first: ``SeriesTile`` each, then ``Done``.

    ``flips``: between the points ``before`` and ``after`` (numbers of ``TimelinePoints``).
    ``last change``: of the steps between them. Each new set of a view replaces its last.
    """

    view: int
    series: SeriesId
    options: TimelineOptions
    layer: str
    plane: SeriesPlane
    before: int
    after: int
    tiles: tuple[TileKey, ...]


class OscillatorsWanted(Message, frozen=True):
    """The weights of a layer that flip most: one ``Oscillators``. Newest wins per ``view``.

    Flips are counted from the point ``before`` to the point ``after``, -1 for the last one.
    """

    view: int
    series: SeriesId
    options: TimelineOptions
    layer: str
    count: int = 50
    before: int = 0
    after: int = -1


class ChangesWanted(Message, frozen=True):
    """What changed in every layer between two points: one ``Changes``. Newest wins per ``view``."""

    view: int
    series: SeriesId
    options: TimelineOptions
    before: int
    after: int


class WeightWanted(Message, frozen=True):
    """At which steps one weight flipped: one ``WeightStory``. Newest wins per ``view``.

    ``row`` and ``column`` are those of the picture.
    """

    view: int
    series: SeriesId
    options: TimelineOptions
    layer: str
    row: int
    column: int


class BundleWanted(Message, frozen=True):
    """Write the figure bundle of some series into a folder of the core: one ``Written``.

    ``width`` is in inches.
    """

    series: tuple[SeriesId, ...]
    options: TimelineOptions
    folder: str
    width: float = 3.25


class TimelinePoints(Message, frozen=True):
    """The checkpoints of a series, as columns; ``steps`` is int64.

    ``reference`` names what all are compared with. ``python`` is three lines that give the same
    numbers. After these points come ``layers`` rows.
    """

    steps: bytes
    names: tuple[str, ...]
    paths: tuple[str, ...]
    layers: int
    reference: str
    notes: tuple[str, ...]
    python: str


class TimelineRows(Message, frozen=True):
    """Layers ``first`` ... of a timeline; a layer whose shape changed comes once for each shape.

    By layer: ``entries``, ``froze_at`` (a step, -1 while it moves) int64; ``net_over_gross`` and
    ``bound`` (highest flip rate that its N:M allows) float64, NaN where there is none.
    By layer and point, row by row: ``kept``, ``sad``, ``returned`` (flips that undo one of the
    step before), ``survivors``, ``drift`` and ``reference_sad`` int64, -1 where there is none;
    ``margin_low`` and ``margin`` float32, NaN where masks are not projected.
    """

    first: int
    names: tuple[str, ...]
    rules: tuple[str, ...]
    patterns: tuple[str, ...]
    rows: bytes
    columns: bytes
    entries: bytes
    froze_at: bytes
    net_over_gross: bytes
    bound: bytes
    kept: bytes
    sad: bytes
    returned: bytes
    survivors: bytes
    drift: bytes
    reference_sad: bytes
    margin_low: bytes
    margin: bytes


class Curve(Message, frozen=True):
    """A number over the steps of a run (``loss``, ``lr``, ``valid metric``).

    ``steps`` is int64, ``values`` float64.
    """

    name: str
    steps: bytes
    values: bytes


class SeriesTile(Message, frozen=True):
    """One tile: ``height`` x ``width`` bytes, row by row, zlib-packed where ``packed``.

    Flips: round(255 * share of the weights that flipped), at least 1 where any did. Last change:
    0 never, else 1 ... 255 from the first flips to the last ones between the two points.
    """

    view: int
    layer: str
    plane: SeriesPlane
    before: int
    after: int
    key: TileKey
    height: int
    width: int
    packed: bool
    data: bytes


class Oscillators(Message, frozen=True):
    """The worst first, as columns of int64: place in the picture, in the tensor, flips."""

    view: int
    layer: str
    rows: bytes
    columns: bytes
    indices: bytes
    flips: bytes


class Changes(Message, frozen=True):
    """Newly kept and newly pruned weights by row of ``TimelineRows``, as columns of int64.

    -1 where the layer is not at both points.
    """

    view: int
    before: int
    after: int
    births: bytes
    deaths: bytes


class WeightStory(Message, frozen=True):
    """The steps, int64, at which a weight changed sides, and its mask bit at the last one."""

    view: int
    layer: str
    row: int
    column: int
    index: tuple[int, ...]
    kept: bool
    flips: bytes


class Written(Message, frozen=True):
    """Files that were written, and sentences about what was not."""

    paths: tuple[str, ...]
    notes: tuple[str, ...] = ()
