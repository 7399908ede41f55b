"""Where tokens come from: folders and zips, and sample art drawn on the spot."""

from traitlens.sources.folder import Collection, FoundToken, open_sources
from traitlens.sources.traits import read_traits

__all__ = ["Collection", "FoundToken", "open_sources", "read_traits"]
