"""What the user can do on the timeline page."""

from inspector.commands.command import Command, needs_fact, on_page

_SERIES = needs_fact("series", "Open a series first.")
_TWO = needs_fact("steps", "The series has one checkpoint only.")

TABLE = on_page(
    "timeline",
    Command("timeline.open", "Add a series…", "Timeline", ("Ctrl+Shift+A",)),
    Command("timeline.open_files", "Add chosen checkpoints as a series…", "Timeline", ()),
    Command("timeline.remove", "Take the series away", "Timeline", (), _SERIES),
    Command("timeline.next_series", "Next series", "Timeline", ("N",), _SERIES),
    Command("timeline.later", "Later checkpoint", "Timeline", ("Right",), _TWO),
    Command("timeline.earlier", "Earlier checkpoint", "Timeline", ("Left",), _TWO),
    Command("timeline.pin", "Pin this step, or let it go", "Timeline", ("P",), _TWO),
    Command("timeline.exclude", "Leave this checkpoint out", "Timeline", ("X",), _TWO),
    Command("timeline.reference", "Compare all with this checkpoint", "Timeline", ("R",), _TWO),
    Command("timeline.whole", "All steps and layers", "Timeline", ("Esc",), _SERIES),
    Command("timeline.weights", "Open this checkpoint", "Timeline", ("Ctrl+Return",), _SERIES),
    Command("timeline.remedy", "Make it stop moving…", "Timeline", (), _TWO),
    Command("timeline.bundle", "Save figure bundle…", "Timeline", ("Ctrl+S",), _SERIES),
    Command("timeline.python", "Copy the series as Python", "Timeline", (), _SERIES),
    Command("timeline.command", "Copy the series' command line", "Timeline", (), _SERIES),
    Command("timeline.table", "Copy the curves as CSV", "Timeline", (), _SERIES),
    Command("timeline.picture", "Save the page as PNG…", "Timeline", (), _SERIES),
)
