"""Find any NFT by describing it.

What the commands do, as functions, and what they hand back:

    collect, status
    build, describe, write_captions, caption_report, subset, takedown, export, import_data
    components, train, embed, evaluate, compare, reproduce, index, search, explain, demo
    Dataset, Index, load_encoder, TraitlensError

Each is imported when it is first used, so `import traitlens` is quick and needs neither torch nor
the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traitlens.captions import caption_report, write_captions
    from traitlens.collecting.pipeline import collect
    from traitlens.collecting.status import status
    from traitlens.construction import build
    from traitlens.description import describe
    from traitlens.embedding import embed
    from traitlens.errors import TraitlensError
    from traitlens.evaluation import compare, evaluate
    from traitlens.exchange import export, import_data
    from traitlens.models import load_encoder
    from traitlens.models.export import export_model
    from traitlens.removal import takedown
    from traitlens.reproduction import reproduce
    from traitlens.retrieval import Index, explain, index, search
    from traitlens.separation import components
    from traitlens.showcase import demo
    from traitlens.store import Dataset
    from traitlens.subsets import subset
    from traitlens.training import train

__version__ = "0.1.0"

_HOMES = {
    "collect": "traitlens.collecting.pipeline",
    "status": "traitlens.collecting.status",
    "build": "traitlens.construction",
    "describe": "traitlens.description",
    "write_captions": "traitlens.captions",
    "caption_report": "traitlens.captions",
    "subset": "traitlens.subsets",
    "takedown": "traitlens.removal",
    "export": "traitlens.exchange",
    "import_data": "traitlens.exchange",
    "components": "traitlens.separation",
    "train": "traitlens.training",
    "export_model": "traitlens.models.export",
    "embed": "traitlens.embedding",
    "evaluate": "traitlens.evaluation",
    "compare": "traitlens.evaluation",
    "reproduce": "traitlens.reproduction",
    "index": "traitlens.retrieval",
    "search": "traitlens.retrieval",
    "explain": "traitlens.retrieval",
    "demo": "traitlens.showcase",
    "Dataset": "traitlens.store",
    "Index": "traitlens.retrieval",
    "load_encoder": "traitlens.models",
    "TraitlensError": "traitlens.errors",
}

__all__ = [
    "Dataset",
    "Index",
    "TraitlensError",
    "build",
    "caption_report",
    "collect",
    "compare",
    "components",
    "demo",
    "describe",
    "embed",
    "evaluate",
    "explain",
    "export",
    "export_model",
    "import_data",
    "index",
    "load_encoder",
    "reproduce",
    "search",
    "status",
    "subset",
    "takedown",
    "train",
    "write_captions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
