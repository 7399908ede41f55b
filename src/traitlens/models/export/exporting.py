"""A model in, the same model in another layout out, once both agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import traitlens
from traitlens import files
from traitlens.config import check_choice, check_range
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder
from traitlens.models.export.comparing import Closeness, closeness, encode, top1
from traitlens.models.export.onnx import write_onnx
from traitlens.models.export.open_clip import write_open_clip
from traitlens.models.export.open_clip_reader import OpenClipEncoder
from traitlens.models.export.sampling import Sample, drawn_sample, sample_of
from traitlens.models.export.sentence_transformers import StockEncoder, write_sentence_transformers
from traitlens.models.folder import SHIPPED, shipped_folder
from traitlens.models.onnx_encoder import OnnxEncoder
from traitlens.models.pixels import PixelConfig
from traitlens.models.torch_encoder import TorchEncoder, load_model
from traitlens.progress import Progress, silent
from traitlens.store import Dataset

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LAYOUTS = ("onnx", "open_clip", "sentence-transformers")
REPORT = "model_export.json"
LEAST_COSINE = 0.9999  # below this an export in float32 is another model


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """In-gallery top-1 from text to image, in [0, 1], of the original and of its int8 form."""

    original: float
    int8: float

    @property
    def lost(self) -> float:
        return self.original - self.int8


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export was compared on, and how close it came.

    `int8` and `recall` are there where int8 was written; `notes` is what a reader has to know.
    """

    model: str
    layout: str
    sample: str
    exact: Closeness
    int8: Closeness | None
    recall: Recall | None
    notes: list[str]


def export_model(
    model: str | Path,
    out: str | Path,
    *,
    to: str,
    data: Dataset | str | Path | None = None,
    sample: int = 512,
    seed: int = 0,
    replace: bool = False,
    progress: Progress = silent,
) -> ExportReport:
    """Write a model to the folder `out` in a layout of `LAYOUTS`; return how close it came.

    Both encode `sample` pictures and captions drawn from `data`, or pictures drawn for the purpose
    where there are none. Each vector in float32 must have a cosine of at least `LEAST_COSINE` with
    its original; else, and for a model that the layout cannot hold, raise ModelError and leave
    nothing behind. What stands at `out` is replaced when it is an export and `replace` says so.
    """
    check_choice("to", to, LAYOUTS)
    check_range("sample", sample, low=2)
    out = Path(out)
    _check_free(out, replace=replace)
    shown = _sample(data, sample, seed=seed)
    opened, folder = load_model(shipped_folder() if str(model) == SHIPPED else model)
    with files.replacing_folder(out) as made:
        progress("write", 0, 1)
        notes = _WRITERS[to](opened, folder, made) + _NOTES.get(to, [])
        for weights in made.rglob("*.safetensors"):
            weights.chmod(0o644)  # safetensors' own 0600 would lock other readers out
        progress("write", 1, 1)
        report = _compared(str(model), to, folder, made, shown, notes, progress=progress)
        files.write_json(made / REPORT, {"traitlens": traitlens.__version__, **asdict(report)})
    return report


def _check_free(out: Path, *, replace: bool) -> None:
    if files.is_free(out) or (replace and (out / REPORT).is_file()):
        return
    known = "is an export already; choose another folder or --replace"
    other = "exists and is no export of a model; choose another folder"
    raise ModelError(f"{out} {known if (out / REPORT).is_file() else other}")


def _sample(data: Dataset | str | Path | None, size: int, *, seed: int) -> Sample:
    if data is None:
        return drawn_sample(size=size, seed=seed)
    return sample_of(
        data if isinstance(data, Dataset) else Dataset.open(data), size=size, seed=seed
    )


def _compared(
    model: str,
    to: str,
    folder: Path,
    made: Path,
    shown: Sample,
    notes: list[str],
    *,
    progress: Progress,
) -> ExportReport:
    """Return the report on what lies in `made`; raise ModelError when it is not the same model."""
    progress("compare", 0, 1)
    original = encode(TorchEncoder(folder, name=model), shown)
    exact = closeness(original, encode(_exact(to, folder, made), shown))
    if exact.least < LEAST_COSINE:
        raise ModelError(
            f"the export of {model} to {to} is not the same model: the least cosine is "
            f"{exact.images:.6f} over pictures and {exact.texts:.6f} over texts of {shown.source}, "
            f"and {LEAST_COSINE} is asked for"
        )
    int8, recall = None, None
    if to == "onnx":
        rounded = encode(OnnxEncoder(made, name=model), shown)
        int8 = closeness(original, rounded)
        recall = Recall(original=top1(original, shown), int8=top1(rounded, shown))
    progress("compare", 1, 1)
    return ExportReport(
        model=model,
        layout=to,
        sample=shown.source,
        exact=exact,
        int8=int8,
        recall=recall,
        notes=notes,
    )


def _exact(to: str, folder: Path, made: Path) -> Encoder:
    """Return what reads an export back in float32."""
    if to == "onnx":
        return OnnxEncoder(made, name=to, precision="fp32")
    if to == "open_clip":
        return OpenClipEncoder(made, pixels=PixelConfig.load(folder))
    return StockEncoder(made)


def _write_onnx(model: PreTrainedModel, source: Path, target: Path) -> list[str]:
    write_onnx(model, source, target)
    return []


_CLEAR = "a picture's transparent pixels show white in traitlens, and there what lies below them"
_NOTES = {"open_clip": [_CLEAR], "sentence-transformers": [_CLEAR]}
_WRITERS: dict[str, Callable[[PreTrainedModel, Path, Path], list[str]]] = {
    "onnx": _write_onnx,
    "open_clip": write_open_clip,
    "sentence-transformers": write_sentence_transformers,
}
