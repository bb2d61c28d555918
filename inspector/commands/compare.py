"""What the user can do on the compare page."""

from inspector.commands.command import Command, needs_fact, on_page

_PAIR = needs_fact("pair", "Choose two checkpoints first.")
_FLIPS = needs_fact("flips", "The masks of this layer are the same.")

TABLE = on_page(
    "compare",
    Command("compare.first", "Choose A…", "Compare", ("Ctrl+Shift+A",)),
    Command("compare.second", "Choose B…", "Compare", ("Ctrl+Shift+B",)),
    Command("compare.swap", "Swap A and B", "Compare", ("X",), _PAIR),
    Command("compare.again", "Compare again", "Compare", ("Ctrl+R",), _PAIR),
    Command("compare.next", "Next difference", "Compare", ("F8",), _FLIPS),
    Command("compare.previous", "Previous difference", "Compare", ("Shift+F8",), _FLIPS),
    Command("compare.blink", "Blink A and B", "Compare", ("B",), _PAIR),
    Command("compare.turn", "Show the other one", "Compare", ("Space",), _PAIR),
    Command("compare.fit", "Fit the maps", "Compare", ("F",), _PAIR),
    Command("compare.open_first", "Open A here", "Compare", (), _PAIR),
    Command("compare.open_second", "Open B here", "Compare", ("Ctrl+Return",), _PAIR),
    Command("compare.filter", "Filter layers of both", "Compare", ("Ctrl+F", "/"), _PAIR),
    Command("compare.command", "Copy the comparison's command line", "Compare", (), _PAIR),
    Command("compare.python", "Copy the comparison as Python", "Compare", (), _PAIR),
    Command("compare.table", "Save the comparison as CSV…", "Compare", ("Ctrl+S",), _PAIR),
    Command("compare.picture", "Save the comparison as PNG…", "Compare", (), _PAIR),
)
