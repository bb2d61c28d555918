"""Guess the next character: a small transformer on any text file."""

from pathlib import Path
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.training.networks.transformer import Transformer
from sparse_core.training.task import Data, Examples, Task

HELD_BACK = 0.1


class CharsOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of chars."""

    text: Annotated[str, Meta(description="a UTF-8 text file")] = ""
    time: Annotated[
        int,
        Meta(
            ge=2, description="characters of a sequence", extra_json_schema={"unit": "characters"}
        ),
    ] = 64
    width: Annotated[int, Meta(ge=8, description="features of a character")] = 128
    heads: Annotated[int, Meta(ge=1, description="attention heads")] = 4
    depth: Annotated[int, Meta(ge=1, description="transformer layers")] = 2


class Chars(Task):
    """Sequences of a text that follow one another; the last tenth is held back."""

    name = "chars"
    Options = CharsOptions
    defaults = {"epochs": 3, "batch": 32, "lr": 3e-3, "optimizer": "adamw"}

    def __init__(self, options: CharsOptions) -> None:
        super().__init__(options)
        self._codes, self._vocabulary = _encode(_read(options.text))

    def model(self) -> nn.Module:
        """Make the transformer for the characters of the text."""
        options = self.options
        if options.width % options.heads:
            raise RunError(
                f"--width {options.width} must be a multiple of --heads {options.heads}."
            )
        return Transformer(
            len(self._vocabulary), options.time, options.width, options.heads, options.depth
        )

    def data(self) -> Data:
        """Cut the text into sequences; each character's target is the one after it."""
        time = self.options.time
        count = (len(self._codes) - 1) // time
        inputs = self._codes[: count * time].view(count, time)
        targets = self._codes[1 : count * time + 1].view(count, time)
        if count < 2:
            raise RunError(f"{self.options.text} is too short for sequences of {time} characters.")
        train = count - max(1, round(count * HELD_BACK))
        return Data(
            Examples(inputs[:train], targets[:train]), Examples(inputs[train:], targets[train:])
        )

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the mean cross-entropy of each sequence, in nats a character."""
        losses = nn.functional.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), reduction="none"
        )
        return losses.view(targets.shape).mean(dim=1)

    def metric(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the share of characters that were guessed, of each sequence."""
        return (outputs.argmax(dim=-1) == targets).float().mean(dim=1)


def _read(path: str) -> str:
    if not path:
        raise RunError("The task chars wants a text file: --text FILE.")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read as UTF-8 text: {error}.") from error


def _encode(text: str) -> tuple[Tensor, list[str]]:
    """Give the characters of a text as numbers, in the order of their code points."""
    vocabulary = sorted(set(text))
    numbers = {character: number for number, character in enumerate(vocabulary)}
    return torch.tensor([numbers[character] for character in text]), vocabulary
