"""Captions from a language model on this machine: any causal model that `transformers` opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from traitlens.captions.writer import Reply, Request, as_caption, instructions, question
from traitlens.config import check_range
from traitlens.errors import ModelError
from traitlens.portions import batched


class TransformersWriter:
    """A `CaptionWriter` that decodes greedily, so the same model gives the same captions.

    `name` is a folder or a name on the Hugging Face hub. Only safetensors are read, since other
    weights are pickles, and no code that comes with a model is run. It reads no pictures.
    """

    def __init__(self, name: str | Path, *, batch: int = 8, max_tokens: int = 200) -> None:
        check_range("batch", batch, low=1, high=1024)
        check_range("max_tokens", max_tokens, low=1, high=1 << 16)
        self._name, self._batch, self._max_tokens = str(name), batch, max_tokens
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer, self._model = _load(self._name)
        self._model.to(self._device)

    @property
    def batch(self) -> int:
        return self._batch

    def describe(self) -> dict[str, Any]:
        """Return the model's name and what bounds its answers."""
        return {"kind": "transformers", "model": self._name, "max_tokens": self._max_tokens}

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield one reply a request, in order, computed `batch` at a time."""
        for batch in batched(requests, self._batch):
            yield from self._answer(batch)

    def _answer(self, requests: Sequence[Request]) -> list[Reply]:
        prompts = [self._prompt(request) for request in requests]
        encoded = self._tokenizer(
            prompts,
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._room(),
            add_special_tokens=self._tokenizer.chat_template is None,
        ).to(self._device)
        encoded.pop("token_type_ids", None)
        with torch.inference_mode():
            made = self._model.generate(
                **encoded,
                max_new_tokens=self._max_tokens,
                do_sample=False,
                num_beams=1,
                pad_token_id=self._tokenizer.pad_token_id,
            )
        answers_BL = made[:, encoded["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(answers_BL, skip_special_tokens=True)
        if self._tokenizer.chat_template is None:  # what follows the line is another text
            texts = [text.strip().partition("\n")[0] for text in texts]
        used_B = encoded["attention_mask"].sum(1).tolist()
        new_B = (answers_BL != self._tokenizer.pad_token_id).sum(1).tolist()
        return [_reply(*row) for row in zip(texts, used_B, new_B, strict=True)]

    def _prompt(self, request: Request) -> str:
        """Return the text that the model goes on from: its own chat format, where it has one."""
        asked = question(request)
        if self._tokenizer.chat_template is None:
            return f"{instructions()}\n\n{asked}\n\nCaption:"
        messages = [
            {"role": "system", "content": instructions()},
            {"role": "user", "content": asked},
        ]
        text = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(text)

    def _room(self) -> int:
        """Return how many tokens a prompt may have: what the model can see, less the answer."""
        sees = getattr(self._model.config, "max_position_embeddings", None) or 1 << 16
        return max(16, int(sees) - self._max_tokens)


def _reply(text: str, prompt_tokens: int, caption_tokens: int) -> Reply:
    caption = as_caption(text)
    return Reply(
        caption=caption,
        problem=None if caption else "an empty answer",
        prompt_tokens=prompt_tokens,
        caption_tokens=caption_tokens,
    )


def _load(name: str) -> tuple[Any, Any]:
    """Return the tokenizer, padding on the left, and the model in evaluation mode."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            name, padding_side="left", truncation_side="left", trust_remote_code=False
        )
        model = AutoModelForCausalLM.from_pretrained(
            name, dtype="auto", use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{name} is no language model that can be loaded: {reason}") from None
    finally:
        logging.set_verbosity(verbosity)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise ModelError(f"the tokenizer of {name} names neither padding nor end")
        tokenizer.pad_token = tokenizer.eos_token
    model.train(False)
    return tokenizer, model
