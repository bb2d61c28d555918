"""The options that every training has."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

OPTIMIZERS = Literal["sgd", "adam", "adamw"]
SCHEDULES = Literal["cosine", "constant", "step"]
PARALLEL = Literal["none", "ddp", "fsdp"]


def _unit(text: str) -> dict[str, str]:
    return {"unit": text}


class TrainOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is trained how; those of the method and the task come on top.

    None is left to the task.
    """

    task: Annotated[str, Meta(description="what is learned: a name or FILE.py:NAME")] = "digits"
    method: Annotated[str, Meta(description="how it gets sparse: a name or FILE.py:NAME")] = (
        "sr-ste"
    )
    pattern: Annotated[str, Meta(description="N:M that sparse layers get")] = "2:4"
    axis: Annotated[Literal["in", "out", "kernel"], Meta(description="where groups run")] = "in"
    layers: Annotated[
        str,
        Meta(description="sparse layers: globs, first, last; ! makes dense; the last match counts"),
    ] = ""
    init: Annotated[str, Meta(description="checkpoint to start from")] = ""
    epochs: (
        Annotated[
            int,
            Meta(ge=1, description="passes over the data", extra_json_schema=_unit("epochs")),
        ]
        | None
    ) = None
    batch: (
        Annotated[
            int,
            Meta(
                ge=1,
                description="examples a step, all processes together",
                extra_json_schema=_unit("examples"),
            ),
        ]
        | None
    ) = None
    optimizer: Annotated[OPTIMIZERS, Meta(description="what turns gradients into steps")] | None = (
        None
    )
    lr: Annotated[float, Meta(ge=0, description="learning rate")] | None = None
    momentum: Annotated[float, Meta(ge=0, le=0.9999, description="momentum of sgd")] = 0.9
    weight_decay: Annotated[float, Meta(ge=0, description="decay of all weights")] = 0.0
    schedule: Annotated[SCHEDULES, Meta(description="how the learning rate falls")] = "cosine"
    seed: Annotated[int, Meta(ge=0, description="of weights and batch order")] = 0
    mask_every: Annotated[
        int,
        Meta(ge=1, description="steps between two masks on disk", extra_json_schema=_unit("steps")),
    ] = 10
    save_every: Annotated[
        int,
        Meta(
            ge=0,
            description="steps between checkpoints; 0 saves each epoch",
            extra_json_schema=_unit("steps"),
        ),
    ] = 0
    keep: Annotated[
        int, Meta(ge=1, description="last checkpoints kept, beside the first and the best")
    ] = 5
    device: Annotated[str, Meta(description="cpu, cuda, cuda:1; empty takes a GPU if there is")] = (
        ""
    )
    parallel: Annotated[PARALLEL, Meta(description="under torchrun: how processes share")] = "none"
    threads: Annotated[
        int,
        Meta(ge=1, description="threads of torch on the CPU", extra_json_schema=_unit("threads")),
    ] = 1
