"""The training loop: steps, masks, checkpoints, and obeying whoever steers."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.runs.events import (
    Evaluated,
    Finished,
    Mask,
    Pending,
    Phase,
    Saved,
    Step,
)
from sparse_core.runs.folder import RunFolder
from sparse_core.training.job import Job
from sparse_core.training.journal import Journal
from sparse_core.training.keeping import remove_old
from sparse_core.training.measure import Figures, measure
from sparse_core.training.method import Moment
from sparse_core.training.optimizers import make_optimizer, momentum_of, set_lr
from sparse_core.training.order import epoch_order, share
from sparse_core.training.pull import PullMeter
from sparse_core.training.schedule import lr_at, span_at
from sparse_core.training.signals import StopWish
from sparse_core.training.snapshot import Snapshot, changes, last_snapshot, take, write_snapshot
from sparse_core.training.speed import Speed
from sparse_core.training.state import (
    Scalars,
    fill_optimizer,
    optimizer_tensors,
    read_state,
    restore_generators,
    write_state,
)
from sparse_core.training.steering import Steering
from sparse_core.training.weights import load_weights, save_weights
from sparse_core.training.work import figures
from sparse_core.training.world import World


class Trainer:
    """Trains one job in one run folder.

    Parameters
    ----------
    job : Job
    folder : RunFolder
        Made, and held by this process.
    world : World
    journal : Journal
    """

    def __init__(self, job: Job, folder: RunFolder, world: World, journal: Journal) -> None:
        self.job = job
        self.folder = folder
        self.world = world
        self.journal = journal
        self.step = 0
        self.steering = Steering(job, world, journal, folder.control)
        self.best: float | None = None
        self.best_step: int | None = None
        self._metric: float | None = None
        self._model = world.wrap(job.model)
        self._names = job.parameter_names()
        self._optimizer = make_optimizer(job.options, job.model.parameters())
        self._masks: Snapshot | None = None
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._speed = Speed()

    # ------------------------------------------------------------ beginning

    def restore(self, step: int, pending: Sequence[Pending]) -> None:
        """Go back to where the run was at a step that has a checkpoint and a state.

        ``pending`` are knobs that were turned from that step on, to be turned again.
        """
        state = read_state(self.folder.state_of(step))
        load_weights(self.job.model, self.folder.checkpoint(step))
        fill_optimizer(self._optimizer, state.optimizer, self._names)
        self.job.method.restore(state.method, state.scalars.method)
        restore_generators(state)
        self.step = step
        self.steering.restore(state.scalars.lr, pending)
        self.best, self.best_step = state.scalars.best, state.scalars.best_step
        self._masks = last_snapshot(self.folder, step)

    # ------------------------------------------------------------ the run

    def run(self, signals: StopWish) -> None:
        """Train to the end, or until somebody wishes a stop; leave a checkpoint either way.

        Parameters
        ----------
        signals : StopWish
            Says whether a signal came.

        Raises
        ------
        RunError
            If the loss is no number, or the disk is full. The last checkpoint is whole.
        """
        self.steering.signals = signals
        if self._saved_step() is None:
            self._snapshot({})
            self._evaluate_and_save()
        while self.step < self.job.steps:
            if self.steering.obey(self.step) and self._saved_step() != self.step:
                self._evaluate_and_save()
            if self.steering.stop:
                break
            self._enter_phase()
            self._one_step()
        self._snapshot({})
        if self._saved_step() != self.step:
            self._evaluate_and_save()
        complete = self.step >= self.job.steps
        result = {"best": self.best, "best_step": self.best_step, **self._figures()}
        self.journal.write(
            Finished, self.step, reason="complete" if complete else "stopped", figures=result
        )

    def _figures(self) -> dict[str, Any]:
        """Weigh the network at its last measured metric; not where its rows lie apart."""
        if self.world.sharded or self.job.task.metric_name != "accuracy":
            return {}
        return figures(self.job, self._metric)

    def _one_step(self) -> None:
        begun = time.perf_counter()
        job, span = self.job, span_at(self.job.spans, self.step)
        lr = lr_at(job.options.schedule, self.steering.lr, span, self.step)
        set_lr(self._optimizer, lr)
        due = self._mask_due(self.step + 1)
        meter = PullMeter(job.method) if due and self._has_lambda() else None
        if meter:
            meter.before()
        loss, examples = self._forward_backward()
        moment = Moment(self.step, lr, self._optimizer)
        job.method.before_step(moment)
        self._optimizer.step()
        job.method.after_step(moment)
        self.step += 1
        self._speed.add(examples, time.perf_counter() - begun)
        self.journal.write(
            Step,
            self.step,
            epoch=round(self.step / job.steps_an_epoch, 4),
            loss=loss,
            lr=lr,
            samples_per_s=self._speed.samples_per_s,
            left_s=self._speed.left_s(job.steps - self.step),
        )
        if due:
            self._snapshot(meter.after(self._optimizer, lr, self.world.sharded) if meter else {})
        if self._save_due():
            self._evaluate_and_save()
        self.steering.slow_down(begun)

    def _forward_backward(self) -> tuple[float, int]:
        """Give the gradients of the next batch; returns its mean loss and size."""
        job = self.job
        indices = self._batch()
        part = job.data.train.pick(share(indices, self.world.rank, self.world.processes))
        part = part.to(job.device)
        self._optimizer.zero_grad()
        job.model.train()
        losses = job.task.loss(job.task.outputs(self._model, part.inputs), part.targets)
        # DDP and FSDP average over processes; this makes it the mean over the whole batch.
        mean = losses.sum() * (self.world.processes / len(indices))
        torch.autograd.backward(mean)
        total = self.world.total(losses.detach().double().sum())
        loss = float(total) / len(indices)
        if not math.isfinite(loss):
            raise RunError(
                f"The loss is {loss} at step {self.step + 1}: the run was stopped. The last good "
                f"checkpoint is {self.folder.checkpoint(self._saved_step() or 0)}. Try a smaller "
                "learning rate."
            )
        return loss, len(indices)

    def _batch(self) -> Tensor:
        epoch, place = divmod(self.step, self.job.steps_an_epoch)
        if self._order[0] != epoch:
            order = epoch_order(len(self.job.data.train), self.job.options.seed, epoch)
            self._order = (epoch, order)
        start = place * self.job.batch
        return self._order[1][start : start + self.job.batch]

    def _enter_phase(self) -> None:
        """Begin a phase at its first step: the method may prune, the optimizer is new."""
        span = span_at(self.job.spans, self.step)
        if self.step != span.start:
            return
        note = self.job.method.enter(span.phase)
        if self.step:
            self._optimizer = make_optimizer(self.job.options, self.job.model.parameters())
        if note or len(self.job.spans) > 1:
            self.journal.write(Phase, self.step, name=span.phase.name, note=note)

    # ------------------------------------------------------------ masks and checkpoints

    def _mask_due(self, step: int) -> bool:
        return step % self.job.options.mask_every == 0

    def _save_due(self) -> bool:
        every = self.job.options.save_every or self.job.steps_an_epoch
        return self.step % every == 0

    def _saved_step(self) -> int | None:
        steps = self.folder.steps(self.folder.checkpoints)
        return steps[-1] if steps else None

    def _has_lambda(self) -> bool:
        return self.job.method.exponent(0.0) is not None

    def _snapshot(self, pulls: Mapping[str, float | None]) -> None:
        """Write the masks of now and what changed since the last ones."""
        if self._masks is not None and self._masks.step == self.step:
            return
        now = take(self.job.method, self.step)
        if not self.world.rank:
            write_snapshot(self.folder.mask(self.step), now)
        fields = changes(self._masks, now)
        self.journal.write(
            Mask,
            self.step,
            **fields,
            virtual=self.job.method.virtual,
            pull=tuple(pulls.get(name) for name in now.masks) if pulls else (),
            exponent=self.job.method.exponent(momentum_of(self.job.options)),
            groups=self.job.method.group_norms(),
        )
        self._masks = now

    def _evaluate_and_save(self) -> None:
        measured = measure(self.job.task, self.job.model, self.job.data.valid)
        self._metric = measured.metric
        best = self._is_best(measured)
        if best:
            self.best, self.best_step = measured.metric, self.step
        self.journal.write(
            Evaluated,
            self.step,
            split="valid",
            examples=measured.examples,
            loss=measured.loss,
            loss_sd=measured.loss_sd,
            metric=measured.metric,
            metric_sd=measured.metric_sd,
            best=best,
        )
        self._save(best)

    def _is_best(self, figures: Figures) -> bool:
        if figures.metric is None:
            return False
        if self.best is None:
            return True
        if self.job.task.higher_is_better:
            return figures.metric > self.best
        return figures.metric < self.best

    def _save(self, best: bool) -> None:
        """Write state, then weights: a checkpoint always has the state it needs."""
        self.journal.sync()
        tensors = optimizer_tensors(self._optimizer, self._names)
        method = self.job.method.state()
        if not self.world.rank:
            scalars = Scalars(
                step=self.step,
                elapsed_s=self.journal.elapsed_s,
                lr=self.steering.lr,
                best=self.best,
                best_step=self.best_step,
            )
            write_state(self.folder.state_of(self.step), scalars, tensors, method)
        path, size = save_weights(self.job, self.folder, self.step, self.world)
        removed = []
        if not self.world.rank:
            removed = remove_old(self.folder, self.job.options.keep, self.best_step)
        self.journal.write(
            Saved,
            self.step,
            path=str(path.relative_to(self.folder.root)),
            bytes=size,
            best=best,
            removed=tuple(removed),
        )
