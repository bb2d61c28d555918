"""Two lines in anybody's training loop that leave a run folder.

>>> from sparse_core.training.recorder import Recorder
>>> rec = Recorder("runs/mine", model, "2:4")            # doctest: +SKIP
>>> for step, batch in enumerate(batches, 1):            # doctest: +SKIP
...     loss = train_step(batch)
...     rec.step(step, loss=loss)
>>> rec.finish()                                         # doctest: +SKIP
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.masks import PackedMask, pack
from sparse_core.patterns import NMPattern
from sparse_core.runs.config import RunConfig, write_config
from sparse_core.runs.events import Finished, LayerChoice, Mask, Started, Step
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.lock import RunLock
from sparse_core.training.journal import Journal
from sparse_core.training.policy import Candidate, candidates, group_misfit
from sparse_core.training.projection import nm_mask
from sparse_core.training.snapshot import Snapshot, changes, write_snapshot
from sparse_core.version import VERSION

MaskRule = Literal["auto", "zeros", "projected"]
P = ParamSpec("P")
R = TypeVar("R")

_LOG = logging.getLogger("sparsescope.recorder")


def _harmless(function: Callable[P, None]) -> Callable[P, None]:
    """Make a method whose own errors never reach the training: they are logged, and it ends."""

    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        recorder: Recorder = args[0]  # type: ignore[assignment]
        if recorder.broken or not recorder.writes:
            return
        try:
            function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - somebody else's training must go on
            recorder.broken = f"{type(error).__name__}: {error}"
            _LOG.warning("The run is no longer recorded: %s", recorder.broken)

    call.__doc__ = function.__doc__
    return call


class Recorder:
    """Writes events and packed masks of a foreign training.

    Only rank 0 writes. An error of its own never stops the training: it is logged once, kept in
    ``broken``, and nothing more is written.

    Parameters
    ----------
    run : str or Path
        The run folder; made if it is not there.
    model : nn.Module
        Looked at, never changed. Wrapped by DDP or not.
    pattern : str, optional
        N:M of the masks; needed for the rule ``projected``.
    axis : {"in", "out", "kernel"}
        Where its groups run.
    rule : {"auto", "zeros", "projected"}
        Where masks come from: the exact zeros of the weights, or their projection. ``auto``
        projects where a pattern is given and the weights hold no zeros at the first step.
    layers : sequence of str
        Names of the weights to record; by default every linear and convolution weight whose
        groups fit.
    every : int
        Steps between two masks on disk.
    steps : int
        How many steps are planned, 0 if that is not known.

    Attributes
    ----------
    broken : str
        What went wrong, "" while all is well.
    seconds : float
        Time spent in here so far: the overhead.
    """

    def __init__(  # noqa: PLR0913
        self,
        run: str | Path,
        model: nn.Module,
        pattern: str | None = None,
        *,
        axis: Literal["in", "out", "kernel"] = "in",
        rule: MaskRule = "auto",
        layers: Sequence[str] = (),
        every: int = 10,
        steps: int = 0,
    ) -> None:
        self.broken = ""
        self.seconds = 0.0
        self.writes = int(os.environ.get("RANK", "0")) == 0
        self._every = every
        self._before: Snapshot | None = None
        self._pattern = NMPattern.parse(pattern, axis) if pattern else None
        self._rule: MaskRule = rule
        self._model = getattr(model, "module", model)
        self._names = frozenset(layers)
        self._last = 0
        self._begin(RunFolder(Path(run)), steps)

    @_harmless
    def _begin(self, folder: RunFolder, steps: int) -> None:
        if folder.config.exists():
            raise RunError(f"{folder.root} holds a run already.")
        chosen = self._chosen()
        if not chosen:
            raise RunError("The model has no linear or convolution weight to record.")
        folder.make()
        self._lock = RunLock(folder)
        self._folder = folder
        if self._rule == "auto":
            latent = self._pattern is not None and not _any_zeros(chosen)
            self._rule = "projected" if latent else "zeros"
        text = str(self._pattern) if self._pattern else None
        axis = self._pattern.axis if self._pattern else "in"
        write_config(
            folder.config,
            RunConfig(
                task="recorded",
                method=f"recorded ({self._rule})",
                pattern=text,
                axis=axis,
                versions={"sparsescope": VERSION, "torch": str(torch.__version__)},
                command=tuple(sys.argv),
                started=time.time(),
            ),
        )
        self._journal = Journal(folder)
        self._journal.write(
            Started,
            0,
            task="recorded",
            method=f"recorded ({self._rule})",
            pattern=text,
            axis=axis,
            metric="",
            higher_is_better=True,
            steps=steps,
            steps_an_epoch=0,
            parameters=sum(one.numel() for one in self._model.parameters()),
            layers=tuple(
                LayerChoice(one.name, one.kind, tuple(one.parameter.shape), True, "", text)
                for one in chosen
            ),
        )
        self._journal.tell("running", 0)
        self._snapshot(0)

    @_harmless
    def step(self, step: int, *, loss: float | Tensor | None = None, **values: float) -> None:
        """Record a step.

        Parameters
        ----------
        step : int
            Optimizer steps done, rising.
        loss : float or Tensor, optional
            Its loss. A tensor on a GPU waits for it.
        **values : float
            Whatever else is to be plotted, by name; ``lr`` is the learning rate.
        """
        begun = time.perf_counter()
        lr = float(values.pop("lr", 0.0))
        self._journal.write(
            Step,
            step,
            epoch=0.0,
            loss=_number(loss),
            lr=lr,
            values={name: float(value) for name, value in values.items()},
        )
        if step % self._every == 0:
            self._snapshot(step)
        self._last = step
        self.seconds += time.perf_counter() - begun

    @_harmless
    def finish(self) -> None:
        """End the run well. Without it the run counts as died."""
        if self._before is not None and self._before.step != self._last:
            self._snapshot(self._last)
        figures = {"recorder_s": self.seconds}
        self._journal.write(Finished, self._last, reason="complete", figures=figures)
        self._journal.tell("finished", self._last)
        self._journal.close()
        self._lock.release()
        self.writes = False

    def _chosen(self) -> list[Candidate]:
        found = []
        for one in candidates(self._model):
            named = one.name in self._names
            fits = self._pattern is None or not group_misfit(one.layout, self._pattern)
            if named or (not self._names and one.prunable and not one.tied and fits):
                found.append(one)
        return found

    def _snapshot(self, step: int) -> None:
        now = Snapshot(step, {one.name: self._mask(one) for one in self._chosen()})
        write_snapshot(self._folder.mask(step), now)
        self._journal.write(Mask, step, **changes(self._before, now))
        self._before = now

    def _mask(self, one: Candidate) -> PackedMask:
        weight = one.parameter.detach()
        if self._rule == "projected" and self._pattern is not None:
            mask = nm_mask(weight, one.layout, self._pattern)
        else:
            mask = weight != 0
        return pack(mask.cpu().contiguous().numpy(), one.layout)


def _number(loss: float | Tensor | None) -> float | None:
    return float(loss.detach()) if isinstance(loss, Tensor) else loss


def _any_zeros(chosen: Sequence[Candidate]) -> bool:
    return any(bool((one.parameter.detach() == 0).any()) for one in chosen)


def trainer_callback(recorder: Recorder) -> Any:
    """Make a callback for ``transformers.Trainer``: ``Trainer(..., callbacks=[...])``."""
    base: Any = import_module("transformers").TrainerCallback

    class Record(base):  # type: ignore[misc]
        """Hands steps and logs on."""

        def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            """Record a step with the newest logged loss."""
            del args, control, rest
            logged: dict[str, Any] = next(
                (one for one in reversed(state.log_history) if "loss" in one), {}
            )
            recorder.step(
                state.global_step,
                loss=logged.get("loss"),
                lr=float(logged.get("learning_rate", 0.0)),
            )

        def on_train_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            """End the run."""
            del args, state, control, rest
            recorder.finish()

    return Record()


def lightning_callback(recorder: Recorder) -> Any:
    """Make a callback for Lightning: ``Trainer(callbacks=[...])``."""
    home = "lightning.pytorch" if find_spec("lightning") else "pytorch_lightning"
    base: Any = import_module(home).Callback

    class Record(base):  # type: ignore[misc]
        """Hands steps on."""

        def on_train_batch_end(
            self, trainer: Any, module: Any, outputs: Any, batch: Any, number: int
        ) -> None:
            """Record a step."""
            del module, batch, number
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            recorder.step(trainer.global_step, loss=loss)

        def on_train_end(self, trainer: Any, module: Any) -> None:
            """End the run."""
            del trainer, module
            recorder.finish()

    return Record()
