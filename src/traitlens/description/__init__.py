"""What is in a data set: in numbers, as a card, as a page, and for machines."""

from traitlens.description.publication import Publication
from traitlens.description.statistics import CollectionDescription, Description
from traitlens.description.surveying import describe
from traitlens.description.writing import write

__all__ = ["CollectionDescription", "Description", "Publication", "describe", "write"]
