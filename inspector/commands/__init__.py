"""What the user can do: one table a page, put together in ``table``."""

from inspector.commands.command import Command, Situation
from inspector.commands.table import MENUS, TABLE, Commands
from inspector.commands.weights import PAGE_COMMANDS

__all__ = ["MENUS", "PAGE_COMMANDS", "TABLE", "Command", "Commands", "Situation"]
