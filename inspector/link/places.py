"""Where a checkpoint lies: a path, and the machine whose path it is.

Written ``HOST:PATH`` as scp does. A file here whose name holds a colon is written ``./a:b``.
"""

import re

_HOST = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])"
)


def split(text: str) -> tuple[str, str]:
    """Split what a user wrote into host and path; host is "" for this machine.

    A path that is not absolute is one below the user's home there.
    """
    host, colon, path = text.partition(":")
    if text.startswith("["):
        host, colon, path = text.partition("]:")
        host, colon = host + "]" * bool(colon), colon[1:]
    if not colon or not path or path.startswith("//") or not is_host(host):
        return "", text
    return host, path.removeprefix("~/")


def is_host(text: str) -> bool:
    """Whether this can be the name of a machine; never true of what ssh takes for an option."""
    return _HOST.fullmatch(text) is not None


def join(host: str, path: str) -> str:
    """Write a place as the user would."""
    return f"{host}:{path}" if host else path
