"""A recipe looked at before it is started: what would be trained, and what does not fit."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch

from sparse_core.errors import RunError, SparseError
from sparse_core.messages.training import Complaint, Draft, DraftWanted, Recipe, Value
from sparse_core.patterns import NMPattern
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.recipes import as_python, command_line, names_file, settled, train_words
from sparse_core.training.describing import UNTRUSTED, options_of
from sparse_core.training.forms import fields_of, fill
from sparse_core.training.job import Job, Request
from sparse_core.training.layers import plain_parameters
from sparse_core.training.method import Method
from sparse_core.training.optimizers import momentum_of
from sparse_core.training.options import TrainOptions
from sparse_core.training.registry import find_method, find_task
from sparse_core.training.schedule import lr_sum
from sparse_core.training.task import Task

_FLAG = re.compile(r"--([a-z][a-z0-9-]*)")
INERT = 0.3
"""Exponents below hardly matter."""


class _Parts(msgspec.Struct):
    """A recipe's options by owner, read as what they are."""

    common: dict[str, Any]
    method: dict[str, Any]
    task: dict[str, Any]


def draft(wanted: DraftWanted) -> Draft:
    """Look at a recipe; trains nothing and writes nothing."""
    recipe = settled(wanted.recipe)
    complaints: list[Complaint] = []
    method = _found(recipe, "method", complaints)
    task = _found(recipe, "task", complaints)
    parts = _sorted(recipe, method, task, complaints)
    _check_places(recipe, parts, method, complaints)
    seen = Draft(
        view=wanted.view,
        recipe=recipe,
        command=command_line(train_words(recipe)),
        python=as_python(parts.common, parts.method, parts.task, recipe.run),
    )
    if complaints:
        return msgspec.structs.replace(seen, complaints=tuple(complaints))
    request = Request(TrainOptions(**{**parts.common, "device": "cpu"}), parts.method, parts.task)
    try:
        job = Job(request)
    except SparseError as error:
        complaint = Complaint(_key_of(str(error), recipe), str(error))
        return msgspec.structs.replace(seen, complaints=(complaint,))
    return _filled(seen, job, str(parts.common.get("device", "")))


def _found(recipe: Recipe, what: str, complaints: list[Complaint]) -> Any:
    """Find the method or task; None, and a complaint, where there is none."""
    name = _named(recipe, what)
    if names_file(name) and name not in recipe.trusted:
        complaints.append(Complaint(what, UNTRUSTED))
        return None
    try:
        return find_method(name) if what == "method" else find_task(name)
    except SparseError as error:
        complaints.append(Complaint(what, str(error)))
        return None


def _sorted(
    recipe: Recipe,
    method: type[Method] | None,
    task: type[Task] | None,
    complaints: list[Complaint],
) -> _Parts:
    """Sort options by owner; each that does not fit gets a complaint of its own."""
    owners: list[tuple[str, type[msgspec.Struct]]] = [("common", TrainOptions)]
    owners += [("method", method.Options)] if method else []
    owners += [("task", task.Options)] if task else []
    parts = _Parts({}, {}, {})
    for key, value in recipe.options:
        owner = next((one for one in owners if _has(one[1], key)), None)
        if owner is None:
            if method and task:
                complaints.append(Complaint(key, _unknown(key, recipe)))
            continue
        name, options = owner
        whose = "train" if name == "common" else _named(recipe, name)
        try:
            filled = msgspec.to_builtins(fill(options, {key: value}, whose))
        except SparseError as error:
            complaints.append(Complaint(key, str(error)))
        else:
            getattr(parts, name)[key] = filled[key]
    return parts


def _named(recipe: Recipe, what: str) -> str:
    """Give the method or task that a recipe names, or means by not naming one."""
    return str(dict(recipe.options).get(what) or getattr(TrainOptions(), what))


def _has(options: type[msgspec.Struct], key: str) -> bool:
    return any(field.key == key for field in fields_of(options))


def _unknown(key: str, recipe: Recipe) -> str:
    method, task = (_named(recipe, what) for what in ("method", "task"))
    return f"Neither train nor {method} nor {task} has an option --{key.replace('_', '-')}."


def _check_places(
    recipe: Recipe, parts: _Parts, method: type[Method] | None, complaints: list[Complaint]
) -> None:
    """Look at what can be judged without a model: pattern, device, checkpoint, run folder."""
    common = parts.common
    plain = TrainOptions()
    if method is not None and method.uses_pattern:
        try:
            NMPattern.parse(common.get("pattern", plain.pattern), common.get("axis", plain.axis))
        except SparseError as error:
            complaints.append(Complaint("pattern", str(error)))
    init = str(common.get("init", ""))
    if init and not Path(init).exists():
        complaints.append(Complaint("init", f"{init} does not exist."))
    refusal = _device_refusal(str(common.get("device", "")))
    if refusal:
        complaints.append(Complaint("device", refusal))
    if RunFolder(Path(recipe.run)).config.exists():
        complaints.append(
            Complaint("run", f"{recipe.run} holds a run already: resume it, or name another.")
        )


def _device_refusal(name: str) -> str:
    """Say why there is no such device; takes no memory of it."""
    try:
        device = torch.device(name or "cpu")
    except RuntimeError:
        return f"{name!r} is no device that torch knows."
    if device.type != "cuda":
        return ""
    count = torch.cuda.device_count()
    if (device.index or 0) < count:
        return ""
    return f"This machine has no device {name!r} that torch can use."


def _key_of(sentence: str, recipe: Recipe) -> str:
    """Guess which field a sentence is about: the first option that it names."""
    keys = {key for key, _ in recipe.options} | {field.key for field in fields_of(TrainOptions)}
    named = (match.replace("-", "_") for match in _FLAG.findall(sentence))
    found = next((key for key in named if key in keys), "")
    if found:
        return found
    values: Mapping[str, Value] = dict(recipe.options)
    init = str(values.get("init", ""))
    if init and init in sentence:
        return "init"
    return "layers" if "cannot be sparse" in sentence else ""


def _filled(seen: Draft, job: Job, device: str) -> Draft:
    """Say what would be trained."""
    options = msgspec.structs.replace(job.options, device=device)
    to_come = lr_sum(options.schedule, float(options.lr or 0), job.spans)
    exponent = job.method.exponent(momentum_of(options), to_come)
    everything = {
        **msgspec.to_builtins(options),
        **msgspec.to_builtins(job.method_options),
        **msgspec.to_builtins(job.task_options),
    }
    return msgspec.structs.replace(
        seen,
        options=options_of(everything.items()),
        layers=tuple(choice.name for choice in job.choices),
        kinds=tuple(choice.kind for choice in job.choices),
        shapes=tuple(choice.shape for choice in job.choices),
        sparse=bytes(choice.sparse for choice in job.choices),
        reasons=tuple(choice.reason for choice in job.choices),
        policy=options.layers or type(job.method).default_policy,
        steps=job.steps,
        steps_an_epoch=job.steps_an_epoch,
        parameters=sum(one.numel() for _, one in plain_parameters(job.model)),
        examples=len(job.data.train),
        exponent=exponent,
        notes=_notes(exponent, everything.get("lambda")),
    )


def _notes(exponent: float | None, strength: object) -> tuple[str, ...]:
    """Say of a lambda that does nothing which one would do something."""
    if exponent is None or exponent >= INERT or not isinstance(strength, float):
        return ()
    if not strength or not exponent:
        return ("With lambda 0 nothing pulls pruned weights to zero.",)
    enough = strength / exponent
    return (
        f"This lambda will shrink pruned weights by exp(-{exponent:.2g}) only: masks hardly "
        f"settle. {enough:.2g} would give exp(-1).",
    )


def answer(wanted: DraftWanted) -> Draft:
    """Look at a recipe; a mistake in the user's code becomes a complaint."""
    try:
        return draft(wanted)
    except RunError as error:
        complaint = Complaint("", str(error))
    except Exception as error:  # noqa: BLE001 - a user's model may raise anything
        complaint = Complaint("", f"{type(error).__name__}: {error}")
    return Draft(wanted.view, wanted.recipe, (complaint,))
