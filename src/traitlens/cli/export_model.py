"""`traitlens export-model`: a model out, as others open it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.models.export import ExportReport

_NEXT = {
    "onnx": "next: traitlens index DATA -o INDEX --model {out}",
    "open_clip": 'open with: open_clip.create_model_and_transforms("local-dir:{out}")',
    "sentence-transformers": 'open with: sentence_transformers.SentenceTransformer("{out}")',
}


def export_model(
    model: Annotated[
        str, typer.Argument(help="shipped, a run's folder, or a name such as clip-vit-b-32.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The export's folder.")],
    to: Annotated[str, typer.Option(help="onnx, open_clip or sentence-transformers.")] = "onnx",
    data: Annotated[
        Path | None, typer.Option(help="A data set to compare on; else drawn pictures.")
    ] = None,
    sample: Annotated[int, typer.Option(help="Pictures and captions to compare on.")] = 512,
    seed: Annotated[int, typer.Option(help="Of that sample.")] = 0,
    replace: Annotated[bool, typer.Option(help="Replace the export that stands at --out.")] = False,
) -> None:
    """Export a model, once it gives the same vectors as the original."""
    from traitlens.models.export import export_model

    with LiveProgress() as progress:
        report = export_model(
            model,
            out,
            to=to,
            data=data,
            sample=sample,
            seed=seed,
            replace=replace,
            progress=progress,
        )
    console().print("\n".join(_lines(report, out)), soft_wrap=True, markup=False)


def _lines(report: ExportReport, out: Path) -> list[str]:
    exact, int8, recall = report.exact, report.int8, report.recall
    lines = [
        f"{out}: {report.model} as {report.layout}, least cosine with the original "
        f"{exact.images:.6f} for pictures, {exact.texts:.6f} for texts ({report.sample})"
    ]
    if int8 and recall:
        lines.append(
            f"int8: least cosine {int8.images:.4f} for pictures, {int8.texts:.4f} for texts; "
            f"top-1 {recall.int8:.1%}, of the original {recall.original:.1%}: "
            f"{100 * recall.lost:.1f} points lost"
        )
    return [*lines, *report.notes, _NEXT[report.layout].format(out=out)]
