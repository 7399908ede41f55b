"""Where collections come from: folders and zips, and sample art drawn on the spot."""

from traitlens.sources.documents import document_text, read_name
from traitlens.sources.folder import Collection, FoundToken, open_sources
from traitlens.sources.traits import read_traits

__all__ = [
    "Collection",
    "FoundToken",
    "document_text",
    "open_sources",
    "read_name",
    "read_traits",
]
