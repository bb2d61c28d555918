"""The command line, one module a command.

A command's module has ``SUMMARY`` (a line for ``--help``), ``add_arguments(parser)`` and
``run(args) -> int`` (the exit status). Only the chosen one is imported.
"""

COMMANDS: dict[str, str] = {
    "scan": "sparse_core.commands.scan",
    "cache": "sparse_core.commands.cache",
    "serve": "sparse_core.commands.serve",
    "train": "sparse_core.commands.train",
    "export": "sparse_core.commands.export",
    "report": "sparse_core.commands.report",
    "timeline": "sparse_core.commands.timeline",
    "compare": "sparse_core.commands.compare",
    "evaluate": "sparse_core.commands.evaluate",
    "sensitivity": "sparse_core.commands.sensitivity",
    "curve": "sparse_core.commands.curve",
    "speed": "sparse_core.commands.speed",
    "runs": "sparse_core.commands.runs",
    "draft": "sparse_core.commands.draft",
    "job": "sparse_core.commands.job",
}
"""Name on the command line -> module."""
