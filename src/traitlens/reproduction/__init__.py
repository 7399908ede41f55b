"""The paper's tables as commands: its numbers, ours, and what differs in the setting.

published         the numbers that the paper prints
bench             models, mini, runs and scores of one folder, each made once
galleries, masking, variance, sizes, oddities   what each table is made of
settings          what the paper states and what is done here
"""

from traitlens.reproduction.catalogue import catalogue, find, names
from traitlens.reproduction.config import RECIPES, ReproductionConfig
from traitlens.reproduction.oddities import Oddity, oddities, oddities_table
from traitlens.reproduction.record import Compared, Reproduction, Setting
from traitlens.reproduction.reproducing import reproduce

__all__ = [
    "RECIPES",
    "Compared",
    "Oddity",
    "Reproduction",
    "ReproductionConfig",
    "Setting",
    "catalogue",
    "find",
    "names",
    "oddities",
    "oddities_table",
    "reproduce",
]
