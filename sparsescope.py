"""The entry of the program: a command's name runs that command, anything else opens the window.

``sparsescope scan FILE`` is the core's command line, ``sparsescope FILE`` the window. Qt is loaded
for the window only, so commands run where there is none.
"""

import sys
from collections.abc import Sequence

from sparse_core.commands import COMMANDS
from sparse_core.commands.streams import open_missing_streams

CORE_WORDS = frozenset({*COMMANDS, "--version", "--help", "-h"})
WINDOW_USAGE = """\
usage: sparsescope [PATH ...]                 open the window
       sparsescope PATH --diff PATH           compare two checkpoints in the window
       sparsescope PATH --pictures DIR ...    draw its pages as pictures, without a display
       sparsescope COMMAND ...                run one of the commands below

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments (default: the process's) ask for and return the exit status."""
    open_missing_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in CORE_WORDS:
        from sparse_core.__main__ import main as run_command

        if words[0] in ("--help", "-h"):
            sys.stdout.write(WINDOW_USAGE)
        return run_command(words)
    from inspector.app import main as open_window

    return open_window(words)


if __name__ == "__main__":
    sys.exit(main())
