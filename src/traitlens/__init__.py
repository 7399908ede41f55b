"""Find any NFT by describing it."""

__version__ = "0.1.0"
