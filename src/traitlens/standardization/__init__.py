"""Any media become PNG: bounded decoding, one size rule, clean pixels."""

from traitlens.standardization.data_uris import data_uri_bytes, is_inline_media
from traitlens.standardization.frames import FrameConfig
from traitlens.standardization.hashing import hamming, perceptual_hash
from traitlens.standardization.limits import Limits
from traitlens.standardization.picture import Picture, Rejection
from traitlens.standardization.pictures import MAX_BYTES, StandardizeConfig, decode, standardize
from traitlens.standardization.png import png_bytes
from traitlens.standardization.sizes import SizeConfig

__all__ = [
    "MAX_BYTES",
    "Picture",
    "Rejection",
    "Limits",
    "SizeConfig",
    "FrameConfig",
    "StandardizeConfig",
    "standardize",
    "decode",
    "data_uri_bytes",
    "is_inline_media",
    "png_bytes",
    "perceptual_hash",
    "hamming",
]
