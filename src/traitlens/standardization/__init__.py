"""Any media becomes PNG: bounded decoding, one size rule, clean pixels."""

from traitlens.standardization.pictures import (
    MAX_BYTES,
    Picture,
    Rejection,
    SizeConfig,
    decode,
    png_bytes,
    standardize,
)

__all__ = ["MAX_BYTES", "Picture", "Rejection", "SizeConfig", "decode", "png_bytes", "standardize"]
