"""A figure bundle: the numbers as CSV, a short matplotlib script, and its PDF."""

import csv
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from sparse_core.analysis.timeline.result import StepChange, Timeline
from sparse_core.errors import SparseError

WIDTHS = (3.25, 6.75)
"""Inches: one column of a paper, and two."""
PDF = "timeline.pdf"
COLUMNS = (
    *("series", "from", "to", "step", "layer"),
    *("entries", "sad", "flip_rate", "births", "deaths"),
)

_SCRIPT = '''\
"""Flip rates by layer and step. Run it beside timeline.csv; it writes timeline.pdf."""

import csv
from pathlib import Path

import matplotlib

matplotlib.use("pdf")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
WIDTH = {width}  # inches

plt.rcParams.update({{
    "pdf.fonttype": 42, "font.size": 8, "axes.linewidth": 0.6, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "savefig.facecolor": "white",
}})
rows = list(csv.DictReader((HERE / "timeline.csv").open(newline="", encoding="utf-8")))
series = list(dict.fromkeys(row["series"] for row in rows))

figure, axes = plt.subplots(
    1 + len(series), 1, figsize=(WIDTH, (0.45 + 0.4 * len(series)) * WIDTH), layout="constrained"
)
top, strips = axes[0], axes[1:]
for name in series:
    total = [row for row in rows if row["series"] == name and not row["layer"]]
    steps = [int(row["step"]) for row in total]
    top.plot(steps, [float(row["flip_rate"]) for row in total], lw=1.2, label=name or "all layers")
top.set_ylabel("flip rate")
top.set_ylim(bottom=0)
if len(series) > 1:
    top.legend()

most = max((float(row["flip_rate"]) for row in rows if row["layer"]), default=1) or 1
for name, strip in zip(series, strips):
    own = [row for row in rows if row["series"] == name]
    layers = [layer for layer in dict.fromkeys(row["layer"] for row in own) if layer]
    steps = sorted({{int(row["step"]) for row in own}})
    place = {{step: index for index, step in enumerate(steps)}}
    heat = [[float("nan")] * len(steps) for _ in layers]
    for row in own:
        if row["layer"]:
            heat[layers.index(row["layer"])][place[int(row["step"])]] = float(row["flip_rate"])
    if heat and steps:
        edges = [steps[0] - 0.5, *((a + b) / 2 for a, b in zip(steps, steps[1:])), steps[-1] + 0.5]
        mesh = strip.pcolormesh(
            edges, range(len(layers) + 1), heat, cmap="Reds", vmin=0, vmax=most
        )
        figure.colorbar(mesh, ax=strip, label="flip rate")
        strip.invert_yaxis()
        if len(layers) <= 20:
            strip.set_yticks([index + 0.5 for index in range(len(layers))], layers)
    if name:
        strip.set_title(name, loc="left", fontsize=8)
if len(strips):
    strips[-1].set_xlabel("step")
figure.savefig(HERE / "timeline.pdf")
'''


def write_bundle(
    folder: Path, lines: Sequence[tuple[str, Timeline]], width: float = WIDTHS[0]
) -> tuple[Path, ...]:
    """Write ``timeline.csv`` and ``timeline.py``, and ``timeline.pdf`` with matplotlib.

    Parameters
    ----------
    folder : Path
        Made if it is not there; earlier files of these names are replaced.
    lines : sequence of (name, Timeline)
        One or more series.
    width : float
        Of the figure, in inches.

    Returns
    -------
    tuple of Path
        What was written; without matplotlib there is no PDF among it.

    Raises
    ------
    SparseError
        If the folder cannot be written, or the script fails.
    """
    table, script = folder / "timeline.csv", folder / "timeline.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for name, line in lines:
                writer.writerows(_row(name, change) for change in line.changes())
        script.write_text(_SCRIPT.format(width=width), encoding="utf-8")
    except OSError as error:
        raise SparseError(f"{folder} cannot be written: {error.strerror or error}.") from error
    if find_spec("matplotlib") is None:
        return table, script
    ended = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = ended.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise SparseError(f"matplotlib could not draw {script}: {last[0]}.")
    return table, script, folder / PDF


def _row(name: str, change: StepChange) -> tuple[object, ...]:
    """Give a line of the CSV; the total has no layer."""
    values = dict(msgspec.to_builtins(change), series=name, layer=change.layer or "")
    return tuple(values[column] for column in COLUMNS)
