"""What a CUDA device can do is tried, never looked up by version numbers."""

from collections.abc import Callable

import torch

from sparse_core.inference.backend import YES, Support


def refusal(device: str) -> Support:
    """Say yes on a CUDA device, or why not."""
    if not torch.cuda.is_available():
        return Support("no CUDA device")
    if not device.startswith("cuda"):
        return Support("runs on a CUDA device only")
    return YES


def attempt(trial: Callable[[], str]) -> str:
    """Run a trial and give its reason, or the first line of whatever it raised; "" is success.

    A driver, a library and a compiler each have errors of their own, and all of them mean the
    same here: it does not run on this machine.
    """
    try:
        return trial()
    except Exception as error:  # noqa: BLE001
        lines = str(error).strip().splitlines()
        return lines[0].rstrip(".") if lines else type(error).__name__
