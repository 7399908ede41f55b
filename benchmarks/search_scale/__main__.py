"""The engine on many tokens, put together of the layers of real collections, beside others.

    python -m benchmarks.search_scale data/ --tokens 1000000 --collections nouns moonbirds

`data/` is a data set of real collections that `traitlens build` made. Tokens are re-composed of
their components (`making`), encoded and indexed as `traitlens index` does it, and asked about real
tokens (`asking`); the truth is a scan of all (`truth`). A killed run goes on where it was, also
with more `--tokens`: shards, vectors and the index stay in `--work`. `--stop-after index` makes the
index and measures nothing.

FAISS answers with numbers alone and gets its filters ready-made; our engine reads its filter and
answers with whole entries. CPU times are what to compare where other work shares the machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from traitlens.cli.console import LiveProgress
from traitlens.models import Encoder, load_encoder
from traitlens.retrieval import Index, IndexManifest, index
from traitlens.retrieval.manifest import VECTORS
from traitlens.store import Dataset
from traitlens.tables import Table, to_markdown
from traitlens.vector_files import VectorFiles

from .asking import askings, filters
from .making import make
from .measuring import bandwidth, compare, cores, throughput, tune, worded
from .report import bandwidth_table, filter_tables, indexing_table, nearness_table, words_table
from .systems import asked, cells, flat, graph, ours, scan, threads
from .truth import Truth


def main() -> None:
    """Make, index, ask, print."""
    options = _options()
    encoder, real = load_encoder(), Dataset.open(options.data)
    names = options.collections or list(real.collections)
    with LiveProgress() as progress:
        made = make(
            real,
            options.work,
            tokens=options.tokens,
            seed=options.seed,
            collections=names,
            progress=progress,
        )
        folder = options.work / "index"
        manifest = index(made, folder, encoder=encoder, update=True, progress=progress)
    if options.stop_after != "index":
        tables = _measure(real, made, folder, manifest, encoder, names, options)
        report = "\n\n".join(to_markdown(table) for table in tables)
        (options.work / "report.md").write_text(report + "\n")
        Console(width=120).print(report, markup=False)


def _measure(
    real: Dataset,
    made: Dataset,
    folder: Path,
    manifest: IndexManifest,
    encoder: Encoder,
    names: list[str],
    options: argparse.Namespace,
) -> list[Table]:
    vectors = VectorFiles(
        folder / VECTORS, encoder=encoder.fingerprint, dimension=encoder.dimension
    )
    truth = Truth.read(made, vectors, dimension=encoder.dimension)
    questions = askings(
        real, names, encoder=encoder, count=2 * options.queries, seed=options.seed + 1
    )
    tuning, measured = questions[: options.queries], questions[options.queries :]
    rate = bandwidth()
    with manifest.open_engine(folder, read_only=True) as engine, Index.open(folder) as opened:
        systems = [ours(engine, truth), scan(truth), flat(truth), graph(truth), cells(truth)]
        settings, figures = {}, {}
        with threads(1):
            for share, wheres in filters(truth, seed=options.seed).items():
                tuned_on, asked_of = (
                    [
                        asked(truth, one.vector, wheres[number % len(wheres)])
                        for number, one in enumerate(some)
                    ]
                    for some in (tuning, measured)
                )
                settings[share] = {s.name: tune(s, tuned_on, truth) for s in systems}
                figures[share] = compare(systems, asked_of, truth)
            for system in systems:
                if (setting := settings[1.0][system.name]) is not None:
                    system.tune(setting)
            plain = [asked(truth, one.vector, None) for one in measured]
            rates = {
                system.name: [throughput(system, plain, threads=count) for count in (1, cores())]
                for system in systems
            }
        words = [one.words for one in measured]
        by_words = {
            mode: worded(opened, engine, truth, words, mode=mode)
            for mode in ("dense", "hybrid", "traits")
        }
    return [
        *filter_tables(figures, settings, tokens=len(truth)),
        bandwidth_table(figures[1.0], rates, truth, rate=rate),
        words_table(by_words, tokens=len(truth)),
        indexing_table(manifest),
        nearness_table(real, truth, encoder, names, seed=options.seed),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a data set of real collections")
    parser.add_argument("--work", type=Path, default=Path("runs/search_scale"))
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--collections", nargs="*", help="of the data set; all unless named")
    parser.add_argument("--queries", type=int, default=200, help="to measure; as many to tune")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stop-after", choices=["index"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
