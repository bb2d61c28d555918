"""Which calls in a pickle say that the file means harm.

Nothing is executed here whatever a pickle says. But whoever loads the file with its own library
does execute it, so a file whose pickle calls into the interpreter or the system is refused with
the name of what it would have run. Objects of other packages are common in honest checkpoints
(settings, enums, paths) and merely stay unread.
"""

import sys

from sparse_core.checkpoints.pickles.values import Name
from sparse_core.checkpoints.unreadable import Unreadable

_HARMLESS_MODULES = frozenset(
    {"collections", "datetime", "decimal", "fractions", "pathlib", "uuid", "zoneinfo", "array",
     "ipaddress", "enum", "random"}
)  # fmt: skip
_HARMLESS_BUILTINS = frozenset(
    {
        "set", "frozenset", "list", "dict", "tuple", "int", "long", "float", "bool", "str", "bytes",
        "bytearray", "complex", "slice", "range", "xrange", "object", "unicode",
    }
)  # fmt: skip
_HARMLESS = frozenset(
    {
        "argparse.Namespace", "copyreg._reconstructor", "copy_reg._reconstructor",
        "copyreg.__newobj__", "functools.partial", "types.SimpleNamespace", "threading.RLock",
        "logging.getLogger", "operator.itemgetter", "operator.attrgetter",
    }
)  # fmt: skip
_BUILTINS = frozenset({"builtins", "__builtin__"})
_PYTHON_2_MODULES = frozenset({"__builtin__", "commands", "copy_reg", "exceptions", "popen2"})
_LOADERS = frozenset({"dill", "cloudpickle", "joblib", "_pickle", "torch.package"})
_HARMFUL = frozenset(
    {
        "torch.load", "torch.save", "torch.serialization.load", "torch.serialization.save",
        "torch.storage._load_from_bytes", "numpy.load", "numpy.save", "numpy.fromfile",
        "numpy.memmap", "numpy.savetxt", "numpy.loadtxt",
    }
)  # fmt: skip
_HARMFUL_PACKAGES = (
    "torch.hub", "torch.jit", "torch.utils.cpp_extension", "torch._inductor", "torch._dynamo",
    "numpy.testing", "numpy.f2py", "numpy.distutils",
)  # fmt: skip


def check_call(name: Name) -> None:
    """Refuse a call that would run code of the interpreter or the system.

    Raises
    ------
    Unreadable
        With the name of the function.
    """
    if name.path == "torch.storage._load_from_bytes":
        raise Unreadable(
            "its tensors are pickles inside the pickle (pickle.dump instead of torch.save), which "
            "are not opened: save it with torch.save or as safetensors."
        )
    if _harmful(name):
        raise untrusted(f"run {name.path}")


def check_state(state: object) -> None:
    """Refuse a state that would replace how an object is built.

    Raises
    ------
    Unreadable
        If it sets one of the methods that pickling calls.
    """
    if isinstance(state, dict) and not state.keys().isdisjoint(
        ("__setstate__", "__reduce__", "__reduce_ex__", "__class__")
    ):
        raise untrusted("replace methods of the objects that it builds")


def untrusted(deed: str) -> Unreadable:
    """Say what loading the file elsewhere would do."""
    return Unreadable(
        f"loading it would {deed}, so it is not to be trusted; nothing was executed. Ask for a "
        "safetensors file."
    )


def _harmful(name: Name) -> bool:
    top = name.module.partition(".")[0]
    if name.module in _BUILTINS:
        return name.name not in _HARMLESS_BUILTINS
    if name.path in _HARMLESS or name.module in _HARMLESS_MODULES:
        return "." in name.name  # a dotted name walks from a harmless class to anything
    if top in sys.stdlib_module_names or top in _PYTHON_2_MODULES:
        return True
    if name.path in _HARMFUL or top in _LOADERS or name.module in _LOADERS:
        return True
    return any(
        name.module == package or name.module.startswith(package + ".")
        for package in _HARMFUL_PACKAGES
    )
