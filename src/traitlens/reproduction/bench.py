"""The work that tables share: models, mini, runs, vectors and scores of one folder.

repro/
  reproduction.json      which data set this folder is about
  mini-1000-s0/          some tokens of each collection, as a data set
  models/                the untrained presets
  runs/                  the models that were trained
  embeddings/, scores/   the galleries in their spaces, and what came of searching them
  table3/                report.md, report.json, CSV and charts of a table

What is finished is never made again, and every table of the folder takes it from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import traitlens
from traitlens import files
from traitlens.config import fingerprint, to_dict
from traitlens.embedding import Embedded, Gallery, embed, open_embedded
from traitlens.errors import ConfigError, DatasetError
from traitlens.evaluation import score_retrieval
from traitlens.models import Encoder, load_encoder
from traitlens.models.tiny import is_preset, make_tiny
from traitlens.progress import Progress
from traitlens.reproduction.arms import ZERO_SHOT, Arm, TestedOn
from traitlens.reproduction.config import ReproductionConfig
from traitlens.reproduction.scores import Scores
from traitlens.store import Dataset
from traitlens.subsets import subset

MARK = "reproduction.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A data set, the models by their label, and the folder of all that is made of them."""

    data: Dataset
    out: Path
    models: dict[str, str]
    config: ReproductionConfig
    progress: Progress
    # To name a search its encoder must be loaded, which takes seconds for a large one.
    _known: dict[tuple[str, Arm, int, TestedOn], Scores] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def prepare(self, arms: Iterable[Arm]) -> None:
        """Make the folder ready; raise before hours are spent on what `arms` cannot be made of.

        Raises ConfigError for a folder of something else and for wrong options of training,
        DatasetError where the data set has too few tokens to train on or to search, ModelError for
        a model that cannot be loaded.
        """
        free = self._is_free()
        if self.models:
            Gallery.of(self.data, max_gallery=self.config.max_gallery, seed=self.config.seed)
        if any(arm != ZERO_SHOT for arm in arms):
            self._check_training()
        for checkpoint in self.models.values():
            if not is_preset(checkpoint):
                load_encoder(checkpoint, backend="torch")
        if free:
            mark = {"dataset_fingerprint": self.data.manifest.fingerprint}
            files.write_json(self.out / MARK, {**mark, "dataset": str(self.data.path)})

    def _check_training(self) -> None:
        tokens = self.data.count(split="train")
        if tokens < 2:
            raise DatasetError(
                f"{self.data.path} has {tokens} tokens to train on; at least 2 are needed"
            )
        for checkpoint in self.models.values():
            self.config.training(checkpoint, p=0.0, seed=self.config.seed)

    def _is_free(self) -> bool:
        """Return whether the folder is yet to be made; ConfigError where it is something else."""
        if files.is_free(self.out):
            return True
        try:
            known = files.read_json(self.out / MARK)
            mark, dataset = known["dataset_fingerprint"], known["dataset"]
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigError(
                f"{self.out} exists and is no reproduction; choose another folder"
            ) from None
        if mark != self.data.manifest.fingerprint:
            raise ConfigError(
                f"{self.out} is a reproduction on the data set {dataset}, not on {self.data.path} "
                "as it is now; choose another folder"
            )
        return False

    def tested(self, on: TestedOn) -> Dataset:
        """Return the data set, or mini, which is drawn at its first use."""
        if on == "all":
            return self.data
        return subset(
            self.data,
            self.out / f"mini-{self.config.per_collection}-s{self.config.seed}",
            per_collection=self.config.per_collection,
            seed=self.config.seed,
            progress=self.progress,
        )

    def scores(self, model: str, arm: Arm, *, tested_on: TestedOn = "all") -> list[Scores]:
        """Return what each seed's model finds in the test split; there is one of zero-shot."""
        found = []
        for seed in self.seeds(arm):
            key = (model, arm, seed, tested_on)
            if key not in self._known:
                self._known[key] = self._score(model, arm, seed=seed, tested_on=tested_on)
            found.append(self._known[key])
        return found

    def seeds(self, arm: Arm) -> range:
        """Return the seeds that an arm is trained with."""
        count = 1 if arm == ZERO_SHOT else self.config.seeds
        return range(self.config.seed, self.config.seed + count)

    def _score(self, model: str, arm: Arm, *, seed: int, tested_on: TestedOn) -> Scores:
        encoder = self._encoder(model, arm, seed=seed)
        name = self._search_name(model, arm, encoder, seed, tested_on)
        file = self.out / "scores" / f"{name}.json"
        if not file.is_file():
            embedded = self._embedded(model, arm, encoder, seed=seed, tested_on=tested_on)
            work = files.work_folder(file, name)
            rows = score_retrieval(embedded, work=work, progress=self._told(model, arm, seed))
            files.write_json(file, Scores.of(rows).to_json())
            files.clear_work(file)
        return Scores.from_json(files.read_json(file))

    def embedded(self, model: str, arm: Arm) -> Embedded:
        """Return the test split in the space of the first seed's model."""
        encoder = self._encoder(model, arm, seed=self.config.seed)
        return self._embedded(model, arm, encoder, seed=self.config.seed, tested_on="all")

    def _embedded(
        self, model: str, arm: Arm, encoder: Encoder, *, seed: int, tested_on: TestedOn
    ) -> Embedded:
        data = self.tested(tested_on)
        folder = self.out / "embeddings" / self._search_name(model, arm, encoder, seed, tested_on)
        embed(
            encoder,
            data,
            folder,
            max_gallery=self.config.max_gallery,
            seed=self.config.seed,
            dtype="float32",  # so that the scores are those of `traitlens evaluate`
            progress=self._told(model, arm, seed),
        )
        return open_embedded(folder, data)

    def _search_name(
        self, model: str, arm: Arm, encoder: Encoder, seed: int, tested_on: TestedOn
    ) -> str:
        """Return the name of a model's search: another one for another model, data set or cap."""
        mark = fingerprint(
            traitlens.__version__,
            encoder.fingerprint,
            self.tested(tested_on).manifest.fingerprint,
            self.config.max_gallery,
            self.config.seed,
        )
        return f"{_name(model, arm, seed)}-tested-on-{tested_on}-{mark[:8]}"

    def _encoder(self, model: str, arm: Arm, *, seed: int) -> Encoder:
        folder = self.start(model) if arm == ZERO_SHOT else self.run(model, arm, seed=seed)
        return load_encoder(folder, backend="torch")

    def start(self, model: str) -> str | Path:
        """Return what a model starts from: a checkpoint, or a preset's untrained weights."""
        checkpoint = self.models[model]
        if not is_preset(checkpoint):
            return checkpoint
        folder = self.out / "models" / f"untrained-{checkpoint}-s{self.config.seed}"
        if not folder.exists():
            tokens = self.data.tokens(split="train", images=False)
            with files.replacing_folder(folder) as made:
                captions = (token.caption for token in tokens)
                make_tiny(checkpoint, made, captions=captions, seed=self.config.seed)
        return folder

    def run(self, model: str, arm: Arm, *, seed: int) -> Path:
        """Return the folder of a trained model; it is trained at its first use."""
        from traitlens.training import train

        data = self.tested("mini" if arm.trained_on == "mini" else "all")
        config = self.config.training(self.models[model], p=arm.p, seed=seed)
        mark = fingerprint(traitlens.__version__, to_dict(config), data.manifest.fingerprint)
        folder = self.out / "runs" / f"{_name(model, arm, seed)}-{mark[:8]}"
        train(
            data,
            folder,
            config=config,
            cache=self.out / "cache",  # decoded once for all runs
            progress=self._told(model, arm, seed),
        )
        return folder

    def summary(self, model: str, arm: Arm) -> dict[str, Any]:
        """Return what the first seed's run wrote of itself, `training.json`."""
        run = self.run(model, arm, seed=self.config.seed)
        summary: dict[str, Any] = files.read_json(run / "training.json")
        return summary

    def _told(self, model: str, arm: Arm, seed: int) -> Progress:
        """Return a progress that says which run it is about."""
        about = f"{model}, {arm.words}" + (f", seed {seed}" if self.config.seeds > 1 else "")

        def told(stage: str, done: int, total: int, note: str = "", /) -> None:
            self.progress(f"{about}: {stage}", done, total, note)

        return told


def _name(model: str, arm: Arm, seed: int) -> str:
    """Return a file's name for a model; zero-shot has no seed."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in model).strip("-")
    if arm == ZERO_SHOT:
        return f"{plain}-zero-shot"
    return f"{plain}-{arm.trained_on}-p{arm.p:g}-s{seed}"
