"""How well components are separated: the truth, the scores, the tables."""
