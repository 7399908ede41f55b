"""A data set becomes an index: whole, resumable, and of one encoder and one data set."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.engines.opening import LOCAL
from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens.engines import EngineName, open_engine
from traitlens.errors import ConfigError, DatasetError, IndexingError
from traitlens.models.encoder import Vectors
from traitlens.retrieval import Index, IndexConfig, IndexManifest, index
from traitlens.store import Dataset

EXACT = IndexConfig(engine="exact", batch_size=4, write_size=8)


class DyingEncoder(ColourEncoder):
    """Encodes `batches` batches and then fails; remembers how many pictures it saw."""

    def __init__(self, *, batches: int = 1_000) -> None:
        super().__init__()
        self.batches = batches
        self.pictures = 0

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1
        self.pictures += len(images)
        return super().encode_images(images)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return drawn_dataset(tmp_path / "data", {"robots": 20, "owls": 10})


@pytest.mark.parametrize("engine", LOCAL)
def test_every_kept_token_becomes_a_point(
    data: Dataset, tmp_path: Path, engine: EngineName
) -> None:
    steps: list[tuple[int, int]] = []
    manifest = index(
        data,
        tmp_path / "idx",
        encoder=ColourEncoder(),
        config=IndexConfig(engine=engine, batch_size=16, write_size=16),
        progress=lambda _, done, total, note="": steps.append((done, total)),
    )
    assert (manifest.read, manifest.indexed, manifest.rejected) == (30, 30, {})
    assert manifest.complete
    assert [*dict.fromkeys(steps)] == [(16, 30), (30, 30)]
    assert min(dataclasses.astuple(manifest.seconds)) > 0
    assert IndexManifest.read_from(tmp_path / "idx") == manifest
    with open_engine(engine, tmp_path / "idx" / "engine", dimension=19) as opened:
        assert opened.token_uids() == {token.token_uid for token in data.tokens()}


def test_pictures_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    tokens = [drawn_token("robots", number) for number in range(4)]
    tokens[1] = dataclasses.replace(tokens[1], image=b"no picture")
    tokens[2] = dataclasses.replace(tokens[2], token_uid=tokens[0].token_uid)
    data = write_dataset(tmp_path / "data", {"robots": tokens})
    manifest = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    assert manifest.indexed == 2
    assert manifest.rejected == {"unsupported media type": 1, "repeated token_uid": 1}


def test_a_killed_run_goes_on_where_it_was(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        index(data, tmp_path / "idx", encoder=DyingEncoder(batches=5), config=EXACT)
    with pytest.raises(IndexingError, match="is not complete; run `traitlens index` again"):
        Index.open(tmp_path / "idx", encoder=ColourEncoder())
    again = DyingEncoder()
    manifest = index(data, tmp_path / "idx", encoder=again, config=EXACT)
    assert again.pictures == 30 - 16  # two writes of 8 had been acknowledged
    assert manifest.complete
    assert manifest.indexed == 30


def test_a_complete_index_is_left_alone(data: Dataset, tmp_path: Path) -> None:
    first = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    again = DyingEncoder(batches=0)
    assert index(data.path, tmp_path / "idx", encoder=again, config=EXACT) == first


def test_an_index_of_something_else_is_refused_unless_replaced(
    data: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "idx"
    index(data, out, encoder=ColourEncoder(), config=EXACT)
    other_data = drawn_dataset(tmp_path / "other", {"robots": 3})
    other_encoder = ColourEncoder(version="2")
    with pytest.raises(IndexingError, match="was made with the encoder colours"):
        index(data, out, encoder=other_encoder, config=EXACT)
    with pytest.raises(IndexingError, match=r"was made with the data set .*data \("):
        index(other_data, out, encoder=ColourEncoder(), config=EXACT)
    with pytest.raises(IndexingError, match="was made with the engine exact, not edge"):
        index(data, out, encoder=ColourEncoder())
    made = index(other_data, out, encoder=other_encoder, config=EXACT, replace=True)
    assert made.indexed == 3


@pytest.mark.parametrize("engine", LOCAL)
def test_an_index_is_brought_in_step_with_another_data_set(
    tmp_path: Path, engine: EngineName
) -> None:
    tokens = [drawn_token("robots", number) for number in range(12)]
    data = write_dataset(tmp_path / "data", {"robots": tokens[:10]})
    config, encoder = IndexConfig(engine=engine), DyingEncoder()
    index(data, tmp_path / "idx", encoder=encoder, config=config)
    first = encoder.pictures

    changed = [*tokens[3:10], *tokens[10:]]  # three are gone, two are new
    changed[0] = dataclasses.replace(changed[0], caption="said otherwise")
    changed[1] = dataclasses.replace(
        changed[1], image=tokens[11].image, pixels_sha256=tokens[11].pixels_sha256
    )
    other = write_dataset(tmp_path / "other", {"robots": changed})
    with pytest.raises(IndexingError, match="update it, replace it, or name a new folder"):
        index(other, tmp_path / "idx", encoder=encoder, config=config)
    made = index(other, tmp_path / "idx", encoder=encoder, config=config, update=True)
    pictures = {token.image for token in tokens}
    assert encoder.pictures == len(pictures)
    assert first == len({token.image for token in tokens[:10]})
    assert (made.indexed, made.read, made.complete) == (9, 9, True)
    assert made.changes.deleted == 3

    fresh = index(other, tmp_path / "fresh", encoder=ColourEncoder(), config=config)
    assert fresh.indexed == 9
    for path in ("idx", "fresh"):
        with Index.open(tmp_path / path, encoder=ColourEncoder()) as opened:
            found = opened.search("red", k=20)
            assert {h.token_uid for h in found.hits} == {t.token_uid for t in changed}
            said = {hit.token_uid: hit.caption for hit in found.hits}
            assert said[changed[0].token_uid] == "said otherwise"
            scores = {h.token_uid: round(h.score, 3) for h in found.hits}
            ranks = {h.token_uid: h.rarity for h in found.hits}
        if path == "idx":
            updated = scores, ranks
    assert updated == (scores, ranks)


@pytest.mark.parametrize("engine", LOCAL)
def test_an_index_that_somebody_reads_is_left_as_it_is(tmp_path: Path, engine: EngineName) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5})
    other = drawn_dataset(tmp_path / "other", {"robots": 6})
    config = IndexConfig(engine=engine)
    made = index(data, tmp_path / "idx", encoder=ColourEncoder(), config=config)
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()):
        for update in (True, False):
            with pytest.raises(IndexingError, match="is in use by another process"):
                index(
                    other,
                    tmp_path / "idx",
                    encoder=ColourEncoder(),
                    config=config,
                    update=update,
                    replace=not update,
                )
    assert IndexManifest.read_from(tmp_path / "idx") == made
    with Index.open(tmp_path / "idx", encoder=ColourEncoder()) as opened:
        assert len(opened.search("red", k=9).hits) == 5


def test_replacing_encodes_nothing_that_was_encoded_before(tmp_path: Path, data: Dataset) -> None:
    encoder = DyingEncoder()
    index(data, tmp_path / "idx", encoder=encoder, config=EXACT)
    before = encoder.pictures
    made = index(data, tmp_path / "idx", encoder=encoder, config=IndexConfig(), replace=True)
    assert (encoder.pictures, made.indexed) == (before, 30)


def test_a_folder_with_other_things_is_never_emptied(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(IndexingError, match=r"holds 'thesis.txt', which is no part of an index"):
        index(data, tmp_path / "home", encoder=ColourEncoder(), config=EXACT, replace=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_what_a_kill_left_before_the_manifest_is_cleared(data: Dataset, tmp_path: Path) -> None:
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    (tmp_path / "idx" / "index.json").unlink()
    assert index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT).indexed == 30


def test_index_and_data_set_can_move_together(data: Dataset, tmp_path: Path) -> None:
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=EXACT)
    (tmp_path / "moved").mkdir()
    for name in ("data", "idx"):
        shutil.move(tmp_path / name, tmp_path / "moved" / name)
    with Index.open(tmp_path / "moved" / "idx", encoder=ColourEncoder()) as opened:
        assert opened.search("red hat", k=1).hits[0].image is not None


def test_wrong_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no data set"):
        index(tmp_path / "nothing", tmp_path / "idx", encoder=ColourEncoder())
    with pytest.raises(
        ConfigError, match=r"index\.engine must be one of edge, exact, server; got 'faiss'"
    ):
        IndexConfig(engine="faiss")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "url", "said"),
    [
        ("server", None, 'goes with the engine "server"'),
        ("edge", "http://localhost:6333", 'goes with the engine "server"'),
        ("server", "ftp://host", "like http://localhost:6333; got 'ftp://host'"),
        ("server", "http://key@host", "got 'http://key@host'"),
    ],
)
def test_a_server_needs_an_address_and_nothing_else_does(
    engine: EngineName, url: str | None, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        IndexConfig(engine=engine, url=url)


def test_a_server_that_does_not_answer_is_said_in_one_sentence(
    data: Dataset, tmp_path: Path
) -> None:
    nobody = IndexConfig(engine="server", url="http://127.0.0.1:9")
    with pytest.raises(IndexingError, match="the Qdrant server did not do it"):
        index(data, tmp_path / "idx", encoder=ColourEncoder(), config=nobody)
