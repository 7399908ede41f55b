"""Tokens are taken down: out of a data set, and out of all that was made of it."""

from traitlens.removal.surveying import TAKEN_DOWN, Taken
from traitlens.removal.taking_down import TakedownReport, takedown

__all__ = ["TAKEN_DOWN", "TakedownReport", "Taken", "takedown"]
