"""From the name of a table to the paper's numbers beside ours, in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from traitlens import files
from traitlens.errors import ConfigError
from traitlens.progress import Progress, silent
from traitlens.reproduction.arms import ZERO_SHOT
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.catalogue import ODDITIES, OTHER_MODEL, Entry, find
from traitlens.reproduction.config import ReproductionConfig
from traitlens.reproduction.identity import Identity, identify
from traitlens.reproduction.oddities import oddities_table
from traitlens.reproduction.published import MODELS
from traitlens.reproduction.record import Reproduction
from traitlens.reproduction.settings import settings
from traitlens.store import Dataset
from traitlens.tables import to_csv, to_markdown

SUMMARY = "report.json"


def reproduce(
    table: str,
    data: Dataset | str | Path,
    out: str | Path,
    *,
    models: Mapping[str, str] | None = None,
    config: ReproductionConfig | None = None,
    progress: Progress = silent,
) -> Reproduction:
    """Return a table of the paper beside ours, and write it to the folder `table` in `out`.

    `models` are checkpoints by the label that they get: by default the paper's where the data set
    is NFT1000, else the tiny preset. What is trained and embedded stays in `out`, and the tables
    of one folder share it; a run that was killed goes on where it was. Raises ConfigError for a
    name that is no table and for a folder of something else, DatasetError and ModelError for what
    cannot be trained on, searched or loaded.
    """
    entry, out = find(table), Path(out)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    identity = identify(data)
    if models is not None and not models:
        raise ConfigError("models must name at least one model")
    trains = entry is not None and bool(entry.arms)
    bench = Bench(
        data=data,
        out=out,
        models=dict(models or _usual_models(entry, identity)) if trains else {},
        config=config or ReproductionConfig(),
        progress=progress,
    )
    bench.prepare(entry.arms if entry else ())
    found = _of_entry(bench, entry, identity) if entry else _of_oddities(data, identity)
    write(found, out / found.table)
    return found


def _of_entry(bench: Bench, entry: Entry, identity: Identity) -> Reproduction:
    made = entry.make(bench)
    return Reproduction(
        table=entry.name,
        title=entry.title,
        source=entry.source,
        dataset=str(bench.data.path),
        dataset_fingerprint=bench.data.manifest.fingerprint,
        same_data=identity.is_nft1000,
        models=bench.models,
        compared=made.compared,
        settings=settings(bench, entry.arms, entry.models),
        notes=(*_warnings(bench, entry, identity), *made.notes),
        more=made.more,
        series=made.series,
        charts=made.charts,
    )


def _of_oddities(data: Dataset, identity: Identity) -> Reproduction:
    table = oddities_table()
    return Reproduction(
        table=ODDITIES,
        title=table.title,
        source="all of it",
        dataset=str(data.path),
        dataset_fingerprint=data.manifest.fingerprint,
        same_data=identity.is_nft1000,
        models={},
        compared=(),
        settings=(),
        notes=(),
        more={ODDITIES: table},
    )


def _usual_models(entry: Entry | None, identity: Identity) -> dict[str, str]:
    if entry is None or not identity.is_nft1000:
        return {OTHER_MODEL: OTHER_MODEL}
    return {MODELS[checkpoint]: checkpoint for checkpoint in entry.checkpoints}


def _warnings(bench: Bench, entry: Entry, identity: Identity) -> Iterator[str]:
    """Yield what must be known before any difference is read."""
    if not identity.is_nft1000:
        yield (
            f"The data set is {identity.words}: the differences compare different data, and "
            "neither confirm the paper nor contradict it."
        )
    rule = bench.data.manifest.config.get("split", {}).get("rule")
    if entry.arms and rule in ("by_token", "by_combination"):
        yield (
            f"The split is {rule}: unseen tokens of seen collections, where the paper tests unseen "
            "collections."
        )
    presets = [label for label, name in bench.models.items() if name == OTHER_MODEL]
    if presets and rule in ("by_collection", "official"):
        yield (
            f"{', '.join(presets)} starts from nothing and knows no words but those of the train "
            "split: on unseen collections little more than chance is to be expected."
        )
    if presets and entry.arms == (ZERO_SHOT,):
        yield (
            f"{', '.join(presets)} is untrained here, so its top-k are chance and what goes with "
            "them is noise; name a trained model, such as shipped."
        )
    if any(arm != ZERO_SHOT for arm in entry.arms) and bench.config.seeds == 1:
        yield "One seed: how far another would be from it is not known (`--seeds`)."


def write(found: Reproduction, folder: Path) -> None:
    """Write a report whole or not at all: Markdown, JSON, CSV and charts.

    Raises ConfigError where the folder holds something else.
    """
    if not files.is_free(folder) and not (folder / SUMMARY).is_file():
        raise ConfigError(f"{folder} exists and is no report; choose another folder")
    with files.replacing_folder(folder) as made:
        files.write_json(made / SUMMARY, found.to_json())
        files.write_text(made / "report.md", to_text(found))
        if found.compared:
            files.write_text(made / f"{found.table}.csv", to_csv(found.long_table()))
        for name, table in {**found.more, **found.series}.items():
            files.write_text(made / f"{name}.csv", to_csv(table))
        for name, chart in found.charts.items():
            files.write_text(made / f"{name}.svg", chart)


def to_text(found: Reproduction) -> str:
    """Return a reproduction as Markdown."""
    notes = "".join(f"- {note}\n" for note in found.notes)
    charts = "".join(f"![{name}]({name}.svg)\n\n" for name in found.charts)
    tables = "\n".join(map(to_markdown, found.tables()))
    return f"# {found.title}\n\n{notes}\n{charts}{tables}"
