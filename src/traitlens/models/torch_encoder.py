"""An encoder run by PyTorch: any dual encoder that `transformers.AutoModel` opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError

from traitlens.errors import ModelError
from traitlens.models.conversion import readable
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.models.folder import fingerprint_of_files, text_length_of
from traitlens.models.names import hub_name, meant
from traitlens.models.pixels import PixelConfig, pixel_values
from traitlens.models.words import Words

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BATCH = 128


def load_model(name: str | Path) -> tuple[PreTrainedModel, Path]:
    """Return a dual encoder in float32 and the folder that its files lie in.

    `name` is a folder, a name on the Hugging Face hub, or a short one (`models.names`). Weights are
    read from safetensors, pickled ones are converted once (`models.conversion`), and no code that
    comes with a model is run. Raise ModelError, with the reason, for what is no dual encoder and
    for one of which weights are missing.
    """
    local = Path(name).is_dir()
    wanted = str(name) if local else hub_name(str(name))
    try:
        folder = Path(name) if local else download(wanted)
        if not (folder / "config.json").is_file():
            raise ModelError(f"{name} is no model: it has no config.json")
        folder = readable(folder)
        model, info = _open(folder)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        hint = "" if local else meant(wanted)
        raise ModelError(f"{name} is no model that can be loaded{hint}: {reason}") from None
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise ModelError(f"{name} is no dual encoder: {type(model).__name__} has not both towers")
    if info["missing_keys"]:
        first = min(info["missing_keys"])
        count = len(info["missing_keys"])
        raise ModelError(f"{name} lacks {count} of its model's weights, {first!r} among them")
    return model, folder


def download(name: str) -> Path:
    """Return the folder of a model of the hub; of its weights, pickles only where there is no else.

    Flax and TensorFlow weights and training states beside them are left where they are.
    """
    from huggingface_hub import snapshot_download

    words = ["*.json", "vocab.txt", "merges.txt", "*.model"]
    folder = Path(snapshot_download(name, allow_patterns=[*words, "*.safetensors"]))
    if not any(folder.glob("*.safetensors")):
        snapshot_download(name, allow_patterns=["pytorch_model*.bin"])
    return folder


def _open(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the model and what its loading found."""
    from transformers import AutoModel

    from traitlens.models import sentence_dual  # noqa: F401  # AutoModel then knows it

    with quietly():
        opened: tuple[Any, dict[str, Any]] = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    return opened


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the library's progress bars and reports from the terminal."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


class TorchEncoder:
    """A dual encoder in evaluation mode, on the GPU where there is one."""

    def __init__(self, name_or_folder: str | Path, *, name: str) -> None:
        """Load the model; raise ModelError when there is none."""
        model, folder = load_model(name_or_folder)
        weights = tuple(sorted(file.name for file in folder.glob("*.safetensors")))
        self._assemble(
            model,
            name=name,
            pixels=PixelConfig.load(folder),
            words=Words(folder, max_length=text_length(model)),
            fingerprint=fingerprint_of_files(folder, (*weights, "config.json", "tokenizer.json")),
        )

    @classmethod
    def of_model(
        cls, model: PreTrainedModel, *, pixels: PixelConfig, words: Words, name: str
    ) -> TorchEncoder:
        """Return an encoder around a model in memory; it has no lasting fingerprint."""
        encoder = cls.__new__(cls)
        encoder._assemble(model, name=name, pixels=pixels, words=words, fingerprint="in memory")
        return encoder

    def _assemble(
        self,
        model: PreTrainedModel,
        *,
        name: str,
        pixels: PixelConfig,
        words: Words,
        fingerprint: str,
    ) -> None:
        self.name, self.fingerprint = name, fingerprint
        self._pixels, self._words = pixels, words
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        untyped: Any = model  # `transformers` types its models' methods poorly
        self._model = untyped.to(self._device)
        self.dimension = dimension_of(self._model)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""

        def features(part: Sequence[str]) -> torch.Tensor:
            ids, mask = map(torch.from_numpy, self._words.ids(part))
            return text_features(self._model, ids.to(self._device), mask.to(self._device))

        return self._encode(texts, features)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors, float32 (n, dimension)."""

        def features(part: Sequence[Image.Image]) -> torch.Tensor:
            pixels = torch.from_numpy(pixel_values(part, self._pixels))
            return image_features(self._model, pixels.to(self._device))

        return self._encode(images, features)

    def _encode(self, items: Sequence[Any], features: Any) -> Vectors:
        was_training = self._model.training
        self._model.eval()
        with torch.inference_mode():
            parts = [
                features(items[start : start + _BATCH]).float().cpu().numpy()
                for start in range(0, len(items), _BATCH)
            ]
        self._model.train(was_training)
        return unit_rows(np.concatenate([np.empty((0, self.dimension), np.float32), *parts]))


def text_length(model: PreTrainedModel) -> int:
    """Return the number of token ids that the text tower takes."""
    return text_length_of(model.config.to_dict())


def dimension_of(model: Any) -> int:
    """Return the dimension of the common space; not every config names it."""
    ids = torch.ones(1, 2, dtype=torch.long, device=next(model.parameters()).device)
    with torch.no_grad():
        return int(text_features(model, ids, torch.ones_like(ids)).shape[1])


def image_features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Return the projected image features, (n, dimension), not yet of unit length."""
    return _tensor(model.get_image_features(pixel_values=pixels))


def text_features(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the projected text features, (n, dimension), not yet of unit length."""
    return _tensor(model.get_text_features(input_ids=ids, attention_mask=mask))


def _tensor(output: Any) -> torch.Tensor:
    """Return the features of either form: `transformers` 5 wraps them in an output object."""
    return output if isinstance(output, torch.Tensor) else output.pooler_output
