"""Find methods and tasks by name; the user's own by ``FILE.py:NAME``."""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TypeVar

from sparse_core.errors import RunError
from sparse_core.training.method import Method
from sparse_core.training.task import Task

_METHODS = "sparse_core.training.methods."
_TASKS = "sparse_core.training.tasks."

METHODS: dict[str, str] = {
    "dense": _METHODS + "dense:Dense",
    "ste": _METHODS + "ste:Ste",
    "sr-ste": _METHODS + "sr_ste:SrSte",
    "asp": _METHODS + "asp:Asp",
    "ssl": _METHODS + "ssl:Ssl",
    "magnitude": _METHODS + "magnitude:Magnitude",
    "gradual": _METHODS + "gradual:Gradual",
    "set": _METHODS + "set:Set",
    "rigl": _METHODS + "rigl:Rigl",
}
"""Name -> module and class; only the chosen one is imported."""
TASKS: dict[str, str] = {
    "digits": _TASKS + "digits:Digits",
    "mnist": _TASKS + "mnist:Mnist",
    "chars": _TASKS + "chars:Chars",
    "hf": _TASKS + "hf:Hf",
}

T = TypeVar("T", bound="Method | Task")


def find_method(name: str) -> type[Method]:
    """Find a method by its name, or in a file by ``FILE.py:NAME``.

    Raises
    ------
    RunError
        If there is none.
    """
    return _find(name, METHODS, Method, "method")


def find_task(name: str) -> type[Task]:
    """Find a task by its name, or in a file by ``FILE.py:NAME``.

    Raises
    ------
    RunError
        If there is none.
    """
    return _find(name, TASKS, Task, "task")


def is_file(name: str) -> bool:
    """Say whether a name stands for the user's own Python file."""
    return ".py:" in name


def _find(name: str, known: dict[str, str], base: type[T], what: str) -> type[T]:
    if is_file(name):
        path, _, attribute = name.rpartition(":")
        module = _load_file(Path(path), what)
    elif name in known:
        path, _, attribute = known[name].partition(":")
        module = importlib.import_module(path)
    else:
        raise RunError(
            f"There is no {what} {name!r}; there are {', '.join(known)}, and your own by "
            "FILE.py:NAME."
        )
    found = getattr(module, attribute, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise RunError(
            f"{name}: {attribute} is no {what}. It must be a class that inherits from "
            f"{base.__module__}.{base.__name__}."
        )
    return found


def _load_file(path: Path, what: str) -> object:
    """Run the user's file as a module.

    A mistake in it becomes a sentence that names file and line.
    """
    if not path.is_file():
        raise RunError(f"The {what} file {path} does not exist.")
    spec = spec_from_file_location(f"sparsescope_user_{path.stem}", path.resolve())
    if spec is None or spec.loader is None:
        raise RunError(f"The {what} file {path} is no Python file.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RunError(f"The {what} file {path} raised {_where(error, path)}.") from error
    return module


def _where(error: BaseException, path: Path) -> str:
    """Say which error was raised in which line of a file."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path.resolve()):
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f" in line {line}" if line else ""
    return f"{type(error).__name__}{place}: {error}"
