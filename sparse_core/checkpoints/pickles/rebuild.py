"""The few calls that mean something: what PyTorch's pickles rebuild tensors and dicts with.

Each function takes the arguments as the pickle gives them, so every one of them is checked.
"""

from collections.abc import Callable

import msgspec

from sparse_core.checkpoints.arrays import Source, StoredArray, check_shape, stored_array
from sparse_core.checkpoints.pickles.values import Name, Opaque, Storage, Unlisted, Wrapper
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.dtypes import DTYPES, DType

Arguments = tuple[object, ...]

_PLAIN_TENSOR_CLASSES = frozenset(
    {
        "torch.Tensor",
        "torch._tensor.Tensor",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
        "torch.nn.parameter.UninitializedParameter",
    }
)


def _tensor(arguments: Arguments) -> object:
    """``storage, offset, size, stride, ...``: the common beginning of all versions."""
    if len(arguments) < 4:
        raise Unreadable("a tensor is described by too few words.")
    storage, offset, size, stride = arguments[:4]
    dtype = None
    if len(arguments) > 6 and isinstance(arguments[6], Name):
        dtype = dtype_of(arguments[6])
        if dtype is None:
            return Unlisted(f"has the format {arguments[6].name}, which is not read")
    if isinstance(storage, Unlisted):
        return storage
    if not isinstance(storage, Storage):
        raise Unreadable("a tensor lies in something that is no storage.")
    dtype = dtype or storage.dtype
    if dtype is None:
        raise Unreadable("a tensor lies in a storage without a format.")
    start = whole_number(offset) * dtype.itemsize
    array = stored_array(storage.region, dtype, whole_numbers(size), whole_numbers(stride), start)
    return msgspec.structs.replace(array, quantised=True) if storage.quantised else array


def _parameter(arguments: Arguments) -> object:
    return arguments[0] if arguments else None


def _quantised(arguments: Arguments) -> object:
    tensor = _tensor(arguments[:4])
    if isinstance(tensor, StoredArray):
        return msgspec.structs.replace(
            tensor, quantised=True, note="Quantised by torch: integer codes with a scale."
        )
    return tensor


def _from_type(arguments: Arguments) -> object:
    """Unwrap ``function, class, arguments, state``: a tensor subclass, or one with attributes."""
    if len(arguments) != 4:
        raise Unreadable("a tensor subclass is described by the wrong number of words.")
    function, kind, inner, state = arguments
    if not (isinstance(function, Name) and isinstance(kind, Name) and isinstance(inner, tuple)):
        raise Unreadable("a tensor subclass is described in an unknown way.")
    made = call(function, inner)
    if isinstance(made, Wrapper):
        return msgspec.structs.replace(made, inner=_inner_tensors(state))
    if isinstance(made, StoredArray) and kind.path not in _PLAIN_TENSOR_CLASSES and not made.note:
        return msgspec.structs.replace(made, note=f"Stored as the tensor subclass {kind.path}.")
    return made


def _wrapper(arguments: Arguments) -> object:
    """``class, dtype, size, stride, ...`` of a subclass that keeps its data in inner tensors."""
    if len(arguments) < 3 or not isinstance(arguments[0], Name):
        raise Unreadable("a tensor subclass is described by too few words.")
    dtype = dtype_of(arguments[1])
    if dtype is None:
        return Unlisted("is a tensor subclass of an unknown format")
    shape = whole_numbers(arguments[2])
    check_shape(shape)
    return Wrapper(arguments[0].path, dtype, shape, {})


def _inner_tensors(state: object) -> dict[str, Source]:
    parts = state if isinstance(state, tuple) else (state,)
    return {
        name: value
        for part in parts
        if isinstance(part, dict)
        for name, value in part.items()
        if isinstance(name, str) and isinstance(value, Source)
    }


def _unlisted(reason: str) -> Callable[[Arguments], object]:
    return lambda arguments: Unlisted(reason)


def _dictionary(arguments: Arguments) -> object:
    """``OrderedDict`` and ``dict``, empty or from pairs (a list of two-item sequences)."""
    if not arguments:
        return {}
    pairs = arguments[0]
    if isinstance(pairs, dict):
        return dict(pairs)
    if not isinstance(pairs, list):
        return {}
    return {
        pair[0]: pair[1]
        for pair in pairs
        if isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], (str, int))
    }


def _size(arguments: Arguments) -> object:
    return whole_numbers(arguments[0]) if arguments else ()


_TABLE: dict[str, Callable[[Arguments], object]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch._utils._rebuild_qtensor": _quantised,
    "torch._utils._rebuild_wrapper_subclass": _wrapper,
    "torch._tensor._rebuild_from_type": _from_type,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch._utils._rebuild_sparse_tensor": _unlisted("is a sparse (COO or CSR) torch tensor"),
    "torch._utils._rebuild_sparse_csr_tensor": _unlisted("is a sparse (CSR) torch tensor"),
    "torch._utils._rebuild_nested_tensor": _unlisted("is a nested torch tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _unlisted("has no data (meta device)"),
    "torch._utils._rebuild_device_tensor_from_numpy": _unlisted("was saved from another device"),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _parameter,
    "collections.OrderedDict": _dictionary,
    "builtins.dict": _dictionary,
    "__builtin__.dict": _dictionary,
    "collections.defaultdict": lambda arguments: _dictionary(arguments[1:]),
    "torch.Size": _size,
}


def call(function: Name, arguments: Arguments) -> object:
    """Give what a call gives: a tensor, a dict, or a stand-in."""
    rebuild = _TABLE.get(function.path)
    if rebuild is None:
        return Opaque(function.path)
    return rebuild(arguments)


def dtype_of(value: object) -> DType | None:
    """Give the format that ``torch.float32`` and its kin name; None for what the table lacks."""
    if isinstance(value, Name) and value.module == "torch":
        return DTYPES.get(value.name)
    return None


def whole_number(value: object) -> int:
    """``value`` itself, if it is an integer of at most 64 bits."""
    if type(value) is not int or abs(value) >= 1 << 63:
        raise Unreadable("a tensor is described by something that is no whole number.")
    return value


def whole_numbers(value: object) -> tuple[int, ...]:
    """``value`` as a tuple of integers."""
    if not isinstance(value, (tuple, list)) or len(value) > 64:
        raise Unreadable("a tensor is described by something that is no list of whole numbers.")
    return tuple(whole_number(item) for item in value)
