"""Any media becomes PNG: bounded decoding, one size rule, clean pixels."""

from traitlens.standardization.pictures import (
    Picture,
    Rejection,
    SizeConfig,
    decode,
    png_bytes,
    standardize,
)

__all__ = ["Picture", "Rejection", "SizeConfig", "decode", "png_bytes", "standardize"]
