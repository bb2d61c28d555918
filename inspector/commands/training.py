"""What the user can do on the training page."""

from inspector.commands.command import Command, needs_fact, on_page

_READY = needs_fact("ready", "The form is not complete yet.")
_LIVE = needs_fact("live", "No run that goes on is watched.")
_ENDED = needs_fact("ended", "No run that ended before its time is watched.")
_RUN = needs_fact("run", "No run is watched.")
_SAVED = needs_fact("saved", "The run has no checkpoint yet.")
_JOB = needs_fact("job", "Choose a job first.")
_SOURCE = needs_fact("source", "Watch a run, or name a checkpoint to start from.")
_CHOSEN = needs_fact("chosen", "Choose layers among those that were measured.")
_TABLE = needs_fact("table", "Read a folder of runs first.")
_PICKED = needs_fact("picked", "Pick a run in the table first.")

TABLE = on_page(
    "training",
    Command("train.start", "Start the training", "Train", ("Ctrl+Return",), _READY),
    Command("train.follow", "Follow a run folder…", "Train", ("Ctrl+Shift+F",)),
    Command("train.pause", "Pause, or go on", "Train", ("Ctrl+Space",), _LIVE),
    Command("train.save", "Checkpoint now", "Train", ("Ctrl+S",), _LIVE),
    Command("train.stop", "Stop; again terminates, then kills", "Train", ("Ctrl+.",), _LIVE),
    Command("train.resume", "Resume the run", "Train", ("Ctrl+R",), _ENDED),
    Command("train.open", "Open the result", "Train", ("Ctrl+Shift+Return",), _SAVED),
    Command("train.timeline", "Show its masks on the timeline", "Train", (), _RUN),
    Command("train.run", "Show the run", "Train", ("Alt+1",)),
    Command("train.table", "Show a folder of runs", "Train", ("Alt+2",)),
    Command("train.costs", "Show what sparsity costs", "Train", ("Alt+3",)),
    Command("train.jobs", "Show all jobs", "Train", ("Alt+4",)),
    Command("train.export", "Export the weights…", "Train", ("Ctrl+E",), _SAVED),
    Command("train.evaluate", "Evaluate it", "Train", (), _SOURCE),
    Command("train.sensitivity", "Measure what each layer costs", "Train", (), _SOURCE),
    Command("train.curve", "Measure the curve of loss over sparsity", "Train", (), _SOURCE),
    Command("train.except", "Leave the chosen layers dense", "Train", (), _CHOSEN),
    Command("train.lay", "Lay the picked run over the watched one", "Train", (), _PICKED),
    Command("train.csv", "Copy the table of runs as CSV", "Train", (), _TABLE),
    Command("train.latex", "Copy the table of runs as LaTeX", "Train", (), _TABLE),
    Command("train.watch", "Watch the chosen job", "Train", (), _JOB),
    Command("train.overlay", "Lay the chosen run over the watched one", "Train", (), _JOB),
    Command("train.forget", "Take the job off the list", "Train", (), _JOB),
    Command("train.command", "Copy the training's command line", "Train", (), _READY),
    Command("train.python", "Copy the training as Python", "Train", (), _READY),
)
