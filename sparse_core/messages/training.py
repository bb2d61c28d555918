"""What may be trained and how: the form, a draft of a run, and where its options come from.

What runs is in ``messages.jobs``; what a run says of itself, while it lives or years later, in
``messages.runs``. All paths are paths of the core's machine; relative ones begin at its user's
home, as every job does.

``python`` in a request is the interpreter that trains, "" for the core's own.
"""

from typing import Literal

import msgspec

from sparse_core.messages.vocabulary import Message

Value = bool | int | float | str
"""The value of an option. Text is read as what the option wants, so a form may send what was
typed; the complaint about text that cannot be read comes in a ``Draft``."""

Options = tuple[tuple[str, Value], ...]
"""Options by key, ``(("lambda", 0.003), ("epochs", 5))``."""

Owner = Literal["training", "method", "task"]


class Recipe(msgspec.Struct, frozen=True):
    """What is to be trained.

    Attributes
    ----------
    options : tuple of (key, value)
        Of training, method and task together; what is not named keeps its default. ``method`` and
        ``task`` themselves are options, ``method="sr-ste"`` or ``method="/home/me/mine.py:Mine"``.
    run : str
        The run folder; "" lets the core name one.
    trusted : tuple of str
        The ``FILE.py:NAME`` among the options that the user agreed to have executed. Without
        their name here they are refused.
    """

    options: Options = ()
    run: str = ""
    trusted: tuple[str, ...] = ()


class FormWanted(Message, frozen=True):
    """Everything that can be chosen: one ``Form``.

    Takes as long as torch takes to be imported the first time, then comes from memory. The
    user's own ``FILE.py:NAME`` in ``trusted`` are executed, and described among the others;
    those in ``named`` alone are listed without fields, with ``refusal`` saying why.
    """

    python: str = ""
    named: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


class FormField(msgspec.Struct, frozen=True):
    """One option.

    Attributes
    ----------
    key : str
        Its name in ``Recipe.options`` and in files: ``weight_decay``.
    flag : str
        Its name on the command line: ``--weight-decay``.
    kind : str
        ``float``, ``int``, ``bool``, ``str`` or ``choice``.
    default : bool, int, float, str or None
        None leaves it to the task or the method (``TaskForm.defaults``, then ``Form.fallback``).
    help, unit : str
        One line; what the number counts, "" for a pure number.
    minimum, maximum : float or None
        Range, ends included.
    choices : tuple of str
        For a choice.
    """

    key: str
    flag: str
    kind: Literal["float", "int", "bool", "str", "choice"]
    default: Value | None
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


class MethodForm(msgspec.Struct, frozen=True):
    """A method: what it is, in a line; its own options; which layers it takes by default.

    ``knobs`` can be turned while it runs. ``uses_pattern``: the option ``pattern`` means
    something. ``refusal``: why a file of the user's is not described.
    """

    name: str
    summary: str = ""
    fields: tuple[FormField, ...] = ()
    policy: str = ""
    uses_pattern: bool = True
    knobs: tuple[str, ...] = ()
    refusal: str = ""


class TaskForm(msgspec.Struct, frozen=True):
    """A task: its own options, and the options of training that suit it."""

    name: str
    summary: str = ""
    fields: tuple[FormField, ...] = ()
    defaults: Options = ()
    metric: str = "accuracy"
    higher_is_better: bool = True
    refusal: str = ""


class Device(msgspec.Struct, frozen=True):
    """Where it can be trained: ``cuda:0`` and the name of the card."""

    name: str
    title: str


class Preset(msgspec.Struct, frozen=True):
    """A recipe that is chosen often.

    ``needs`` are keys that the user has to fill in (``init``). ``over`` makes it a sweep
    (``StartSweep``): the runs differ in these.
    """

    title: str
    help: str
    options: Options
    needs: tuple[str, ...] = ()
    over: tuple[tuple[str, tuple[Value, ...]], ...] = ()


class Form(Message, frozen=True):
    """What can be chosen on this machine.

    ``fields`` are the options of every training, those of method and task come on top.
    ``versions`` name the interpreter and torch. ``home`` is where run folders are made when the
    user names none.
    """

    fields: tuple[FormField, ...]
    methods: tuple[MethodForm, ...]
    tasks: tuple[TaskForm, ...]
    fallback: Options
    devices: tuple[Device, ...]
    presets: tuple[Preset, ...]
    home: str
    versions: tuple[tuple[str, str], ...] = ()


class DraftWanted(Message, frozen=True):
    """Look at a recipe before it is started: one ``Draft``. Newest wins per ``view``.

    Makes the task's model and data but trains nothing. To be asked when the user pauses typing.
    """

    view: int
    recipe: Recipe
    python: str = ""


class Complaint(msgspec.Struct, frozen=True):
    """What does not fit: a sentence to stand beside the field ``key``, "" for the whole."""

    key: str
    sentence: str


class Draft(Message, frozen=True):
    """What a recipe would do.

    Attributes
    ----------
    recipe : Recipe
        As asked, the run folder named and absolute.
    complaints : tuple of Complaint
        Empty if it can be started. With complaints the figures below may be missing.
    options : tuple of (key, value)
        All options with what the task fills in, by their keys.
    layers, kinds, shapes : tuple
        Every weight of two and more dimensions, in the order of the model.
    sparse : bytes
        uint8, 1 where the weight becomes sparse.
    reasons : tuple of str
        Why not ("the first layer", "10 inputs are no multiple of 4"); "" for sparse ones.
    policy : str
        The ``layers`` option that gives this choice.
    steps, steps_an_epoch, parameters, examples : int
    exponent : float or None
        Lambda alone will shrink pruned weights by exp(-exponent); None for methods without one.
    notes : tuple of str
        Sentences: a lambda that will do nothing, a device that is slow.
    command : str
        The command line that does the same, for a shell.
    python : str
        Three to ten lines that do the same.
    """

    view: int
    recipe: Recipe
    complaints: tuple[Complaint, ...] = ()
    options: Options = ()
    layers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    sparse: bytes = b""
    reasons: tuple[str, ...] = ()
    policy: str = ""
    steps: int = 0
    steps_an_epoch: int = 0
    parameters: int = 0
    examples: int = 0
    exponent: float | None = None
    notes: tuple[str, ...] = ()
    command: str = ""
    python: str = ""


class RecipeWanted(Message, frozen=True):
    """How to train on from a checkpoint or a run folder: one ``RecipeFound``. Runs nothing."""

    source: str


class RecipeFound(Message, frozen=True):
    """A recipe that begins at ``source``.

    The options are those of its run, where it lies in one, with ``init`` set to the checkpoint;
    else what its metadata say. ``asks`` are ``FILE.py:NAME`` of a run that the user must agree to
    before they are executed. ``notes`` say what could not be known ("name its task").
    """

    source: str
    recipe: Recipe
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
