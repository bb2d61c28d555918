"""What a mask snapshot with SAD of all layers costs, as a share of a training step.

    python benchmarks/training_snapshot.py [--steps 20]

The small transformer of the task ``chars`` at its own defaults, batch 32, one thread, AdamW.
Snapshot: project and pack every sparse layer, compare with the masks before, write them to disk.
It should be at most 5 % of a step.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch.nn import functional

from sparse_core import native
from sparse_core.patterns import NMPattern
from sparse_core.training.method import Plan
from sparse_core.training.methods.ste import Ste, SteOptions
from sparse_core.training.networks.transformer import Transformer
from sparse_core.training.policy import choose_layers
from sparse_core.training.snapshot import changes, take, write_snapshot

BATCH, TIME, VOCABULARY = 32, 64, 96


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Transformer(VOCABULARY, TIME, 128, 4, 2)
    _, layers = choose_layers(model, "", Ste, SteOptions(), NMPattern(2, 4))
    method = Ste(SteOptions(), layers, Plan(1, 1, 0))
    method.attach()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens = torch.randint(VOCABULARY, (BATCH, TIME + 1))
    steps, snapshots = [], []
    before = take(method, 0)
    with tempfile.TemporaryDirectory() as folder:
        for step in range(1, args.steps + 4):
            begun = perf_counter()
            optimizer.zero_grad()
            logits = model(tokens[:, :-1]).flatten(0, 1)
            functional.cross_entropy(logits, tokens[:, 1:].flatten()).backward()
            optimizer.step()
            middle = perf_counter()
            now = take(method, step)
            changes(before, now)
            write_snapshot(Path(folder, "masks.safetensors"), now)
            end = perf_counter()
            before = now
            if step > 3:
                steps.append(middle - begun)
                snapshots.append(end - middle)
    print(f"kernels: {native.name()}")
    print(f"snapshot_layers: {len(layers)}")
    print(f"snapshot_weights: {sum(layer.layout.elements for layer in layers)}")
    print(f"step_ms: {1e3 * median(steps):.3f}")
    print(f"snapshot_ms: {1e3 * median(snapshots):.3f}")
    print(f"snapshot_share_of_step: {median(snapshots) / median(steps):.4f}")


if __name__ == "__main__":
    main()
