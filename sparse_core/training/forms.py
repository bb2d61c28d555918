"""Options as frozen structs, and what a command line or a form must know of each field.

A field is an annotated attribute: ``Annotated[float, Meta(ge=0, description="...")]``. Its name on
the command line and in TOML files is the encoded one with dashes, so ``rename={"lam": "lambda"}``
makes ``--lambda``.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from sparse_core.errors import RunError

S = TypeVar("S", bound=msgspec.Struct)


class Field(msgspec.Struct, frozen=True):
    """One option.

    Attributes
    ----------
    key : str
        Its name in files: ``weight_decay``.
    kind : str
        ``float``, ``int``, ``bool``, ``str`` or ``choice``.
    default : object
        Its value when nothing is said; None leaves it to the task or the method.
    help : str
        One line.
    unit : str
        What the number counts; "" for a pure number.
    minimum, maximum : float or None
        The allowed range, ends included.
    choices : tuple of str
        What may be said, for a choice.
    """

    key: str
    kind: str
    default: Any
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option on the command line: ``--weight-decay``."""
        return "--" + self.key.replace("_", "-")


def fields_of(options: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Describe every option of a struct."""
    described = inspect.type_info(options)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{options!r} is no struct")
    return tuple(_describe(field) for field in described.fields)


def _describe(field: inspect.Field) -> Field:
    meta, kind = _unwrap(field.type)
    if field.default is not msgspec.NODEFAULT:
        default = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    else:
        default = None
    extra = meta.extra_json_schema or {}
    choices = tuple(str(value) for value in getattr(kind, "values", ()))
    return Field(
        field.encode_name,
        _KINDS.get(type(kind), "choice" if choices else "str"),
        default,
        str(extra.get("description", "")),
        str(extra.get("unit", "")),
        getattr(kind, "ge", None),
        getattr(kind, "le", None),
        choices,
    )


_KINDS: dict[type[inspect.Type], str] = {
    inspect.FloatType: "float",
    inspect.IntType: "int",
    inspect.BoolType: "bool",
    inspect.StrType: "str",
}


def _unwrap(kind: inspect.Type) -> tuple[inspect.Metadata, inspect.Type]:
    """Strip the description and an ``| None`` off a type."""
    meta = inspect.Metadata(kind)
    if isinstance(kind, inspect.Metadata):
        meta, kind = kind, kind.type
    if isinstance(kind, inspect.UnionType):
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        if isinstance(kind, inspect.Metadata):
            meta, kind = kind, kind.type
    return meta, kind


def fill(options: type[S], values: Mapping[str, Any], whose: str) -> S:
    """Make an options struct from values by key.

    Parameters
    ----------
    options : type of msgspec.Struct
        What to make.
    values : mapping
        By key. Text is read as what the field wants; None leaves the default.
    whose : str
        The method or task, for sentences.

    Raises
    ------
    RunError
        Naming the option, what is wrong with it, and whose it is.
    """
    known = {field.key: field for field in fields_of(options)}
    unknown = next((key for key in values if key not in known), None)
    if unknown is not None:
        listed = ", ".join(sorted(field.flag for field in known.values())) or "none"
        raise RunError(f"{whose} has no option --{unknown.replace('_', '-')}; it has: {listed}.")
    given = {
        key: _read(known[key], value, whose) for key, value in values.items() if value is not None
    }
    try:
        return msgspec.convert(given, options)
    except msgspec.ValidationError as error:
        raise RunError(f"The options of {whose} do not fit: {error}.") from error


def _read(field: Field, value: Any, whose: str) -> Any:
    """Read text as what the field wants, and hold a number against its range."""
    if isinstance(value, str):
        value = _from_text(field, value)
    if field.choices and value not in field.choices:
        raise RunError(
            f"{field.flag} of {whose} is one of {', '.join(field.choices)}, not {value!r}."
        )
    if isinstance(value, int | float):
        low, high = field.minimum, field.maximum
        if low is not None and not value >= low:
            raise RunError(f"{field.flag} of {whose} must be at least {low:g}, not {value:g}.")
        if high is not None and not value <= high:
            raise RunError(f"{field.flag} of {whose} must be at most {high:g}, not {value:g}.")
    return value


def _from_text(field: Field, text: str) -> Any:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        if field.kind == "bool":
            return words[text.lower()]
        if field.kind == "float":
            return float(text)
        return int(text) if field.kind == "int" else text
    except (ValueError, KeyError) as error:
        wanted = {"bool": "yes or no", "float": "a number", "int": "a whole number"}[field.kind]
        raise RunError(f"{field.flag} wants {wanted}, not {text!r}.") from error
