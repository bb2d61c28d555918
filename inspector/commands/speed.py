"""What the user can do on the speed page."""

from inspector.commands.command import Command, needs_fact, on_page

_READY = needs_fact("ready", "Open a checkpoint, or write a shape to make a layer up.")
_RUNNING = needs_fact("running", "Nothing is being timed.")
_ROWS = needs_fact("rows", "Nothing was timed yet.")

TABLE = on_page(
    "speed",
    Command("speed.run", "Run the speed test", "Speed", ("Ctrl+Return", "F9"), _READY),
    Command("speed.stop", "Stop the speed test", "Speed", ("Shift+F9",), _RUNNING),
    Command("speed.cards", "Cards", "Speed", ("1",)),
    Command("speed.table", "Table", "Speed", ("2",)),
    Command("speed.beside", "Lay another machine's result beside…", "Speed", (), _ROWS),
    Command("speed.alone", "Take the other machine's result away", "Speed", (), _ROWS),
    Command("speed.json", "Save the rows as JSON…", "Speed", ("Ctrl+S",), _ROWS),
    Command("speed.csv", "Save the rows as CSV…", "Speed", (), _ROWS),
    Command("speed.picture", "Save the speed page as PNG…", "Speed", (), _ROWS),
    Command("speed.command", "Copy the speed test's command line", "Speed", (), _READY),
    Command("speed.python", "Copy the speed test as Python", "Speed", (), _READY),
)
