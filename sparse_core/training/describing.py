"""Everything that can be chosen for a training, as a form needs it."""

import contextlib
from collections.abc import Iterable

import msgspec
import torch

from sparse_core.errors import RunError
from sparse_core.messages.training import (
    Device,
    Form,
    FormField,
    FormWanted,
    MethodForm,
    Options,
    TaskForm,
    Value,
)
from sparse_core.runs.places import runs_home
from sparse_core.runs.presets import PRESETS
from sparse_core.training.forms import fields_of
from sparse_core.training.job import FALLBACK
from sparse_core.training.method import Method, Plan
from sparse_core.training.options import TrainOptions
from sparse_core.training.registry import METHODS, TASKS, find_method, find_task
from sparse_core.training.task import Task

UNTRUSTED = "It is a Python file that would be executed: agree to that first."


def form(wanted: FormWanted) -> Form:
    """Describe all methods and tasks; of the user's own files those that are trusted."""
    methods = [method_form(name, find_method(name)) for name in METHODS]
    tasks = [task_form(name, find_task(name)) for name in TASKS]
    for name in dict.fromkeys((*wanted.trusted, *wanted.named)):
        if name not in wanted.trusted:
            methods.append(MethodForm(name, refusal=UNTRUSTED))
            tasks.append(TaskForm(name, refusal=UNTRUSTED))
            continue
        try:
            methods.append(method_form(name, find_method(name)))
        except RunError as error:
            methods += _refused(name, error, methods)
            with contextlib.suppress(RunError):
                tasks.append(task_form(name, find_task(name)))
                methods = [one for one in methods if one.name != name]
    return Form(
        fields=form_fields(TrainOptions),
        methods=tuple(methods),
        tasks=tuple(tasks),
        fallback=options_of(FALLBACK.items()),
        devices=devices(),
        presets=PRESETS,
        home=str(runs_home()),
        versions=(("torch", str(torch.__version__)),),
    )


def _refused(name: str, error: RunError, listed: list[MethodForm]) -> list[MethodForm]:
    """Say why a file is not described, once."""
    known = any(one.name == name for one in listed)
    return [] if known else [MethodForm(name, refusal=str(error))]


def method_form(name: str, method: type[Method]) -> MethodForm:
    """Describe a method."""
    return MethodForm(
        name=name,
        summary=_first_line(method),
        fields=form_fields(method.Options),
        policy=method.default_policy,
        uses_pattern=method.uses_pattern,
        knobs=("lr", *_knobs(method)),
    )


def task_form(name: str, task: type[Task]) -> TaskForm:
    """Describe a task."""
    return TaskForm(
        name=name,
        summary=_first_line(task),
        fields=form_fields(task.Options),
        defaults=options_of(task.defaults.items()),
        metric=task.metric_name,
        higher_is_better=task.higher_is_better,
    )


def form_fields(options: type[msgspec.Struct]) -> tuple[FormField, ...]:
    """Describe the options of a struct."""
    return tuple(
        msgspec.convert({"flag": field.flag, **msgspec.structs.asdict(field)}, FormField)
        for field in fields_of(options)
    )


def options_of(items: Iterable[tuple[str, object]]) -> Options:
    """Keep what has a value, as options travel."""
    return tuple((key, _value(value)) for key, value in items if value is not None)


def devices() -> tuple[Device, ...]:
    """List what torch can train on here."""
    found = [Device("cpu", "CPU")]
    for number in range(torch.cuda.device_count()):
        found.append(Device(f"cuda:{number}", torch.cuda.get_device_name(number)))
    return tuple(found)


def _value(value: object) -> Value:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _knobs(method: type[Method]) -> tuple[str, ...]:
    """Ask a method without layers what can be turned."""
    try:
        plan = Plan(steps=1, steps_an_epoch=1, seed=0)
        return tuple(method(method.Options(), (), plan).knobs())
    except Exception:  # noqa: BLE001 - a user's method may need layers; its knobs then stay unknown
        return ()


def _first_line(described: type) -> str:
    return (described.__doc__ or "").strip().partition("\n")[0]
