"""What is said of a checkpoint while it is read and when it is done."""

from inspector.models import words
from inspector.models.checkpoint_feed import CheckpointFeed


def status_of(feed: CheckpointFeed) -> str:
    """Return the status line of a checkpoint."""
    listed = words.count(len(feed.table), "tensor")
    if feed.stage == "listing":
        return (
            f"Reading the headers · {listed} so far" if len(feed.table) else "Reading the headers"
        )
    if feed.stage == "scanning":
        return f"Scanning · {int(feed.table.scanned.sum()):,} of {listed}"
    if feed.stage == "stopped":
        seen = int(feed.table.scanned.sum())
        return f"Cancelled · {seen:,} of {listed} seen · F5 reads it again"
    if feed.stage == "failed":
        return "Could not be read"
    parts = ["Scan complete", listed]
    if feed.scanned is not None:
        read, time = words.size(feed.scanned.read_bytes), words.seconds(feed.scanned.seconds)
        parts.append(f"from the cache in {time}" if feed.scanned.cached else f"{read} in {time}")
    return " · ".join(parts)


def heading_of(feed: CheckpointFeed) -> str:
    """Return what stands in the verdict's place before there is one."""
    if feed.stage == "listing":
        return "Reading the headers …"
    if feed.stage == "scanning":
        return "Looking at the layers …"
    if feed.stage == "stopped":
        return "Cancelled before there was an answer."
    if feed.stage == "failed":
        return "This could not be read."
    return "Nothing to judge."
