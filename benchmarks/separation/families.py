"""Which collections have true masks, what art they are, and which of them a method is tuned on.

The line runs between families: collections of one family share art. What is in REPORT was not
looked at while the layers method was designed, and was scored at most three times; but cameo, gaze,
planets and shadows come from the studio that drew most of the tuning styles.
"""

from __future__ import annotations

PIXEL_ART = ("nouns", "lilnouns", "cryptopunks")  # everything else is vector art
PFP_VECTOR = ("mfers", "avastars")

STYLES_TUNING = (
    *("clay", "critters", "sprouts", "moods", "miniavs", "dylan", "open-peeps"),
    *("voxel-art", "voxel-bot", "cutouts", "toon-head"),
)
STYLES_REPORT = ("cameo", "shadows", "gaze", "planets", "personas", "fun-emoji")

TUNING = PIXEL_ART + PFP_VECTOR + STYLES_TUNING
REPORT = STYLES_REPORT
STYLES = STYLES_TUNING + STYLES_REPORT
COLLECTIONS = TUNING + REPORT

PARTS = {"tuning": TUNING, "report": REPORT}


def part_of(collection: str) -> str:
    """Return "tuning" or "report"; a collection that is in neither list is to report on."""
    return "tuning" if collection in TUNING else "report"


def art_of(collection: str) -> str:
    """Return "pixel art" or "vector art"."""
    return "pixel art" if collection in PIXEL_ART else "vector art"
