"""A recipe as a command line, as Python, and as the words of a job."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sparse_core.errors import RunError
from sparse_core.messages.training import Options, Recipe, Value
from sparse_core.runs.config import RunConfig
from sparse_core.runs.places import absolute, free_folder, runs_home

PATHS = ("init",)
"""Options that name a file of the core's machine."""
FILES = ("method", "task")
"""Options that may name a Python file of the user's."""
DEFAULTS: Mapping[str, str] = {"task": "digits", "method": "sr-ste", "pattern": "2:4"}
"""What ``train`` takes when nothing is said, for names and titles."""


def names_file(text: str) -> bool:
    """Say whether a method or task is the user's own Python file."""
    return ".py:" in text


def refuse_untrusted(recipe: Recipe) -> None:
    """Refuse Python files that the user did not agree to have executed.

    Raises
    ------
    RunError
        Naming the file.
    """
    asked = [name for name in files_of(recipe) if name not in recipe.trusted]
    if asked:
        raise RunError(
            f"{asked[0].rpartition(':')[0]} is a Python file that would be executed: agree to that "
            "first."
        )


def files_of(recipe: Recipe) -> tuple[str, ...]:
    """Give the ``FILE.py:NAME`` among the options."""
    values = dict(recipe.options)
    found = (str(values.get(key, "")) for key in FILES)
    return tuple(name for name in found if names_file(name))


def settled(recipe: Recipe) -> Recipe:
    """Make the paths of a recipe absolute and name its run folder."""
    options = tuple((key, _settled(key, value)) for key, value in recipe.options)
    trusted = tuple(_absolute_file(name) for name in recipe.trusted)
    run = absolute(recipe.run) if recipe.run else free_folder(runs_home(), name_words(recipe))
    return Recipe(options, str(run), trusted)


def _settled(key: str, value: Value) -> Value:
    if key in PATHS and value:
        return str(absolute(str(value)))
    if key in FILES and names_file(str(value)):
        return _absolute_file(str(value))
    return value


def _absolute_file(name: str) -> str:
    path, mark, attribute = name.rpartition(":")
    return f"{absolute(path)}{mark}{attribute}"


def name_words(recipe: Recipe) -> tuple[str, ...]:
    """Give the words of a name for a run folder."""
    values = {**DEFAULTS, **dict(recipe.options)}
    task, method = (_short(str(values[key])) for key in ("task", "method"))
    return (task, method, str(values["pattern"]))


def title_of_recipe(recipe: Recipe) -> str:
    """Name what is trained, for people."""
    task, method, pattern = name_words(recipe)
    return " ".join(word for word in (method, pattern, f"on {task}") if word)


def _short(name: str) -> str:
    path, mark, attribute = name.rpartition(":")
    return f"{Path(path).stem}-{attribute}" if mark else name


# ---------------------------------------------------------------- words


def option_words(options: Options) -> tuple[str, ...]:
    """Write options as a command line understands them."""
    words: list[str] = []
    for key, value in options:
        flag, text = "--" + key.replace("_", "-"), _text(value)
        # Behind a space a value that begins with a dash would be taken for an option.
        words += [f"{flag}={text}"] if text.startswith("-") else [flag, text]
    return tuple(words)


def train_words(recipe: Recipe) -> tuple[str, ...]:
    """Give the words after the program that train a recipe."""
    return ("train", "--run", recipe.run, *option_words(recipe.options))


def resume_words(folder: Path, config: RunConfig, trusted: Sequence[str]) -> tuple[str, ...]:
    """Give the words that go on with a run.

    Raises
    ------
    RunError
        If it uses a Python file that the user did not agree to.
    """
    asked = {key: getattr(config, key) for key in FILES if names_file(getattr(config, key))}
    for key, name in asked.items():
        if name not in trusted:
            raise RunError(
                f"This run uses the Python file {name.rpartition(':')[0]} as its {key}: it would "
                "be executed. Agree to that first."
            )
    named = tuple(word for key, name in asked.items() for word in (f"--{key}", name))
    return ("train", "--run", str(folder), "--resume", *named)


def sweep_words(
    recipe: Recipe, over: Sequence[tuple[str, Sequence[Value]]], seeds: int
) -> tuple[str, ...]:
    """Give the words that train one run after the other."""
    words = [*train_words(recipe)]
    for key, values in over:
        words += ["--sweep", f"{key.replace('_', '-')}={','.join(map(_text, values))}"]
    return (*words, "--seeds", str(seeds))


def tool_words(kind: str, source: Path, options: Options) -> tuple[str, ...]:
    """Give the words that measure or export a checkpoint or run."""
    words: list[str] = [kind, str(source)]
    for key, value in options:
        if isinstance(value, bool):
            words += ["--" + key.replace("_", "-")] if value else []
        elif key == "layers":
            globs = (glob.strip() for glob in str(value).split(","))
            words += [word for glob in globs if glob for word in ("--layers", glob)]
        elif key == "out":
            words += ["--out", str(absolute(str(value)))]
        else:
            words += option_words(((key, value),))
    return (*words, *(() if kind == "export" else ("--json",)))


def command_line(words: Sequence[str]) -> str:
    """Write words as a person types them."""
    return shlex.join(("sparsescope", *words))


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------- Python


def as_python(
    options: Mapping[str, Any], method: Mapping[str, Any], task: Mapping[str, Any], run: str
) -> str:
    """Write a training as a few lines of Python.

    Parameters
    ----------
    options, method, task : mapping
        Options by key, of training, of its method, of its task.
    run : str
        The run folder.
    """
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    parts = ["options"]
    parts += [f"method={dict(method)!r}"] if method else []
    parts += [f"task={dict(task)!r}"] if task else []
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "from sparse_core.training.job import Request",
            "from sparse_core.training.options import TrainOptions",
            "from sparse_core.training.session import start",
            "",
            f"options = TrainOptions({given})",
            f"start(Request({', '.join(parts)}), Path({run!r}))",
        ]
    )


# ---------------------------------------------------------------- from a run


def recipe_of(config: RunConfig, known: frozenset[str] | None = None) -> Recipe:
    """Give what a run was started with; ``known`` limits it to these options."""
    everything = {
        **config.options,
        "task": config.task,
        "method": config.method,
        **config.method_options,
        **config.task_options,
    }
    options = tuple(
        (key, value if isinstance(value, bool | int | float | str) else str(value))
        for key, value in everything.items()
        if value is not None and value != "" and (known is None or key in known)
    )
    return Recipe(options)


def with_options(recipe: Recipe, changed: Mapping[str, Value | None]) -> Recipe:
    """Change some options of a recipe; None takes one away."""
    options = {**dict(recipe.options), **changed}
    return msgspec.structs.replace(
        recipe, options=tuple((key, value) for key, value in options.items() if value is not None)
    )
