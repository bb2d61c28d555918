"""The opcode loop.

It knows all opcodes of pickle protocols 0 to 5. The stack, the memo and every value are bounded.
Dictionary keys may only be values whose hash is cheap and flat: the hash of a deeply nested tuple
would exhaust the C stack.
"""

import struct
from collections.abc import Callable

from sparse_core.checkpoints.pickles import rebuild
from sparse_core.checkpoints.pickles.trust import check_call, check_state, untrusted
from sparse_core.checkpoints.pickles.values import Name, Opaque
from sparse_core.checkpoints.unreadable import NotHere, Unreadable

MAX_MEMO = 20_000_000
MAX_MARKS = 1_000
MAX_TEXT_BYTES = 1 << 24
MAX_INTEGER_BYTES = 64
MAX_NAME_BYTES = 1_000

Persistent = Callable[[object], object]

_SCALARS = (str, int, float, bool, bytes, type(None), Opaque, Name)


def load(data: bytes | memoryview, persistent: Persistent, start: int = 0) -> tuple[object, int]:
    """Read one pickle.

    Parameters
    ----------
    data : bytes or memoryview
        Holds the pickle; it may go on behind it.
    persistent : callable
        Gives the value of a persistent id (a storage).
    start : int
        Where the pickle begins.

    Returns
    -------
    value : object
        Plain values and the stand-ins of `values`.
    end : int
        The byte after its STOP.

    Raises
    ------
    NotHere
        If ``data`` ends before the pickle does.
    Unreadable
        If it is no pickle, breaks a limit, or would run code where it is trusted.
    """
    machine = _Machine(data, persistent, start)
    return machine.run(), machine.place


class _Machine:
    def __init__(self, data: bytes | memoryview, persistent: Persistent, start: int) -> None:
        self.data = data
        self.place = start
        self.persistent = persistent
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}

    def run(self) -> object:
        data, actions = self.data, _ACTIONS
        while True:
            try:
                code = data[self.place]
            except IndexError:
                raise NotHere("its pickle is cut off: the file is truncated.") from None
            self.place += 1
            if code == _STOP:
                return self.pop()
            action = actions.get(code)
            if action is None:
                raise Unreadable(f"its pickle holds the unknown instruction {code:#04x}.")
            action(self)

    # ------------------------------------------------------------ bytes

    def take(self, length: int) -> bytes:
        """Take the next ``length`` bytes."""
        end = self.place + length
        if end > len(self.data):
            raise NotHere("its pickle is cut off: the file is truncated.")
        part = bytes(self.data[self.place : end])
        self.place = end
        return part

    def number(self, form: struct.Struct) -> int:
        """Take a whole number of a fixed width."""
        value: int = form.unpack(self.take(form.size))[0]
        return value

    def counted(self, form: struct.Struct, limit: int = MAX_TEXT_BYTES) -> bytes:
        """Take bytes that are preceded by their number."""
        length = self.number(form)
        if not 0 <= length <= limit:
            raise Unreadable(f"its pickle holds a text or number of {length:,} bytes.")
        return self.take(length)

    def line(self) -> bytes:
        """Take bytes up to a newline, without it."""
        window = bytes(self.data[self.place : self.place + MAX_NAME_BYTES])
        end = window.find(b"\n")
        if end < 0:
            if len(window) < MAX_NAME_BYTES:
                raise NotHere("its pickle is cut off: the file is truncated.")
            raise Unreadable("its pickle holds an overlong line.")
        self.place += end + 1
        return window[:end]

    # ------------------------------------------------------------ stack

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        if not self.stack:
            raise Unreadable("its pickle takes more than it puts down.")
        return self.stack.pop()

    def top(self) -> object:
        if not self.stack:
            raise Unreadable("its pickle takes more than it puts down.")
        return self.stack[-1]

    def mark(self) -> None:
        if len(self.marks) >= MAX_MARKS:
            raise Unreadable("its pickle is nested too deeply.")
        self.marks.append(self.stack)
        self.stack = []

    def to_mark(self) -> list[object]:
        """Take everything since the last mark."""
        if not self.marks:
            raise Unreadable("its pickle closes what it never opened.")
        items = self.stack
        self.stack = self.marks.pop()
        return items

    # ------------------------------------------------------------ memo

    def remember(self, key: int) -> None:
        if len(self.memo) >= MAX_MEMO:
            raise Unreadable("its pickle remembers too many values.")
        self.memo[key] = self.top()

    def recall(self, key: int) -> None:
        try:
            self.push(self.memo[key])
        except KeyError:
            raise Unreadable("its pickle recalls what it never remembered.") from None

    # ------------------------------------------------------------ what does something

    def push_tuple(self, length: int) -> None:
        if len(self.stack) < length:
            raise Unreadable("its pickle takes more than it puts down.")
        items = tuple(self.stack[-length:])
        del self.stack[-length:]
        self.push(items)

    def set_items(self, items: list[object]) -> None:
        """Put pairs into the dict on top; into anything else they vanish."""
        if len(items) % 2:
            raise Unreadable("its pickle holds a key without a value.")
        target = self.top()
        if not isinstance(target, dict):
            return
        for place in range(0, len(items), 2):
            target[_key(items[place])] = items[place + 1]

    def append_items(self, items: list[object]) -> None:
        target = self.top()
        if isinstance(target, list):
            target.extend(items)

    def name(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise Unreadable("its pickle names a class by something that is no text.")
        if len(module) + len(name) > MAX_NAME_BYTES:
            raise Unreadable("its pickle holds an overlong name.")
        self.push(Name(module, name))

    def call(self, function: object, arguments: object) -> None:
        if not isinstance(arguments, tuple):
            raise Unreadable("its pickle calls something with arguments that are no tuple.")
        if not isinstance(function, Name):
            # The result of a call, called again: nobody's honest checkpoint does that.
            raise Unreadable("its pickle calls something that is no name; nothing was executed.")
        if function.path == "_codecs.encode":
            self.push(_encoded(arguments))
        elif function.name == "getattr" and function.module in ("builtins", "__builtin__"):
            self.push(_attribute(function, arguments))
        else:
            check_call(function)
            self.push(rebuild.call(function, arguments))

    def build(self) -> None:
        """Give the object on top its state; only stand-ins keep it."""
        state = self.pop()
        check_state(state)
        target = self.top()
        if isinstance(target, Name):
            raise untrusted(f"change {target.path}")
        if isinstance(target, Opaque):
            target.state = state


def _key(value: object) -> object:
    """Check that a dictionary key is a scalar, or a tuple of scalars."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple) and all(isinstance(item, _SCALARS) for item in value):
        return value
    if isinstance(value, tuple):
        return Opaque("a nested tuple")
    raise Unreadable("its pickle holds a dictionary with keys that are no names.")


def _encoded(arguments: tuple[object, ...]) -> bytes:
    """Undo what protocol 2 does to bytes: ``_codecs.encode(text, "latin1")``."""
    if (
        len(arguments) == 2
        and isinstance(arguments[0], str)
        and arguments[1] in ("latin1", "latin-1")
    ):
        try:
            return arguments[0].encode("latin-1")
        except UnicodeEncodeError as error:
            raise Unreadable("its pickle holds damaged bytes.") from error
    raise Unreadable("its pickle encodes a text in an unknown way.")


def _attribute(function: Name, arguments: tuple[object, ...]) -> Opaque:
    """Members of enumerations are pickled as ``getattr(Class, "MEMBER")``."""
    if len(arguments) == 2 and isinstance(arguments[0], Name) and isinstance(arguments[1], str):
        check_call(arguments[0])
        if not arguments[1].startswith("_"):
            return Opaque(f"{arguments[0].path}.{arguments[1]}")
    raise untrusted(f"run {function.path}")


def _text(raw: bytes) -> str:
    # Lone surrogates are valid in a pickle, but no message or terminal can carry them.
    return raw.decode("utf-8", "backslashreplace")


def _decimal(raw: bytes) -> int:
    if len(raw) > MAX_INTEGER_BYTES:
        raise Unreadable("its pickle holds an absurdly large number.")
    try:
        return int(raw)
    except ValueError as error:
        raise Unreadable("its pickle holds a damaged number.") from error


def _int_line(machine: _Machine) -> None:
    raw = machine.line()
    if raw in (b"00", b"01"):
        machine.push(raw == b"01")
    else:
        machine.push(_decimal(raw))


def _long_line(machine: _Machine) -> None:
    machine.push(_decimal(machine.line().rstrip(b"L")))


def _float_line(machine: _Machine) -> None:
    try:
        machine.push(float(machine.line()))
    except ValueError as error:
        raise Unreadable("its pickle holds a damaged number.") from error


def _string_line(machine: _Machine) -> None:
    raw = machine.line()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise Unreadable("its pickle holds a damaged text.")
    machine.push(raw[1:-1].decode("latin-1"))


def _unicode_line(machine: _Machine) -> None:
    try:
        text = machine.line().decode("raw-unicode-escape")
        machine.push(text.encode("utf-8", "backslashreplace").decode())
    except UnicodeDecodeError as error:
        raise Unreadable("its pickle holds a damaged text.") from error


def _long_bytes(form: struct.Struct) -> Callable[[_Machine], None]:
    def action(machine: _Machine) -> None:
        raw = machine.counted(form, MAX_INTEGER_BYTES)
        machine.push(int.from_bytes(raw, "little", signed=True))

    return action


def _number(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.number(form))


def _counted_text(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(_text(machine.counted(form)))


def _counted_latin(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.counted(form).decode("latin-1"))


def _counted_bytes(form: struct.Struct) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.counted(form))


def _constant(value: object) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(value)


def _set_item(machine: _Machine) -> None:
    value = machine.pop()
    machine.set_items([machine.pop(), value])


def _append(machine: _Machine) -> None:
    machine.append_items([machine.pop()])


def _dict_from_mark(machine: _Machine) -> None:
    items = machine.to_mark()
    machine.push({})
    machine.set_items(items)


def _frozenset_from_mark(machine: _Machine) -> None:
    machine.to_mark()
    machine.push(Opaque("builtins.frozenset"))


def _pop(machine: _Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.to_mark()


def _global(machine: _Machine) -> None:
    module = _text(machine.line())
    machine.name(module, _text(machine.line()))


def _stack_global(machine: _Machine) -> None:
    name = machine.pop()
    machine.name(machine.pop(), name)


def _reduce(machine: _Machine) -> None:
    arguments = machine.pop()
    machine.call(machine.pop(), arguments)


def _inst(machine: _Machine) -> None:
    _global(machine)
    function = machine.pop()
    machine.call(function, tuple(machine.to_mark()))


def _obj(machine: _Machine) -> None:
    items = machine.to_mark()
    if not items:
        raise Unreadable("its pickle makes an object of no class.")
    machine.call(items[0], tuple(items[1:]))


def _new_object_ex(machine: _Machine) -> None:
    machine.pop()
    arguments = machine.pop()
    machine.call(machine.pop(), arguments)


def _persistent_line(machine: _Machine) -> None:
    machine.push(machine.persistent(_text(machine.line())))


def _persistent(machine: _Machine) -> None:
    machine.push(machine.persistent(machine.pop()))


def _extension(machine: _Machine) -> None:
    raise Unreadable("its pickle uses the extension registry, which no checkpoint does.")


def _protocol(machine: _Machine) -> None:
    if machine.number(_U1) > 5:
        raise Unreadable("its pickle is of a newer protocol than is known.")


_U1, _U2, _I4, _U4, _U8 = (struct.Struct(code) for code in ("<B", "<H", "<i", "<I", "<Q"))
_F8 = struct.Struct(">d")
_STOP = ord(".")

_ACTIONS: dict[int, Callable[[_Machine], None]] = {
    ord(code): action
    for code, action in {
        "\x80": _protocol,
        "\x95": lambda machine: machine.take(8) and None,
        # numbers and constants
        "I": _int_line,
        "L": _long_line,
        "F": _float_line,
        "J": _number(_I4),
        "K": _number(_U1),
        "M": _number(_U2),
        "G": _number(_F8),
        "\x8a": _long_bytes(_U1),
        "\x8b": _long_bytes(_I4),
        "N": _constant(None),
        "\x88": _constant(True),
        "\x89": _constant(False),
        # texts and bytes
        "S": _string_line,
        "V": _unicode_line,
        "T": _counted_latin(_I4),
        "U": _counted_latin(_U1),
        "X": _counted_text(_U4),
        "\x8c": _counted_text(_U1),
        "\x8d": _counted_text(_U8),
        "B": _counted_bytes(_U4),
        "C": _counted_bytes(_U1),
        "\x8e": _counted_bytes(_U8),
        "\x96": _counted_bytes(_U8),
        # containers
        "(": _Machine.mark,
        ")": _constant(()),
        "t": lambda machine: machine.push(tuple(machine.to_mark())),
        "\x85": lambda machine: machine.push_tuple(1),
        "\x86": lambda machine: machine.push_tuple(2),
        "\x87": lambda machine: machine.push_tuple(3),
        "]": lambda machine: machine.push([]),
        "l": lambda machine: machine.push(machine.to_mark()),
        "a": _append,
        "e": lambda machine: machine.append_items(machine.to_mark()),
        "}": lambda machine: machine.push({}),
        "d": _dict_from_mark,
        "s": _set_item,
        "u": lambda machine: machine.set_items(machine.to_mark()),
        "\x8f": lambda machine: machine.push(Opaque("builtins.set")),
        "\x90": lambda machine: machine.to_mark() and None,
        "\x91": _frozenset_from_mark,
        # stack and memo
        "0": _pop,
        "1": lambda machine: machine.to_mark() and None,
        "2": lambda machine: machine.push(machine.top()),
        "p": lambda machine: machine.remember(_decimal(machine.line())),
        "q": lambda machine: machine.remember(machine.number(_U1)),
        "r": lambda machine: machine.remember(machine.number(_U4)),
        "\x94": lambda machine: machine.remember(len(machine.memo)),
        "g": lambda machine: machine.recall(_decimal(machine.line())),
        "h": lambda machine: machine.recall(machine.number(_U1)),
        "j": lambda machine: machine.recall(machine.number(_U4)),
        # names, calls, objects
        "c": _global,
        "\x93": _stack_global,
        "R": _reduce,
        "i": _inst,
        "o": _obj,
        "\x81": _reduce,
        "\x92": _new_object_ex,
        "b": _Machine.build,
        "P": _persistent_line,
        "Q": _persistent,
        "\x82": _extension,
        "\x83": _extension,
        "\x84": _extension,
        "\x97": _extension,
        "\x98": lambda machine: None,
    }.items()
}
