"""Traits become words."""

from traitlens.captions.template import Caption, caption, phrase

__all__ = ["Caption", "caption", "phrase"]
