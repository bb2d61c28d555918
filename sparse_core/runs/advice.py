"""What to do next with a run, as it follows from its figures: pure functions, a reason each."""

from collections.abc import Callable, Iterator

import msgspec

from sparse_core.messages.jobs import JobState
from sparse_core.messages.runs import Action
from sparse_core.messages.training import Options, Recipe, Value
from sparse_core.runs.recipes import command_line, train_words

MOVING = 1e-3
"""Flip rate of the last interval above which masks count as still moving."""
UNSTABLE_SHARE = 0.6
"""One layer that has so much of all flips, though not of the weights, is unstable."""
STRONGER = 3.0
"""By how much lambda is turned up."""


class LayerFigures(msgspec.Struct, frozen=True):
    """One sparse layer at the last mask: weights, and those that changed in the interval."""

    name: str
    entries: int
    sad: int


class Figures(msgspec.Struct, frozen=True):
    """What advice follows from.

    Attributes
    ----------
    run : str
    state : str
    checkpoint, best : str
        Last and best checkpoint, "" where there is none.
    options : tuple of (key, value)
        What it was trained with.
    step, steps : int
    pattern : str or None
    layers : tuple of LayerFigures
    exponent : float or None
        What lambda alone did.
    bad_groups : int or None
        Groups of the last checkpoint that break the pattern, as its network uses the weights;
        None where it was not looked at.
    eligible : int
        Layers that a kernel for their pattern can run.
    zero_units : int
        Filters and rows that are all zero.
    metric, best_metric : float or None
    """

    run: str
    state: JobState
    checkpoint: str = ""
    best: str = ""
    options: Options = ()
    step: int = 0
    steps: int = 0
    pattern: str | None = None
    layers: tuple[LayerFigures, ...] = ()
    exponent: float | None = None
    bad_groups: int | None = None
    eligible: int = 0
    zero_units: int = 0
    metric: float | None = None
    best_metric: float | None = None
    virtual: bool = False

    @property
    def flip_rate(self) -> float:
        """Share of the weights of sparse layers that changed in the last interval."""
        entries = sum(layer.entries for layer in self.layers)
        return sum(layer.sad for layer in self.layers) / entries if entries else 0.0

    def option(self, key: str) -> Value | None:
        """Give an option of the run."""
        return dict(self.options).get(key)


def advise(figures: Figures) -> tuple[Action, ...]:
    """Say what to do next, the most useful first."""
    if figures.state in ("starting", "running", "paused", "stopping", "gone"):
        return ()
    return tuple(action for rule in RULES for action in rule(figures))


def _resume(figures: Figures) -> Iterator[Action]:
    """Go on with a run that was cut off."""
    if figures.state not in ("died", "stopped"):
        return
    how = "was stopped" if figures.state == "stopped" else "ended without a word"
    yield Action(
        "resume",
        "Go on with this run",
        f"It {how} at step {figures.step:,} of {figures.steps:,}.",
        figures.run,
        command=command_line(("train", "--run", figures.run, "--resume")),
    )


def _failed(figures: Figures) -> Iterator[Action]:
    """Try a run that failed with a smaller step."""
    lr = figures.option("lr")
    if figures.state != "failed" or not isinstance(lr, float) or not lr:
        return
    changed = _changed(figures.options, {"lr": lr / 10})
    yield _train(
        figures,
        f"Train again with a learning rate of {lr / 10:g}",
        f"It failed at step {figures.step:,} with a learning rate of {lr:g}.",
        changed,
        "",
    )


def _moving(figures: Figures) -> Iterator[Action]:
    """Pull harder, or train longer, where masks still move."""
    if figures.state != "finished" or figures.virtual or figures.flip_rate <= MOVING:
        return
    if _unstable_layer(figures) is not None:
        return
    reason = (
        f"{figures.flip_rate:.2%} of the weights of sparse layers still changed sides in the last "
        "interval: averaged or early checkpoints would break the pattern."
    )
    strength = figures.option("lambda")
    if isinstance(strength, int | float) and figures.pattern:
        stronger = _stronger(float(strength), figures.exponent)
        told = figures.exponent
        done = f" Lambda alone came to exp(-{told:.2g})." if told else ""
        yield _train(
            figures,
            f"Train again with lambda {stronger:.2g}",
            reason + done,
            _changed(figures.options, {"lambda": stronger}),
            "",
        )
    epochs = figures.option("epochs")
    more = max(1, int(epochs)) if isinstance(epochs, int | float) else 5
    yield _train(
        figures,
        f"Train {more} epochs more from its last checkpoint",
        reason,
        _changed(figures.options, {"epochs": more}),
        figures.checkpoint,
    )


def _unstable(figures: Figures) -> Iterator[Action]:
    """Leave the one layer dense that makes most of the flips."""
    worst = _unstable_layer(figures)
    if figures.state != "finished" or figures.virtual or worst is None:
        return
    total = sum(layer.sad for layer in figures.layers)
    others = ",".join(layer.name for layer in figures.layers if layer is not worst)
    yield _train(
        figures,
        f"Train again with {worst.name} dense",
        f"{worst.sad / total:.0%} of all changes in the last interval were in {worst.name}, which "
        f"holds {worst.entries / sum(layer.entries for layer in figures.layers):.0%} of the "
        "weights: its mask does not settle.",
        _changed(figures.options, {"layers": others}),
        "",
    )


def _unstable_layer(figures: Figures) -> LayerFigures | None:
    """Find the layer that flips far more than its share, if masks move at all."""
    total = sum(layer.sad for layer in figures.layers)
    entries = sum(layer.entries for layer in figures.layers)
    if len(figures.layers) < 2 or not total or figures.flip_rate <= MOVING:
        return None
    worst = max(figures.layers, key=lambda layer: layer.sad)
    own, weight = worst.sad / total, worst.entries / entries
    return worst if own >= UNSTABLE_SHARE and own >= 2 * weight else None


def _valid(figures: Figures) -> Iterator[Action]:
    """Time a valid pattern where a kernel takes it, and export it."""
    if figures.state != "finished" or figures.virtual or not figures.checkpoint:
        return
    if figures.pattern and figures.bad_groups == 0 and figures.eligible:
        yield Action(
            "speed",
            f"Time {figures.pattern} on this machine",
            f"No group breaks {figures.pattern}, and kernels take {_of_layers(figures)} in bf16; "
            "whether they are faster is measured, not inferred.",
            figures.checkpoint,
            (("pattern", figures.pattern),),
            command_line(("speed", figures.checkpoint)),
        )
    if figures.pattern and figures.bad_groups == 0:
        yield _export(figures, "Export it with exact zeros", f"No group breaks {figures.pattern}.")
    if figures.zero_units:
        what = "unit is" if figures.zero_units == 1 else "units are"
        yield _export(
            figures,
            "Export it compacted",
            f"{figures.zero_units:,} whole {what} zero: a smaller dense network gives the same "
            "outputs.",
            compact=True,
        )


def _of_layers(figures: Figures) -> str:
    count = len(figures.layers)
    return (
        f"all {count} of its layers"
        if figures.eligible == count
        else f"{figures.eligible} of {count} layers"
    )


def _dense(figures: Figures) -> Iterator[Action]:
    """Ask a dense network where it can be pruned."""
    if figures.state != "finished" or not figures.virtual or not figures.checkpoint:
        return
    pattern = figures.pattern or "2:4"
    yield Action(
        "sensitivity",
        "Measure which layers can be pruned",
        "Nothing is pruned yet: the loss of one layer at a time says where it costs least.",
        figures.checkpoint,
        (("pattern", pattern),),
        command_line(("sensitivity", figures.checkpoint, "--pattern", pattern)),
    )
    yield _train(
        figures,
        f"Prune it to {pattern} with ASP",
        "It is trained, and dense: pruned once, it is trained with the masks held.",
        (("task", figures.option("task") or ""), ("method", "asp"), ("pattern", pattern)),
        figures.best or figures.checkpoint,
    )


RULES: tuple[Callable[[Figures], Iterator[Action]], ...] = (
    _resume,
    _failed,
    _unstable,
    _moving,
    _valid,
    _dense,
)


def _stronger(strength: float, exponent: float | None) -> float:
    """Give a lambda that is surely felt: an exponent of at least 1, and thrice the old one."""
    if not strength:
        return 0.003
    if exponent:
        return max(STRONGER * strength, strength / exponent)
    return STRONGER * strength


def _train(figures: Figures, title: str, reason: str, options: Options, init: str) -> Action:
    filled = _changed(options, {"seed": None, **({"init": init} if init else {})})
    recipe = Recipe(tuple(pair for pair in filled if pair[1] != ""), f"{figures.run}-next")
    command = command_line(train_words(recipe))
    return Action("train", title, reason, init or figures.run, recipe.options, command)


def _export(figures: Figures, title: str, reason: str, *, compact: bool = False) -> Action:
    kind = "compact" if compact else "plain"
    out = f"{figures.run}-{kind}.safetensors"
    options: Options = (("out", out), *((("compact", True),) if compact else ()))
    flags = ("--compact",) if compact else ()
    command = command_line(("export", figures.run, *flags, "--out", out))
    return Action("export", title, reason, figures.run, options, command)


def _changed(options: Options, changed: dict[str, Value | None]) -> Options:
    merged = {**dict(options), **changed}
    return tuple((key, value) for key, value in merged.items() if value is not None)
