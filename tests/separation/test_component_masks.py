"""The masks in memory and on disk."""

from __future__ import annotations

import dataclasses
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.separation.layers import (
    BODY,
    HAT,
    SIZE_PX,
    draw,
    layered_tokens,
    mask,
    separated,
    token,
)
from traitlens import files
from traitlens.errors import DatasetError
from traitlens.records import Trait
from traitlens.separation import ComponentMasks, ContrastConfig, SeparationConfig, load_masks
from traitlens.separation.masks import from_bytes, save_masks, to_bytes

SMALL_SHARE = SeparationConfig(method="contrast", contrast=ContrastConfig(share=0.3))


@pytest.fixture(scope="module")
def masks() -> ComponentMasks:
    """With a small share, the sky behind the hats is part of the sky."""
    return separated(layered_tokens(), SMALL_SHARE)


def test_they_read_as_they_were_written(masks: ComponentMasks, tmp_path: Path) -> None:
    save_masks(tmp_path, masks)
    loaded = load_masks(tmp_path, "layers")
    assert (loaded.height, loaded.width, loaded.colour_bits) == (SIZE_PX, SIZE_PX, 8)
    assert loaded.method == "contrast"
    for one, other in zip(masks.components, loaded.components, strict=True):
        for name in ("trait", "support", "visible", "confidence", "layer"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("where_M", "colours_M", "weights_M", "rgba_M4"):
            np.testing.assert_array_equal(getattr(one.region, name), getattr(other.region, name))


def test_equal_components_are_equal_bytes(masks: ComponentMasks) -> None:
    assert to_bytes(masks) == to_bytes(separated(layered_tokens(), SMALL_SHARE))
    assert to_bytes(from_bytes(to_bytes(masks))) == to_bytes(masks)


def test_the_summary_says_how_large_and_how_common_components_are(
    masks: ComponentMasks, tmp_path: Path
) -> None:
    save_masks(tmp_path, masks)
    found = files.read_json(tmp_path / "layers.json")["components"]
    (cap,) = [c for c in found if c["value"] == "Cap"]
    assert (cap["trait_type"], cap["support"]) == ("Hat", 9)
    assert (cap["area"], cap["visible"], cap["confidence"]) == (0.125, 0.125, 1)
    (noon,) = [c for c in found if c["value"] == "Noon"]
    # 48 px, of which 8 are covered in two of three tokens
    assert noon["area"] == 0.75 and noon["visible"] == round((48 - 8 * 2 / 3) / 64, 5)


def test_a_token_has_the_masks_of_its_own_traits(masks: ComponentMasks) -> None:
    traits = [Trait("Hat", "Cap", "string"), Trait("Sky", "Noon"), Trait("Mood", "Sour")]
    found = masks.for_token(token(0, draw("Noon", "Red", "Cap"), traits))
    assert list(found) == traits[:2]
    np.testing.assert_array_equal(found[traits[0]], mask(HAT))


def test_a_repeated_trait_type_has_a_mask_for_each_value_and_a_doubled_trait_one(
    masks: ComponentMasks,
) -> None:
    traits = [Trait("Hat", "Cap"), Trait("Hat", "Crown"), Trait("Hat", "Cap")]
    assert list(masks.for_token(token(0, draw("Noon", "Red", "Cap"), traits))) == traits[:2]


def test_a_picture_of_another_size_has_no_masks(masks: ComponentMasks) -> None:
    small = dataclasses.replace(layered_tokens()[0], width=SIZE_PX - 1)
    assert masks.for_token(small) == {} == masks.visible(small)


def test_what_another_component_covers_is_not_visible(masks: ComponentMasks) -> None:
    one = token(0, draw("Noon", "Red", "Cap"), [Trait("Sky", "Noon"), Trait("Hat", "Cap")])
    assert masks.for_token(one)[Trait("Sky", "Noon")][HAT].all()
    seen = masks.visible(one)
    np.testing.assert_array_equal(seen[Trait("Sky", "Noon")], ~mask(BODY, HAT))
    np.testing.assert_array_equal(seen[Trait("Hat", "Cap")], mask(HAT))


def test_visible_masks_are_disjoint_and_within_the_masks(masks: ComponentMasks) -> None:
    for one in layered_tokens():
        whole, seen = masks.for_token(one), masks.visible(one)
        assert list(whole) == list(seen)
        assert np.sum(list(seen.values()), axis=0).max() == 1
        assert all((seen[trait] <= whole[trait]).all() for trait in seen)


def test_of_two_components_that_fit_the_more_distinctive_owns_the_pixel(
    masks: ComponentMasks,
) -> None:
    """The region's weight decides, not the order of the traits."""
    (sky,) = (c for c in masks.components if c.trait.value == "Noon")
    region = dataclasses.replace(sky.region, weights_M=np.full_like(sky.region.weights_M, 9))
    weak = dataclasses.replace(sky, region=region, trait=Trait("Weak", "Twin"))
    twins = dataclasses.replace(masks, components=(sky, weak))
    for traits in ([weak.trait, sky.trait], [sky.trait, weak.trait]):
        seen = twins.visible(token(0, draw("Noon", "Red", None), traits))
        assert seen[sky.trait].sum() == len(sky.region)
        assert not seen[weak.trait].any()


def test_without_a_file_the_error_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run `traitlens components`"):
        load_masks(tmp_path, "layers")


@pytest.mark.parametrize("name", ["../layers", "a/b", "", "/etc/passwd"])
def test_a_collection_name_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot be the name of a collection"):
        load_masks(tmp_path, name)


class Bomb:
    """Unpickling this would raise an error that nobody expects."""

    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("raise SystemExit('a pickle was loaded')",))


def npz(**arrays: NDArray[Any]) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=True, **arrays)
    return sink.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        pickle.dumps(Bomb()),
        npy(np.array([Bomb()], dtype=object)),
        npz(about=np.array([Bomb()], dtype=object)),
        npz(about=np.frombuffer(b"[1]", np.uint8)),
        npz(about=np.frombuffer(b'{"format_version": 99}', np.uint8)),
        npz(masks=np.zeros(3)),
        npy(np.zeros(3)),
    ],
)
def test_another_file_is_refused_and_nothing_is_unpickled(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "layers.npz").write_bytes(content)
    with pytest.raises(DatasetError, match="is no file of components"):
        load_masks(tmp_path, "layers")


def test_a_damaged_file_is_refused(masks: ComponentMasks, tmp_path: Path) -> None:
    content = to_bytes(masks)
    for damaged in (content[:-30], content[:200], content[:400] + b"\0" * 40 + content[440:]):
        (tmp_path / "layers.npz").write_bytes(damaged)
        with pytest.raises(DatasetError, match="is no file of components"):
            load_masks(tmp_path, "layers")


def test_masks_that_do_not_fit_their_size_are_refused(
    masks: ComponentMasks, tmp_path: Path
) -> None:
    (tmp_path / "layers.npz").write_bytes(to_bytes(dataclasses.replace(masks, components=())))
    assert load_masks(tmp_path, "layers").masks == {}
    with np.load(io.BytesIO(to_bytes(masks))) as archive:
        arrays = dict(archive)
    for name, wrong in (("masks", arrays["masks"][:, :-1]), ("colours", arrays["colours"][:-1])):
        (tmp_path / "layers.npz").write_bytes(npz(**{**arrays, name: wrong}))
        with pytest.raises(DatasetError, match="is no file of components"):
            load_masks(tmp_path, "layers")
