"""Fine-tune a local Hugging Face causal language model on a text file.

Needs ``transformers`` (an extra). Nothing is downloaded, and no code of the model's folder is run.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from msgspec import Meta
from torch import Tensor, nn

from sparse_core.errors import RunError
from sparse_core.training.task import Data, Examples, Task

HELD_BACK = 0.1


class HfOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of hf."""

    folder: Annotated[str, Meta(description="model folder: config, weights, tokenizer")] = ""
    text: Annotated[str, Meta(description="a UTF-8 text file")] = ""
    time: Annotated[
        int, Meta(ge=2, description="tokens of a sequence", extra_json_schema={"unit": "tokens"})
    ] = 128


class Hf(Task):
    """Sequences of a text, each token's target the one after it; the last tenth is held back."""

    name = "hf"
    Options = HfOptions
    defaults = {"epochs": 1, "batch": 8, "lr": 1e-5, "optimizer": "adamw"}

    def __init__(self, options: HfOptions) -> None:
        super().__init__(options)
        if not Path(options.folder, "config.json").is_file():
            raise RunError(
                f"--folder {options.folder!r} is no model folder: it has no config.json."
            )

    def model(self) -> nn.Module:
        """Load the model with the weights of its folder."""
        made: nn.Module = _transformers().AutoModelForCausalLM.from_pretrained(
            self.options.folder, local_files_only=True, trust_remote_code=False
        )
        return made

    def data(self) -> Data:
        """Cut the text into sequences of tokens."""
        try:
            text = Path(self.options.text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"--text {self.options.text!r} cannot be read: {error}.") from error
        tokenizer = _transformers().AutoTokenizer.from_pretrained(
            self.options.folder, local_files_only=True, trust_remote_code=False
        )
        codes = torch.tensor(tokenizer(text)["input_ids"])
        time = self.options.time
        count = (len(codes) - 1) // time
        if count < 2:
            raise RunError(f"{self.options.text} is too short for sequences of {time} tokens.")
        inputs = codes[: count * time].view(count, time)
        targets = codes[1 : count * time + 1].view(count, time)
        train = count - max(1, round(count * HELD_BACK))
        return Data(
            Examples(inputs[:train], targets[:train]), Examples(inputs[train:], targets[train:])
        )

    def outputs(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Give the logits."""
        logits: Tensor = model(input_ids=inputs).logits
        return logits

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the mean cross-entropy of each sequence, in nats a token."""
        losses = nn.functional.cross_entropy(
            outputs.flatten(0, 1).float(), targets.flatten(), reduction="none"
        )
        return losses.view(targets.shape).mean(dim=1)

    def metric(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give the share of tokens that were guessed, of each sequence."""
        return (outputs.argmax(dim=-1) == targets).float().mean(dim=1)


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise RunError(
            "The task hf needs the package transformers: pip install transformers."
        ) from error
    return transformers
