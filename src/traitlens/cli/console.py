"""What the commands print with: results on stdout, progress and errors on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn, TaskID


def console() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False)


def errors_console() -> Console:
    """Return the console for progress and errors, so that a pipe gets results only."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


class LiveProgress:
    """A `Progress` with one line a stage: a bar, the rate and the time left.

    Where stderr is no terminal each stage prints its beginning and its end.
    """

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = errors_console()
        self._bars = Progress(
            TextColumn("{task.description:>12}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            _rate_column(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, bool] = {}

    def __enter__(self) -> LiveProgress:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bars.stop()
        if kind is KeyboardInterrupt:
            said = "stopped; finished parts are kept, run the same command again to go on"
            self._console.print(said, soft_wrap=True)

    def __call__(self, stage: str, done: int, total: int, note: str = "", /) -> None:
        if not self._console.is_terminal:
            self._tell(stage, done, total, note)
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, note=note)
        self._bars.update(self._tasks[stage], completed=done, total=total, note=note)

    def _tell(self, stage: str, done: int, total: int, note: str) -> None:
        """Print a stage's first and last report, for logs."""
        finished = done >= total
        if self._told.get(stage) == finished:
            return
        self._told[stage] = finished
        self._console.print(f"{stage}: {done} of {total} {note}".rstrip(), soft_wrap=True)


def _rate_column() -> ProgressColumn:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = task.finished_speed or task.speed
            return Text("" if rate is None else f"{rate:,.0f}/s")

    return RateColumn()
