"""A language model on this machine writes captions: a tiny one of random weights, made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import drawn_dataset
from traitlens import files
from traitlens.captions import Request, write_captions, written_captions
from traitlens.errors import ConfigError, ModelError
from traitlens.models.caption_writer import TransformersWriter
from traitlens.records import Trait

TRAITS = (Trait("Hat", "Red Cap"), Trait("Eyes", "Laser"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a two-layer GPT-2 that knows some twenty words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers.trainers import WordLevelTrainer
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel(unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = WordLevelTrainer(special_tokens=["<unk>", "<end>"])
    words.train_from_iterator(["robots with red cap hat and laser eyes write a caption"], trainer)
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, unk_token="<unk>", eos_token="<end>"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=words.get_vocab_size(),
        n_positions=512,
        n_embd=16,
        n_layer=2,
        n_head=2,
        bos_token_id=1,
        eos_token_id=1,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def writer(model: Path) -> TransformersWriter:
    return TransformersWriter(model, batch=3, max_tokens=8)


def requests(count: int) -> list[Request]:
    return [
        Request(collection="robots" * (1 + number % 3), traits=TRAITS[: 1 + number % 2])
        for number in range(count)
    ]


def test_every_request_is_answered_in_order_in_batches(writer: TransformersWriter) -> None:
    replies = list(writer.replies(requests(7)))
    assert len(replies) == 7
    assert all(reply.caption or reply.problem for reply in replies)
    assert replies[0] == replies[6], "the same question has the same answer"


def test_decoding_is_greedy_and_so_repeatable(writer: TransformersWriter, model: Path) -> None:
    again = TransformersWriter(model, batch=3, max_tokens=8)
    assert list(again.replies(requests(5))) == list(writer.replies(requests(5)))


def test_an_answer_does_not_depend_on_its_neighbours_padding(
    writer: TransformersWriter, model: Path
) -> None:
    alone = TransformersWriter(model, batch=1, max_tokens=8)
    together = [reply.caption for reply in writer.replies(requests(6))]
    assert [reply.caption for reply in alone.replies(requests(6))] == together


def test_it_uses_the_models_own_chat_format(model: Path, tmp_path: Path) -> None:
    import shutil

    chat = shutil.copytree(model, tmp_path / "chat")
    described = files.read_json(chat / "tokenizer_config.json")
    described["chat_template"] = "{% for m in messages %}<{{ m.role }}> {{ m.content }}{% endfor %}"
    files.write_json(chat / "tokenizer_config.json", described)
    prompt = TransformersWriter(chat)._prompt(requests(1)[0])
    assert prompt.startswith("<system> You write captions")
    assert '<user> {"collection"' in prompt


def test_a_prompt_longer_than_the_model_sees_is_cut_and_answered(
    writer: TransformersWriter,
) -> None:
    many = Request(collection="robots", traits=TRAITS * 300)
    assert len(list(writer.replies([many]))) == 1


def test_a_whole_data_set_is_written_checked_and_marked(
    writer: TransformersWriter, tmp_path: Path
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5})
    report = write_captions(data, writer, name="tiny")
    read = written_captions(data.path, "tiny", "robots")
    assert len(read) == 5
    marked = sum(report.total(status) for status in ("dropped", "both", "failed"))
    assert marked == 5, "random weights know no trait"


@pytest.mark.parametrize("broken", ["nothing", "empty", "pickle"])
def test_what_is_no_language_model_is_refused_in_one_sentence(
    broken: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / broken
    if broken == "empty":
        folder.mkdir()
    if broken == "pickle":
        shutil.copytree(model, folder)
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no language model that can be loaded") as caught:
        TransformersWriter(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"batch": 0}, {"max_tokens": 0}])
def test_a_wrong_option_is_refused(options: dict[str, int], model: Path) -> None:
    with pytest.raises(ConfigError, match="must be in"):
        TransformersWriter(model, **options)
