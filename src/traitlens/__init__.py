"""Find any NFT by describing it.

What the commands do, as functions, and what they hand back:

    build, components, train, evaluate, index, search, demo
    Dataset, Index, load_encoder, TraitlensError

Each is imported when it is first used, so `import traitlens` is quick and needs neither torch nor
the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from traitlens.construction import build
    from traitlens.errors import TraitlensError
    from traitlens.evaluation import evaluate
    from traitlens.models import load_encoder
    from traitlens.retrieval import Index, index, search
    from traitlens.separation import components
    from traitlens.showcase import demo
    from traitlens.store import Dataset
    from traitlens.training import train

__version__ = "0.1.0"

_HOMES = {
    "build": "traitlens.construction",
    "components": "traitlens.separation",
    "train": "traitlens.training",
    "evaluate": "traitlens.evaluation",
    "index": "traitlens.retrieval",
    "search": "traitlens.retrieval",
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
    "components",
    "demo",
    "evaluate",
    "index",
    "load_encoder",
    "search",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
