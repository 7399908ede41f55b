"""What the shipped encoder's int8 towers lose and gain beside the same in float32.

    traitlens export-model shipped -o exported/
    python benchmarks/int8_cost.py exported/ data/ --tokens 2000

Pictures and captions of tokens drawn from a data set are one gallery. For each precision: the bytes
of both towers, CPU milliseconds a picture and a caption (one thread, batches of 64, the least of
three), how often a caption finds its own picture first and among ten (equal captions count), and
which share of a picture's ten nearest in float32 it finds among its own ten nearest.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.models.encoder import Vectors
from traitlens.models.folder import TEXT_ONNX, TEXT_ONNX_FP32, VISION_ONNX, VISION_ONNX_FP32
from traitlens.models.onnx_encoder import OnnxEncoder
from traitlens.records import Token
from traitlens.standardization import decode
from traitlens.store import Dataset

_FILES = {"fp32": (VISION_ONNX_FP32, TEXT_ONNX_FP32), "int8": (VISION_ONNX, TEXT_ONNX)}
_K = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoded:
    """Vectors of N pictures and captions, and the CPU milliseconds of one."""

    images_ND: Vectors
    texts_ND: Vectors
    image_ms: float
    text_ms: float


def main() -> None:
    """Print a row for each precision."""
    options = _options()
    tokens = _drawn(Dataset.open(options.data), options.tokens, seed=options.seed)
    pictures = [decode(token.image or b"") for token in tokens]
    images = [picture for picture in pictures if isinstance(picture, Image.Image)]
    captions = [token.caption for token in tokens]
    assert len(images) == len(captions), "a data set's pictures can be decoded"
    _, groups = np.unique(captions, return_inverse=True)
    near = None
    for precision, names in _FILES.items():
        encoder = OnnxEncoder(options.model, name=precision, precision=precision)
        found = _encoded(encoder, images, captions)
        nearest = _nearest(found.images_ND @ found.images_ND.T)
        near = nearest if near is None else near
        ranked = groups[_nearest(found.texts_ND @ found.images_ND.T)]
        own = ranked == groups[:, None]
        agreed = np.mean([len({*a} & {*b}) / _K for a, b in zip(near, nearest, strict=True)])
        size = sum((options.model / name).stat().st_size for name in names)
        print(
            f"{precision}: {size / 1e6:.1f} MB, {found.image_ms:.2f} ms a picture, "
            f"{found.text_ms:.2f} ms a caption, top-1 {own[:, 0].mean():.2%}, "
            f"top-10 {own.any(axis=1).mean():.2%}, neighbours of fp32 {agreed:.2%}"
        )


def _drawn(data: Dataset, count: int, *, seed: int) -> list[Token]:
    every = list(data.tokens(metadata=False))
    return random.Random(seed).sample(every, min(count, len(every)))


def _encoded(
    encoder: OnnxEncoder, images: Sequence[Image.Image], captions: Sequence[str]
) -> _Encoded:
    images_ND, image_ms = _timed(lambda: encoder.encode_images(images), len(images))
    texts_ND, text_ms = _timed(lambda: encoder.encode_texts(captions), len(captions))
    return _Encoded(images_ND=images_ND, texts_ND=texts_ND, image_ms=image_ms, text_ms=text_ms)


def _timed(encode: Callable[[], Vectors], count: int) -> tuple[Vectors, float]:
    took = []
    for _ in range(3):
        begun = time.process_time()
        vectors = encode()
        took.append(time.process_time() - begun)
    return vectors, 1e3 * min(took) / count


def _nearest(scores_NN: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the columns of the ten best of each row, the best first."""
    return np.argsort(-scores_NN, axis=1, kind="stable")[:, :_K]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="A folder of traitlens export-model.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
