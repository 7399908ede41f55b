"""An index behind HTTP: search by words, picture and traits, for programs and for people."""

from traitlens.service.config import ServeConfig

__all__ = ["ServeConfig"]
