"""Why a core is no more, said so that the user knows what to do; and whether to try again.

A core on another machine ends for reasons of its own, of the line and of ssh. ssh says 255 for
all of its own reasons and for a core killed by a signal; only its words tell them apart.
"""

import msgspec

from sparse_core.version import VERSION

SSH_FAILED = 255
NOT_FOUND = 127
LINE_PAUSES_MS = (500, 1000, 2000, 4000, 8000, 15000, 30000)
"""How long to wait before the line is tried again, by how often in a row it failed."""

_STRANGER = ("Could not resolve hostname",)
_KEY_REFUSED = ("Permission denied", "Too many authentication failures")
_KEY_CHANGED = ("Host key verification failed", "HOST IDENTIFICATION HAS CHANGED")
_AWAY = (
    "Connection refused",
    "timed out",
    "No route to host",
    "Network is unreachable",
    "kex_exchange_identification",
    "Connection closed by",
)
_DROPPED = (
    "Connection to",
    "Connection reset",
    "client_loop",
    "Timeout, server",
    "Broken pipe",
    "closed by remote host",
)


class Exit(msgspec.Struct, frozen=True):
    """How a process ended.

    Attributes
    ----------
    why : str
        In words.
    code : int
        Exit status, or the signal's number.
    crashed : bool
        Whether a signal ended it.
    started : bool
        Whether it ever ran.
    said : tuple of str
        The last lines of its stderr.
    """

    why: str
    code: int = 0
    crashed: bool = False
    started: bool = True
    said: tuple[str, ...] = ()

    def mentions(self, phrases: tuple[str, ...]) -> bool:
        """Whether stderr holds one of these phrases."""
        return any(phrase in line for line in self.said for phrase in phrases)


class Ending(msgspec.Struct, frozen=True):
    """What follows from an exit.

    Attributes
    ----------
    sentence : str
        Why there is no core, and what to do.
    line_lost : bool
        The line broke, not the core: what was asked is not to blame.
    hopeless : bool
        Another try would end the same.
    """

    sentence: str
    line_lost: bool = False
    hopeless: bool = False


def judge(exit_: Exit, host: str, met: bool) -> Ending:
    """Tell what an exit means.

    Parameters
    ----------
    exit_ : Exit
    host : str
        Where the core ran, "" for this machine.
    met : bool
        Whether a core was ever reached there.
    """
    if not host:
        return Ending(f"The core cannot be started ({exit_.why}): the log says more.")
    if not exit_.started:
        return Ending(
            f"{host} cannot be reached: the command that should reach it does not start here "
            f"({exit_.why}). Install ssh, or change the command in the settings.",
            hopeless=True,
        )
    if exit_.crashed:
        return Ending(f"The line to {host} was ended ({exit_.why}).", line_lost=True)
    if exit_.code == NOT_FOUND:
        return Ending(_not_installed(host, exit_), hopeless=True)
    if exit_.code == SSH_FAILED:
        return _of_ssh(exit_, host, met)
    return Ending(f"The core on {host} cannot be started ({exit_.why}){_words(exit_)}.")


def _of_ssh(exit_: Exit, host: str, met: bool) -> Ending:
    """Tell what ssh means by its words."""
    if exit_.mentions(_KEY_REFUSED):
        return Ending(
            f"{host} refused your key. `ssh {host}` must work without a password: load the key "
            f"with ssh-add, or install it with `ssh-copy-id {host}`.",
            hopeless=True,
        )
    if exit_.mentions(_KEY_CHANGED):
        return Ending(
            f"The host key of {host} is not known here, or is not the one it was. Run `ssh {host}` "
            "in a terminal and check it.",
            hopeless=True,
        )
    if exit_.mentions(_STRANGER):
        return Ending(
            f"No machine named {host} is known. Check the name, or add it to ~/.ssh/config.",
            line_lost=met,
            hopeless=not met,
        )
    if exit_.mentions(_AWAY) and not (met and exit_.mentions(_DROPPED)):
        return Ending(
            f"{host} does not answer{_words(exit_)}. See whether `ssh {host}` works, then press "
            "F5.",
            line_lost=met,
            hopeless=not met,
        )
    if exit_.mentions(_DROPPED):
        return Ending(f"The line to {host} was cut{_words(exit_)}.", line_lost=True)
    return Ending(f"The core on {host} ended{_words(exit_)}.")


def _not_installed(host: str, exit_: Exit) -> str:
    """Say what to install."""
    return (
        f"There is no sparsescope on {host}{_words(exit_)}. Install version {VERSION} there "
        f"(`pip install sparsescope=={VERSION}`), or give its place on that machine in the "
        "settings."
    )


def _words(exit_: Exit) -> str:
    """Quote the last thing that was said."""
    last = next((line.strip() for line in reversed(exit_.said) if line.strip()), "")
    return f" ({last.rstrip('.')})" if last else ""


def other_version(program: str, protocol: int, ours: int, host: str) -> str:
    """Say what to install where the two sides do not understand one another."""
    where = f"on {host}" if host else "that was started"
    what = f"`ssh {host} pip install sparsescope=={VERSION}`" if host else f"version {VERSION}"
    return (
        f"The core {where} is sparsescope {program} and speaks protocol {protocol}, this window "
        f"is {VERSION} and speaks {ours}: install the same version on both machines ({what})."
    )
