"""The pages in the order of the rail: one question of the user each."""

PAGES = {
    "weights": "Weights",
    "timeline": "Timeline",
    "training": "Train",
    "speed": "Speed",
    "compare": "Compare",
}
"""Name of a page -> its word on the rail."""
