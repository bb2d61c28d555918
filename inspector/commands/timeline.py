"""What the user can do on the timeline page."""

from inspector.commands.command import on_page

TABLE = on_page("timeline")
