"""One restricted pickle reader, for every pickle in every format.

Nothing in a pickle is ever executed: names become inert stand-ins (`values`), calls are looked up
in a short table of tensor rebuilders (`rebuild`) or become stand-ins themselves, and what would
do harm elsewhere is refused by name (`trust`). The machine is a plain loop over opcodes, so
nesting costs no C stack.
"""

from sparse_core.checkpoints.pickles.machine import load

__all__ = ["load"]
