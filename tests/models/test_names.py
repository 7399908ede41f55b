"""Names of models: the paper's three by short names, and a misspelt one is answered with a hint."""

import pytest

from traitlens.errors import ModelError
from traitlens.models import load_encoder
from traitlens.models.names import PAPER, hub_name
from traitlens.reproduction.published import MODELS


def test_the_papers_checkpoints_have_short_names() -> None:
    assert {hub_name(name) for name in PAPER} == set(MODELS)


def test_a_name_of_the_hub_is_taken_as_it_is() -> None:
    assert hub_name("openai/clip-vit-base-patch32") == "openai/clip-vit-base-patch32"
    assert hub_name("someone/their-clip") == "someone/their-clip"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("clip-vit-b32", "clip-vit-b-32"), ("metaclip-l14", "metaclip-l-14"), ("shiped", "shipped")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(
        ModelError, match=rf"no model '{name}' \(did you mean {meant}\?\); it may be"
    ):
        load_encoder(name)


def test_a_name_like_no_other_is_answered_with_what_there_is() -> None:
    with pytest.raises(ModelError, match=r"no model 'qqqq'; it may be clip-vit-b-32, .* tiny"):
        hub_name("qqqq")


def test_a_folder_that_is_not_there_is_no_name_of_the_hub() -> None:
    with pytest.raises(ModelError, match="no model '/nowhere/model'"):
        load_encoder("/nowhere/model")


def test_a_misspelt_name_of_the_hub_is_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str, **_: object) -> str:
        raise OSError(f"404: {name}\nsecond line")

    monkeypatch.setattr("huggingface_hub.snapshot_download", absent)
    wrong = "openai/clip-vit-base-patch23"
    with pytest.raises(ModelError, match="did you mean openai/clip-vit-base-patch32") as caught:
        load_encoder(wrong)
    assert "\n" not in str(caught.value)
