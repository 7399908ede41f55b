"""Data sets for others, and from others: NFT1000 zips, WebDataset shards, Hugging Face `datasets`.

`export` writes each of the three and `import_data` makes the same data set of it again, token by
token: what a format has no place for is written beside, where its readers do not mind it.
"""

from traitlens.exchange.config import ExportConfig
from traitlens.exchange.exporting import FORMATS, export
from traitlens.exchange.huggingface import to_datasets
from traitlens.exchange.importing import import_data
from traitlens.exchange.record import Export

__all__ = ["FORMATS", "Export", "ExportConfig", "export", "import_data", "to_datasets"]
