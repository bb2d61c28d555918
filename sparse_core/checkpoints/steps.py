"""At which step a checkpoint was written, told from its name."""

import re
from collections.abc import Sequence

_ENDING = re.compile(r"\.(?:safetensors|pth|pt|bin|ckpt|npz)(?=-\d+$|$|/)", re.IGNORECASE)
_WORDS = ("step", "steps", "iter", "iteration", "it", "checkpoint", "ckpt", "epoch", "ep")
"""What a number is called, the finest unit first."""
_NAMED = re.compile(r"([A-Za-z]+)[-_=. ]*(\d+)")
_NUMBER = re.compile(r"\d+")


def steps_of(names: Sequence[str]) -> list[int | None]:
    """Tell the step of each of some checkpoints that belong together.

    The number behind a word for it (``epoch=3-step=1200.ckpt`` is step 1200), else the only
    number that differs among names which are otherwise equal, else the only number of a name.

    Parameters
    ----------
    names : sequence of str
        File or folder names, or paths relative to the folder they share.

    Returns
    -------
    list of int or None
        None where a name does not tell.
    """
    bare = [_ENDING.sub("", name) for name in names]
    varying = _varying_place(bare)
    return [_step_of(name, varying) for name in bare]


def _step_of(name: str, varying: int | None) -> int | None:
    """Tell the step of one name whose number at place ``varying`` differs from its fellows'."""
    numbers = {word.lower(): int(number) for word, number in _NAMED.findall(name)}
    for word in _WORDS:
        if word in numbers:
            return numbers[word]
    found = _NUMBER.findall(name)
    if varying is not None:
        return int(found[varying])
    return int(found[0]) if len(found) == 1 else None


def _varying_place(names: Sequence[str]) -> int | None:
    """Find the one number in which names differ; None where they differ in more, or in words."""
    if len(names) < 2 or len({_NUMBER.sub("#", name) for name in names}) != 1:
        return None
    columns = list(zip(*(_NUMBER.findall(name) for name in names), strict=True))
    differing = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    return differing[0] if len(differing) == 1 else None
