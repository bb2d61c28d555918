"""Qt item models over arrays that were received, and the feeds that receive them."""
