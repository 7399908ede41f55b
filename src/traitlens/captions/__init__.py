"""Traits become words."""

from traitlens.captions.template import Caption, caption, collection_words, phrase, sentence

__all__ = ["Caption", "caption", "collection_words", "phrase", "sentence"]
