"""How to train on from a checkpoint or a run: what its folder and its metadata say."""

from pathlib import Path

from sparse_core.checkpoints import open_checkpoint, own
from sparse_core.errors import RunError, SparseError
from sparse_core.messages.training import Options, Recipe, RecipeFound, Value
from sparse_core.runs.config import RunConfig, read_config
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.recipes import files_of, recipe_of, with_options

RECORDED = "recorded"
"""Task and method of a run that somebody's own loop wrote."""
LATER = ("seed", "keep", "device", "threads", "parallel", "init")
"""What belongs to a run, not to the one that goes on from it."""


def beginning_of(path: Path, source: str) -> RecipeFound:
    """Fill in a recipe that begins at a checkpoint, or at the last one of a run.

    Raises
    ------
    RunError
        If there is nothing at the path, or a run has no checkpoint yet.
    """
    run, checkpoint = _run_and_checkpoint(path)
    if not checkpoint.exists():
        raise RunError(f"{checkpoint} does not exist.")
    start: dict[str, Value | None] = {"init": str(checkpoint)}
    try:
        config = None if run is None else read_config(run.config)
    except RunError:
        config = None
    if config is None or config.task == RECORDED:
        words, notes = _words_of(checkpoint)
        recipe = with_options(Recipe(words), start)
        return RecipeFound(source, recipe, notes=(*notes, "Name the task that it was trained on."))
    start |= dict.fromkeys((key for key in LATER if key != "init"), None)
    recipe = with_options(recipe_of(config), start)
    return RecipeFound(source, recipe, files_of(recipe), _notes(config))


def _run_and_checkpoint(path: Path) -> tuple[RunFolder | None, Path]:
    """Tell a run from a checkpoint, and a checkpoint of a run from any other."""
    folder = RunFolder(path)
    if folder.config.is_file():
        steps = folder.steps(folder.checkpoints)
        if not steps:
            raise RunError(f"{path} has no checkpoint yet: wait for the first.")
        return folder, folder.checkpoint(steps[-1])
    inside = RunFolder(path.resolve().parent.parent)
    if inside.config.is_file() and path.resolve().parent == inside.checkpoints.resolve():
        return inside, path
    return None, path


def _words_of(checkpoint: Path) -> tuple[Options, tuple[str, ...]]:
    """Give what a checkpoint says of how it was trained."""
    try:
        words = open_checkpoint(str(checkpoint)).metadata
    except SparseError as error:
        return (), (str(error),)
    asked = (("method", own.METHOD), ("pattern", own.PATTERN), ("axis", own.AXIS))
    return tuple((key, str(words[name])) for key, name in asked if words.get(name)), ()


def _notes(config: RunConfig) -> tuple[str, ...]:
    if config.processes > 1:
        return (f"It was trained by {config.processes} processes; this will be one.",)
    return ()
