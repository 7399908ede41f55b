"""How well components are separated: IoU with the true masks, layer order, pixels, time, memory.

    python -m benchmarks.separation.draw /tmp/dice        once: the styles with exact masks
    python -m benchmarks.separation --pfp ../shared/pfp --styles /tmp/dice
    python -m benchmarks.separation --collections nouns --limit 500 --worst 20 --sheet nouns.png
    python -m benchmarks.separation --part report --degrade jpeg90 --limit 300 --markdown
    python -m benchmarks.separation --scale 10000         seconds and memory on cryptopunks

`--pfp` is a folder of collection zips that hold the truth too (see `truth`), `--styles` the folder
that `draw` made. Which collections a method is tuned on and on which it is reported: `families`.
Masks are found and scored on the same tokens, without a look at the truth. What the scores are:
`scores`, `ordering`. The truth of cryptopunks covers the accessories only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from traitlens.config import from_dict, put, read_assignment
from traitlens.separation import SeparationConfig
from traitlens.separation.separate import NOTHING_FOUND
from traitlens.tables import Table, to_markdown

from .degrade import KINDS
from .families import COLLECTIONS, PARTS
from .pictures import comparison
from .results import Result, collections_table, means_table, worst_table
from .running import run
from .scores import score
from .truth import read
from .zips import zip_of

METHODS = tuple(NOTHING_FOUND)


def main() -> None:
    """Print the tables."""
    options = _options()
    if options.scale is not None:
        _print_scale(options)
        return
    results = []
    for result in _results(options):
        results.append(result)
        scores = result.scores
        print(
            f"{result.collection:12} {result.method:10} "
            f"mask {scores.mask:.3f} seen {scores.seen:.3f} {result.run.seconds:6.1f} s",
            flush=True,
        )
    kind = options.degrade or "as they are"
    _show(collections_table(results, title=f"Components, pictures {kind}"), options)
    _show(means_table(results), options)
    if options.worst:
        for result in results:
            _show(worst_table(result, options.worst), options)


def _results(options: argparse.Namespace) -> Iterator[Result]:
    for name in options.collections or options.part:
        path = zip_of(name, pfp=options.pfp, styles=options.styles)
        labelled = read(path, limit=options.limit, kind=options.degrade)
        tokens = [one.token for one in labelled]
        found = []
        for method in options.method:
            done = run(name, tokens, _config(method, options.set))
            found.append(done.masks)
            yield Result(
                collection=name,
                method=method,
                tokens=len(tokens),
                run=done,
                scores=score(done.masks, labelled),
            )
        if options.sheet is not None:
            sheet = options.sheet.with_stem(f"{options.sheet.stem}-{name}")
            comparison(labelled, found).save(sheet)
            print(f"sheet: {sheet}")


def _config(method: str, assignments: list[str]) -> SeparationConfig:
    values: dict[str, object] = {"method": method}
    for assignment in assignments:
        put(values, *read_assignment(assignment))
    return from_dict(SeparationConfig, values, where="separation")


def _print_scale(options: argparse.Namespace) -> None:
    """Print what each method costs on many tokens; nothing is scored."""
    for name in options.collections or ("cryptopunks",):
        path = zip_of(name, pfp=options.pfp, styles=options.styles)
        tokens = [one.token for one in read(path, limit=options.scale, kind=options.degrade)]
        for method in options.method:
            done = run(name, tokens, _config(method, options.set))
            found = len(done.masks.components)
            print(
                f"{name} {method}: {len(tokens):,} tokens, {found} components, "
                f"{done.seconds:.1f} s, peak {done.peak_gb:.2f} GB",
                flush=True,
            )


def _show(table: Table, options: argparse.Namespace) -> None:
    if options.markdown:
        print(to_markdown(table))
    else:
        from rich.console import Console

        from traitlens.tables import to_rich

        Console(width=160).print(to_rich(table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.separation", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="folder of zips")
    parser.add_argument("--styles", type=Path, default=Path("/tmp/dice"), help="as `draw` left it")
    parser.add_argument("--collections", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--method", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--degrade", choices=["none", *KINDS], default="none")
    parser.add_argument("--limit", type=int, help="tokens a collection, the first ones")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="of SeparationConfig, such as contrast.share=.3",
    )
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="list the N worst values")
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE.png",
        help="truth beside prediction, a file for each collection",
    )
    parser.add_argument("--scale", type=int, metavar="TOKENS", help="measure time and memory only")
    options = parser.parse_args()
    options.part = PARTS.get(options.part, COLLECTIONS)
    options.degrade = None if options.degrade == "none" else options.degrade
    return options


if __name__ == "__main__":
    main()
