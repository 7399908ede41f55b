"""An export is the same model in another layout, and what is not the same is not written."""

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor
from safetensors.torch import load_file

from tests.helpers import drawn_dataset
from tests.models.checkpoints import WORDS, openai_clip, sentence_encoder, siglip
from traitlens import files
from traitlens.errors import ConfigError, DatasetError, ModelError
from traitlens.models import load_encoder
from traitlens.models.export import export_model
from traitlens.models.export.comparing import Encoded, closeness, top1
from traitlens.models.export.sampling import Sample, drawn_sample, sample_of
from traitlens.models.onnx_encoder import OnnxEncoder
from traitlens.models.text_towers import join_text_tower
from traitlens.models.tiny import make_tiny
from traitlens.store import Dataset

LAYOUTS = ("onnx", "open_clip", "sentence-transformers")


def nano(folder: Path) -> Path:
    make_tiny("nano", folder, captions=[" ".join(WORDS)] * 3, seed=0)
    return folder


def end_by_id(folder: Path) -> Path:
    """Write a CLIP that ends texts at a named id, and has an activation that is not openai's."""
    return openai_clip(folder, act="gelu", end=1)


def joined(folder: Path) -> Path:
    sentence_encoder(folder / "bert")
    join_text_tower("nano", folder / "bert", folder / "joined")
    return folder / "joined"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return openai_clip(tmp_path_factory.mktemp("clip") / "model")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("data") / "d", {"robots": 160, "cats": 160})


@pytest.mark.parametrize(
    ("to", "make"),
    [
        ("onnx", openai_clip),
        *((to, make) for to in LAYOUTS[1:] for make in (nano, openai_clip, end_by_id)),
    ],
)
def test_an_export_gives_the_vectors_of_the_original(
    tmp_path: Path, data: Dataset, to: str, make: Callable[[Path], Path]
) -> None:
    report = export_model(make(tmp_path / "m"), tmp_path / "out", to=to, data=data, sample=32)
    assert report.exact.least >= 0.9999
    assert report.sample == "32 tokens of 2 collections"
    written = files.read_json(tmp_path / "out/model_export.json")
    assert written["exact"] == {"images": report.exact.images, "texts": report.exact.texts}


def test_an_onnx_export_has_both_precisions_and_says_what_int8_loses(
    tmp_path: Path, data: Dataset
) -> None:
    model, out = nano(tmp_path / "m"), tmp_path / "out"
    report = export_model(model, out, to="onnx", data=data, sample=24)
    pictures = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue", "green")]
    original = load_encoder(model).encode_images(pictures)
    whole = OnnxEncoder(out, name="o", precision="fp32").encode_images(pictures)
    np.testing.assert_allclose(whole, original, atol=1e-5)
    rounded = load_encoder(out)
    assert type(rounded) is OnnxEncoder
    assert np.abs(rounded.encode_images(pictures) - original).max() > 1e-5, "int8 by default"
    assert report.int8 is not None
    assert 0.9 < report.int8.least < report.exact.least
    assert report.recall is not None
    assert report.recall.lost == report.recall.original - report.recall.int8


@pytest.mark.parametrize("make", [siglip, joined])
def test_any_dual_encoder_goes_to_onnx(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    report = export_model(make(tmp_path / "m"), tmp_path / "out", to="onnx", sample=12)
    assert report.exact.least >= 0.9999


@pytest.mark.parametrize("to", ["open_clip", "sentence-transformers"])
def test_a_model_that_a_layout_cannot_hold_is_refused(tmp_path: Path, to: str) -> None:
    siglip(tmp_path / "m")
    with pytest.raises(ModelError, match="holds CLIP models, not a SiglipModel"):
        export_model(tmp_path / "m", tmp_path / "out", to=to)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"]


@pytest.mark.parametrize(
    ("to", "broken"),
    [
        ("open_clip", "traitlens.models.export.open_clip._weights"),
        ("sentence-transformers", "transformers.CLIPModel.state_dict"),
        ("onnx", "traitlens.models.export.onnx.image_features"),
    ],
)
def test_an_export_that_is_another_model_is_refused_and_leaves_nothing(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, broken: str
) -> None:
    module, _, name = broken.rpartition(".")
    target: Any = importlib.import_module(module.removesuffix(".CLIPModel"))
    target = target.CLIPModel if module.endswith("CLIPModel") else target
    sound = getattr(target, name)

    def skewed(*arguments: Any, **options: Any) -> Any:
        made = sound(*arguments, **options)
        if isinstance(made, torch.Tensor):
            return made + 0.1
        first = ("ln_1", "layer_norm1")
        return {n: t * 1.1 if any(part in n for part in first) else t for n, t in made.items()}

    monkeypatch.setattr(target, name, skewed)
    with pytest.raises(ModelError, match=r"is not the same model: the least cosine is 0\.9"):
        export_model(clip, tmp_path / "out", to=to, sample=12)
    assert not any(tmp_path.iterdir())


def test_open_clips_names_and_shapes_are_those_of_its_own_model(clip: Path, tmp_path: Path) -> None:
    export_model(clip, tmp_path / "out", to="open_clip", sample=4)
    weights = load_file(tmp_path / "out/open_clip_model.safetensors")
    block = {
        "ln_1.weight": (32,),
        "ln_1.bias": (32,),
        "attn.in_proj_weight": (96, 32),
        "attn.in_proj_bias": (96,),
        "attn.out_proj.weight": (32, 32),
        "attn.out_proj.bias": (32,),
        "ln_2.weight": (32,),
        "ln_2.bias": (32,),
        "mlp.c_fc.weight": (64, 32),
        "mlp.c_fc.bias": (64,),
        "mlp.c_proj.weight": (32, 64),
        "mlp.c_proj.bias": (32,),
    }
    count = len(files.read_json(clip / "vocab.json"))
    expected = {
        "positional_embedding": (20, 32),
        "text_projection": (32, 24),
        "logit_scale": (),
        "token_embedding.weight": (count, 32),
        "ln_final.weight": (32,),
        "ln_final.bias": (32,),
        "visual.class_embedding": (32,),
        "visual.positional_embedding": (17, 32),
        "visual.proj": (32, 24),
        "visual.conv1.weight": (32, 3, 8, 8),
        "visual.ln_pre.weight": (32,),
        "visual.ln_pre.bias": (32,),
        "visual.ln_post.weight": (32,),
        "visual.ln_post.bias": (32,),
    }
    for tower in ("", "visual."):
        for layer in range(2):
            prefix = f"{tower}transformer.resblocks.{layer}."
            expected |= {prefix + name: shape for name, shape in block.items()}
    assert {name: tuple(value.shape) for name, value in weights.items()} == expected


def test_open_clips_config_says_how_the_model_was_made(clip: Path, tmp_path: Path) -> None:
    report = export_model(clip, tmp_path / "out", to="open_clip", sample=4)
    config = files.read_json(tmp_path / "out/open_clip_config.json")
    model = config["model_cfg"]
    assert model["embed_dim"] == 24
    assert model["quick_gelu"] is True
    assert model["vision_cfg"] == {
        "image_size": 32,
        "layers": 2,
        "width": 32,
        "patch_size": 8,
        "head_width": 16,
        "mlp_ratio": 2.0,
    }
    assert model["text_cfg"]["pool_type"] == "argmax"
    assert config["preprocess_cfg"]["interpolation"] == "bicubic"
    assert config["preprocess_cfg"]["resize_mode"] == "shortest"
    assert not any("resize" in note for note in report.notes)


def test_what_open_clip_cannot_prepare_is_said(tmp_path: Path) -> None:
    report = export_model(nano(tmp_path / "m"), tmp_path / "out", to="open_clip", sample=4)
    assert any("resize pictures to 64 x 64 px with that filter first" in n for n in report.notes)
    config = files.read_json(tmp_path / "out/open_clip_config.json")["model_cfg"]
    assert config["text_cfg"]["pool_type"] == "eos"
    assert config["text_cfg"]["eos_id"] == 1


def test_towers_of_two_activations_are_refused_by_open_clip(tmp_path: Path) -> None:
    config = files.read_json(openai_clip(tmp_path / "m") / "config.json")
    config["text_config"]["hidden_act"] = "gelu"
    files.write_json(tmp_path / "m/config.json", config)
    with pytest.raises(ModelError, match=r"share one activation, .* have gelu and quick_gelu"):
        export_model(tmp_path / "m", tmp_path / "out", to="open_clip", sample=4)


def test_the_real_sentence_transformers_gives_the_same_vectors(clip: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    export_model(clip, tmp_path / "out", to="sentence-transformers", sample=4)
    theirs, shown = library.SentenceTransformer(str(tmp_path / "out")), drawn_sample(size=6)
    ours = load_encoder(clip)
    np.testing.assert_allclose(
        theirs.encode(shown.texts), ours.encode_texts(shown.texts), atol=1e-5
    )
    np.testing.assert_allclose(
        theirs.encode(shown.pictures), ours.encode_images(shown.pictures), atol=1e-5
    )


def test_only_an_export_is_replaced_and_only_when_asked(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_model(clip, out, to="sentence-transformers", sample=4)
    with pytest.raises(ModelError, match="is an export already; choose another folder or --replac"):
        export_model(clip, out, to="open_clip", sample=4)
    export_model(clip, out, to="open_clip", sample=4, replace=True)
    assert not (out / "modules.json").exists()
    with pytest.raises(ModelError, match="exists and is no export of a model"):
        export_model(clip, clip, to="open_clip", sample=4, replace=True)
    assert (clip / "model.safetensors").is_file()


def test_an_unknown_layout_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="to must be one of onnx, open_clip, sentence-transf"):
        export_model("shipped", tmp_path / "out", to="tensorflow")


def test_weights_can_be_read_by_others(clip: Path, tmp_path: Path) -> None:
    export_model(clip, tmp_path / "out", to="open_clip", sample=4)
    assert (tmp_path / "out/open_clip_model.safetensors").stat().st_mode & 0o777 == 0o644


def encoded(images: list[list[float]], texts: list[list[float]]) -> Encoded:
    return Encoded(images=np.array(images, np.float32), texts=np.array(texts, np.float32))


def sample(texts: list[str], galleries: list[str]) -> Sample:
    return Sample(pictures=[], texts=texts, galleries=galleries, source="")


def test_closeness_is_the_least_cosine_of_each_side() -> None:
    one = encoded([[1, 0], [0, 1]], [[1, 0], [1, 0]])
    other = encoded([[1, 0], [0.6, 0.8]], [[1, 0], [0, 1]])
    found = closeness(one, other)
    assert found.images == pytest.approx(0.8)
    assert found.texts == pytest.approx(0.0)
    assert found.least == found.texts


@pytest.mark.parametrize("bad", [[[np.nan, 0.0]], [[1.0, 0.0, 0.0]]])
def test_vectors_that_are_none_are_as_far_as_can_be(bad: list[list[float]]) -> None:
    assert closeness(encoded([[1, 0]], [[1, 0]]), encoded(bad, [[1, 0]])).images == -1.0


def test_top1_counts_texts_whose_picture_is_nearest_in_its_gallery() -> None:
    pictures = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    texts = [[1.0, 0.0], [0.8, 0.6], [1.0, 0.0]]
    # The second text is nearest to the first picture; the third lies in a gallery of its own.
    found = top1(encoded(pictures, texts), sample(["a", "b", "c"], ["x", "x", "y"]))
    assert found == pytest.approx(2 / 3)


def test_a_tie_with_a_wrong_picture_is_a_miss_and_equal_texts_are_right() -> None:
    same = encoded([[1, 0], [1, 0]], [[1, 0], [1, 0]])
    assert top1(same, sample(["a", "b"], ["x", "x"])) == 0
    assert top1(same, sample(["a", "a"], ["x", "x"])) == 1


def test_a_sample_is_of_the_test_split_and_of_each_collection_alike(data: Dataset) -> None:
    shown = sample_of(data, size=32)
    held = {token.caption for token in data.tokens(split="test")}
    assert set(shown.texts) <= held
    assert {name: shown.galleries.count(name) for name in data.collections} == {
        "robots": 16,
        "cats": 16,
    }
    assert all(picture.mode == "RGB" for picture in shown.pictures)
    assert sample_of(data, size=8, seed=1).texts != sample_of(data, size=8, seed=2).texts


def test_each_text_of_a_sample_stands_at_its_own_picture(data: Dataset) -> None:
    shown = sample_of(data, size=32)
    pixels = {t.caption: t.image for t in data.tokens(split="test")}
    assert len(shown.pictures) == len(shown.texts) == len(shown.galleries)
    for picture, text in zip(shown.pictures, shown.texts, strict=True):
        image = pixels[text]
        assert image is not None
        with Image.open(io.BytesIO(image)) as opened:
            assert opened.convert("RGB").tobytes() == picture.tobytes()


def test_a_data_set_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no tokens to compare an export on"):
        sample_of(drawn_dataset(tmp_path / "d", {"robots": 0}), size=8)


def test_drawn_pictures_show_what_their_texts_say() -> None:
    shown = drawn_sample(size=20, seed=1)
    for picture, text in zip(shown.pictures, shown.texts, strict=True):
        colour, _, _, ground, _ = text.split()
        assert picture.getpixel((127, 127)) == ImageColor.getrgb(ground)
        assert {rgb for _, rgb in picture.getcolors() or []} == {
            ImageColor.getrgb(ground),
            ImageColor.getrgb(colour),
        }
