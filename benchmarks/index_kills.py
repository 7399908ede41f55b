"""Whether kills leave a trace in an index.

    python benchmarks/index_kills.py --tokens 2000 --kills 50

Two drawn data sets are indexed once undisturbed: the second lacks a tenth of the first's tokens and
has others, and a tenth each is said otherwise and drawn otherwise. Then an index is made of one of
them, drawn by lot, in a process that is killed (SIGKILL) at a random moment; the next one goes on,
with the same data set or the other (`--update`), until some kills are done. After each kill, what
was acknowledged must be there, each token's vector, entry and picture must agree, and a reader must
be refused; at the end all must be as in the undisturbed index, the answers of five questions too.
Every third round does so while the index is replaced by one of another encoder (`--replace`).

"Acknowledged" is what the progress says: so many tokens are on disk as the data set has them.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.retrieval.killing import (
    Job,
    answers,
    check_after_kill,
    contents,
    draw_pair,
    index_with_kills,
    seconds_undisturbed,
)
from traitlens.engines import EngineName
from traitlens.retrieval import IndexConfig

_KILLS_A_ROUND = 5


def main() -> None:
    """Print how many kills there were, when they came, and whether anything differs."""
    options = _options()
    rng, came, begun = random.Random(options.seed), Counter[str](), time.monotonic()

    def after_kill(job: Job, acknowledged: int) -> None:
        check_after_kill(job, acknowledged)
        ended = "after" if acknowledged == options.tokens else "during"
        came[ended if acknowledged else "before"] += 1

    with tempfile.TemporaryDirectory() as folder:
        config = IndexConfig(
            engine=cast("EngineName", options.engine), write_size=options.write_size
        )
        jobs = [
            Job(data=data.path, out=Path(folder) / data.path.name / "calm", config=config)
            for data in draw_pair(Path(folder), options.tokens)
        ]
        within_s = max(seconds_undisturbed(job) for job in jobs)
        expected = {job.data: (contents(job.out), answers(job)) for job in jobs}
        rounds = 0
        while came.total() < options.kills:
            rounds += 1
            out = Path(folder) / str(rounds)
            kills = min(_KILLS_A_ROUND, options.kills - came.total())
            mine = [replace(job, out=out) for job in jobs]
            if rounds % 3 == 0:
                seconds_undisturbed(replace(mine[0], version="2"))
                mine = [replace(job, replace=True) for job in mine]
            done = index_with_kills(
                mine, kills=kills, within_s=within_s, rng=rng, after_kill=after_kill
            )
            assert (contents(out), answers(done)) == expected[done.data], f"{out} differs"
            print(f"round {rounds}: {came.total()} kills", file=sys.stderr, flush=True)
    print(
        f"{options.engine}, {options.tokens} tokens, {rounds} rounds, {came.total()} kills: "
        f"{came['before']} before the first write was acknowledged, {came['during']} between the "
        f"first and the last, {came['after']} later; {time.monotonic() - begun:.0f} s: every "
        "acknowledged token was there, and every index ended as the undisturbed one"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--engine", choices=("edge", "exact"), default="edge")
    parser.add_argument("--write-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
