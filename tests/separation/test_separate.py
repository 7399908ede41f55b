"""From a data set to its components: caps, counts, splits, resuming."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import drawn_dataset, write_dataset
from tests.separation.layers import BODY, HAT, blank, draw, layered_tokens, mask, token
from traitlens.errors import ConfigError, DatasetError
from traitlens.records import Trait
from traitlens.separation import (
    PaperConfig,
    SeparationConfig,
    SeparationReport,
    components,
    load_masks,
)
from traitlens.separation.pixels import Mask, colour_bits_for, pack
from traitlens.separation.separate import sample
from traitlens.store import Dataset


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "data", {"layers": layered_tokens()})


def closes(report: SeparationReport) -> bool:
    assert report.read == report.used + sum(report.skipped.values())
    assert report.values == report.with_mask + sum(report.without_mask.values())
    return True


def test_a_data_set_gets_masks_beside_its_tokens(data: Dataset) -> None:
    (report,) = components(data)
    assert closes(report)
    assert (report.used, report.with_mask, report.reused) == (27, 8, False)
    masks = load_masks(data.path / "components", "layers")
    np.testing.assert_array_equal(masks.masks["Hat", "Cap"], mask(HAT))
    np.testing.assert_array_equal(masks.masks["Body", "Red"], mask(BODY))


def test_the_folder_of_a_data_set_will_do_and_out_may_be_elsewhere(
    data: Dataset, tmp_path: Path
) -> None:
    components(data.path, out=tmp_path / "elsewhere")
    assert load_masks(tmp_path / "elsewhere", "layers").components
    assert not (data.path / "components").exists()


def test_collections_are_kept_apart(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 40, "owls": 30})
    reports = components(data, collections=["owls"])
    assert [(r.collection, r.read) for r in reports] == [("owls", 30)]
    with pytest.raises(DatasetError, match="did you mean 'owls'"):
        components(data, collections=["owl"])


def test_rejected_tokens_are_not_looked_at(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20}, rejected=3)
    assert components(data)[0].read == 20


def test_a_finished_collection_is_kept(data: Dataset) -> None:
    components(data)
    file = data.path / "components" / "layers.npz"
    written = file.stat().st_mtime_ns, file.read_bytes()
    (again,) = components(data)
    assert again.reused and (file.stat().st_mtime_ns, file.read_bytes()) == written
    (replaced,) = components(data, replace=True)
    assert not replaced.reused and file.read_bytes() == written[1]


def test_another_config_split_or_data_is_found_anew(data: Dataset, tmp_path: Path) -> None:
    components(data)
    assert not components(data, config=SeparationConfig(seed=1))[0].reused
    assert not components(data, split="train")[0].reused
    other = write_dataset(tmp_path / "other", {"layers": layered_tokens()[:-1]})
    out = data.path / "components"
    assert not components(other, split="train", out=out)[0].reused


def test_a_damaged_file_is_found_anew(data: Dataset) -> None:
    components(data)
    (data.path / "components" / "layers.npz").write_bytes(b"damaged")
    assert not components(data)[0].reused
    assert load_masks(data.path / "components", "layers").components


def test_only_tokens_of_the_split_are_looked_at(tmp_path: Path) -> None:
    tokens = layered_tokens()
    held_out = [
        token(100 + n, blank((n, 0, 0)), [Trait("Secret", "Held out")], split="test")
        for n in range(5)
    ]
    data = write_dataset(tmp_path / "data", {"layers": [*tokens, *held_out]})
    (report,) = components(data, split="train")
    assert (report.read, report.values) == (27, 8)
    assert components(data)[0].values == 9


def test_a_collection_without_tokens_in_the_split_has_an_empty_file(data: Dataset) -> None:
    (report,) = components(data, split="test")
    assert closes(report) and (report.read, report.values) == (0, 0)
    masks = load_masks(data.path / "components", "layers")
    assert masks.masks == {} and masks.for_token(layered_tokens()[0]) == {}


def test_tokens_of_another_size_are_counted_and_their_values_stay_known(tmp_path: Path) -> None:
    odd = token(99, draw("Noon", "Red", "Cap")[:6], [Trait("Sky", "Noon"), Trait("Shape", "Flat")])
    data = write_dataset(tmp_path / "data", {"layers": [odd, *layered_tokens()]})
    (report,) = components(data)
    assert closes(report)
    assert report.skipped == {"another size": 1}
    assert report.without_mask == {"too few tokens": 1}


def test_caps_keep_tokens_of_every_value(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"layers": layered_tokens()})
    (report,) = components(data, config=SeparationConfig(max_tokens=10))
    assert closes(report)
    assert (report.used, report.skipped) == (10, {"not sampled": 17})
    assert components(data, config=SeparationConfig(max_pixels=64 * 5))[0].used == 5


def test_the_sample_takes_rare_values_first() -> None:
    common = [token(n, blank((1, 1, 1)), [Trait("Kind", "Common")]) for n in range(50)]
    rare = token(50, blank((2, 2, 2)), [Trait("Kind", "Common"), Trait("Pin", "Rare")])
    for seed in range(5):
        config = SeparationConfig(max_tokens=3, seed=seed)
        taken = sample([*common, rare], config, area=64)
        assert len(taken) == 3 and rare in taken


def test_runs_are_repeatable_and_the_seed_counts(data: Dataset, tmp_path: Path) -> None:
    def run(folder: str, seed: int) -> dict[tuple[str, str], Mask]:
        recipe = PaperConfig(rounds=1, images_per_round=2)
        config = SeparationConfig(method="paper", paper=recipe, seed=seed)
        components(data, out=tmp_path / folder, config=config)
        return load_masks(tmp_path / folder, "layers").masks

    first, again, other = run("a", 0), run("b", 0), run("c", 1)
    assert (tmp_path / "a/layers.npz").read_bytes() == (tmp_path / "b/layers.npz").read_bytes()
    assert any((first[name] != other[name]).any() for name in again)


def test_progress_is_told(data: Dataset) -> None:
    said: list[tuple[object, ...]] = []
    components(data, progress=lambda *what: said.append(what))
    assert said == [("components", 0, 1, "layers"), ("components", 1, 1)]


def test_a_token_with_a_broken_picture_is_named(tmp_path: Path) -> None:
    broken = dataclasses.replace(layered_tokens()[0], image=b"no picture")
    data = write_dataset(tmp_path / "data", {"layers": [broken]})
    with pytest.raises(DatasetError, match=r"folder:layers/0 cannot be read"):
        components(data)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("method", "magic"),
        ("colour_bits", 9),
        ("min_tokens", 0),
        ("max_tokens", 0),
        ("max_pixels", 0),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"separation\.{option} must be"):
        SeparationConfig(**{option: value})  # type: ignore[arg-type]


def test_pixel_art_keeps_its_colours_and_smooth_pictures_share_near_ones() -> None:
    flat = Image.fromarray(blank((10, 20, 30)))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert colour_bits_for([flat]) == 8
    assert colour_bits_for([Image.fromarray(noise)]) == 4
    near = [Image.new("RGB", (1, 1), (100, 100, value)) for value in (8, 15, 23, 25)]
    coarse = [int(pack(picture, colour_bits=4)[0, 0]) for picture in near]
    assert coarse[0] == coarse[1] == coarse[2] != coarse[3]


def test_the_papers_recipe_compares_exact_colours(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    tokens = [token(n, picture, [Trait("Type", "Noise")]) for n, picture in enumerate(noise)]
    smooth = write_dataset(tmp_path / "smooth", {"layers": tokens})
    for method, bits in (("paper", 8), ("contrast", 4)):
        components(smooth, out=tmp_path, config=SeparationConfig(method=method))
        assert load_masks(tmp_path, "layers").colour_bits == bits


def test_packed_pixels_keep_every_channel() -> None:
    image = Image.new("RGBA", (1, 1), (1, 2, 3, 4))
    assert int(pack(image, colour_bits=8)[0, 0]) == 1 + (2 << 8) + (3 << 16) + (4 << 24)
