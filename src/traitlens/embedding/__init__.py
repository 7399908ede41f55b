"""The tokens of a data set as vectors, in memory or on disk."""

from traitlens.embedding.embedded import Embedded, embed_all
from traitlens.embedding.encoding import check_encoder, encode_texts
from traitlens.embedding.gallery import MIN_GALLERY, Gallery
from traitlens.embedding.stored import embed, embed_arrays, is_embedded, open_embedded

__all__ = [
    "MIN_GALLERY",
    "Embedded",
    "Gallery",
    "check_encoder",
    "embed",
    "embed_all",
    "embed_arrays",
    "encode_texts",
    "is_embedded",
    "open_embedded",
]
