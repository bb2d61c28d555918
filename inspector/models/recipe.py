"""The form's content as one frozen value, and what of the form it calls for."""

from collections.abc import Iterable
from typing import Self

import msgspec

from sparse_core.messages.training import (
    Form,
    FormField,
    MethodForm,
    Preset,
    Recipe,
    TaskForm,
    Value,
)

FIRST = (
    *("init", "pattern", "axis", "lambda", "sparsity", "groups"),
    *("lr", "schedule", "epochs", "batch", "seed", "device"),
)
"""What is asked of everybody, in this order; the rest waits behind "More options"."""
_APART = ("task", "method", "layers")
"""Fields with a place of their own in the form."""
_OWN = ".py:"
TITLES = {"lambda": "λ", "lr": "learning rate", "init": "start from", "run": "run folder"}
"""Words for options whose key is not one."""


class Answers(msgspec.Struct, frozen=True):
    """What the user chose.

    Attributes
    ----------
    options : tuple of (key, text)
        As typed; what is not named keeps its default.
    run : str
        The run folder, "" lets the core name one.
    trusted : tuple of str
        ``FILE.py:NAME`` that may be executed.
    over : tuple of (key, values)
        A sweep: the options in which its runs differ.
    seeds : int
        Runs of each combination.
    """

    options: tuple[tuple[str, str], ...] = ()
    run: str = ""
    trusted: tuple[str, ...] = ()
    over: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    seeds: int = 1

    @property
    def named(self) -> dict[str, str]:
        """The options by their keys."""
        return dict(self.options)

    @property
    def sweep(self) -> bool:
        """Whether it makes several runs."""
        return bool(self.over) or self.seeds > 1

    @property
    def own_files(self) -> tuple[str, ...]:
        """``FILE.py:NAME`` among the options: executed only after a yes."""
        named = self.named
        return tuple(named[key] for key in ("task", "method") if _OWN in named.get(key, ""))

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Those of them that nobody agreed to yet."""
        return tuple(name for name in self.own_files if name not in self.trusted)

    def get(self, key: str, otherwise: str = "") -> str:
        """Return what was filled into a field."""
        if key == "run":
            return self.run
        if key == "seeds":
            return str(self.seeds) if self.seeds > 1 else otherwise
        if key == "sweep":
            return "  ".join(sweep_words(self.over)) or otherwise
        return self.named.get(key, otherwise)

    def having(self, key: str, text: str) -> Self:
        """Return the answers with one field filled in; an empty text leaves it to its default."""
        if key == "run":
            return msgspec.structs.replace(self, run=text.strip())
        if key == "seeds":
            seeds = int(text) if text.strip().isdigit() else 1
            return msgspec.structs.replace(self, seeds=max(seeds, 1))
        if key == "sweep":
            return msgspec.structs.replace(self, over=_over(text))
        named = self.named
        named.pop(key, None)
        if text.strip():
            named[key] = text.strip()
        return msgspec.structs.replace(self, options=tuple(named.items()))

    def recipe(self) -> Recipe:
        """Return it as the core takes it."""
        return Recipe(self.options, self.run, self.trusted)


def from_preset(answers: Answers, preset: Preset) -> Answers:
    """Fill in a preset; what it needs of the user stays."""
    kept = {key: text for key, text in answers.options if key in (*preset.needs, "init", "device")}
    named = {**kept, **texts_of(preset.options)}
    return msgspec.structs.replace(
        answers, options=tuple(named.items()), over=preset.over, seeds=1, run=""
    )


def from_recipe(recipe: Recipe, seeds: int = 1) -> Answers:
    """Fill in what the core proposes."""
    return Answers(tuple(texts_of(recipe.options).items()), recipe.run, seeds=seeds)


def texts_of(options: Iterable[tuple[str, Value]]) -> dict[str, str]:
    """Write values as a user would type them."""
    return {key: text_of(value) for key, value in options}


def text_of(value: Value | None) -> str:
    """Write one value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def sweep_words(over: Iterable[tuple[str, tuple[Value, ...]]]) -> tuple[str, ...]:
    """Write a sweep as ``--sweep`` takes it: ``lambda=0,0.003``."""
    words = []
    for key, values in over:
        texts = [text_of(value) for value in values]
        apart = ";" if any("," in text for text in texts) else ","
        words.append(f"{key}={apart.join(texts)}")
    return tuple(words)


def _over(text: str) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    """Read ``lambda=0,0.003  lr=0.1,0.2``; what has no = is left out."""
    over = []
    for word in text.split():
        key, is_one, values = word.partition("=")
        apart = ";" if ";" in values else ","
        if is_one and values.strip(apart):
            over.append((key.replace("-", "_"), tuple(v for v in values.split(apart) if v)))
    return tuple(over)


# ------------------------------------------------------------ what the form asks


class Asked(msgspec.Struct, frozen=True):
    """One field as it stands in the form.

    Attributes
    ----------
    field : FormField
    default : str
        What holds if nothing is typed.
    text : str
        What was typed.
    first : bool
        Whether it is shown without "More options".
    """

    field: FormField
    default: str
    text: str
    first: bool

    @property
    def title(self) -> str:
        """What the field is called."""
        return TITLES.get(self.field.key, self.field.key.replace("_", " "))

    @property
    def about(self) -> str:
        """Unit, range and default, as one line."""
        field = self.field
        low, high = field.minimum, field.maximum
        within = ""
        if low is not None and high is not None:
            within = f"{low:g} to {high:g}"
        elif low is not None:
            within = f"≥ {low:g}"
        elif high is not None:
            within = f"≤ {high:g}"
        nothing = "none" if field.kind == "str" else "as the method says"
        parts = (self.default or nothing, within, field.unit)
        return " · ".join(part for part in parts if part)


_RUN = FormField("run", "--run", "str", "", "where all of it is written")
_SWEEP = FormField("sweep", "--sweep", "str", "", "a run each: lambda=0,0.003")
_SEEDS = FormField("seeds", "--seeds", "int", 1, "runs of each, with seeds of their own", "", 1)


def method_of(form: Form, answers: Answers) -> MethodForm | None:
    """Return the method that is chosen, None for one that is not known."""
    name = answers.get("method", _default(form, "method"))
    return next((one for one in form.methods if one.name == name), None)


def task_of(form: Form, answers: Answers) -> TaskForm | None:
    """Return the task that is chosen, None for one that is not known."""
    name = answers.get("task", _default(form, "task"))
    return next((one for one in form.tasks if one.name == name), None)


def asked(form: Form, answers: Answers) -> tuple[Asked, ...]:
    """Return the fields of training, method and task as they stand, the usual ones first."""
    method, task = method_of(form, answers), task_of(form, answers)
    fields = {field.key: field for field in form.fields if field.key not in _APART}
    for part in (method, task):
        fields |= {field.key: field for field in (part.fields if part else ())}
    if method is not None and not method.uses_pattern:
        fields.pop("pattern", None)
        fields.pop("axis", None)
    suits = {**dict(form.fallback), **(dict(task.defaults) if task else {})}
    order = [key for key in FIRST if key in fields]
    order += [key for key in fields if key not in order]
    fields |= {field.key: field for field in (_RUN, _SEEDS, _SWEEP)}
    order = [*order, "seeds", "sweep", "run"]
    return tuple(
        Asked(
            fields[key],
            text_of(fields[key].default if fields[key].default is not None else suits.get(key)),
            answers.get(key),
            key in (*FIRST, "run"),
        )
        for key in order
    )


def names(form: Form, kind: str) -> tuple[str, ...]:
    """Return what can be chosen as ``method`` or ``task``."""
    return tuple(one.name for one in (form.methods if kind == "method" else form.tasks))


def chosen(form: Form, answers: Answers, kind: str) -> str:
    """Return the method or task that holds."""
    return answers.get(kind, _default(form, kind))


def with_layer(answers: Answers, policy: str, layer: str, *, sparse: bool) -> Answers:
    """Return the answers with a layer made sparse or left dense, whatever was said of it before.

    ``policy`` is what holds while the answers say nothing.
    """
    words = [word for word in (answers.get("layers") or policy or "*").split(",") if word]
    words = [word for word in words if word.lstrip("!") != layer]
    return answers.having("layers", ",".join((*words, layer if sparse else f"!{layer}")))


def _default(form: Form, key: str) -> str:
    return next((text_of(field.default) for field in form.fields if field.key == key), "")
