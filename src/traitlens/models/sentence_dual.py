"""A picture tower beside a sentence encoder, as a `transformers` model of its own.

No stock class does this honestly: `VisionTextDualEncoderModel` takes the text tower's pooler, which
is tanh over the first token, while sentence encoders such as MiniLM were trained on the mean over
all tokens. A stock checkpoint would open everywhere and mean something else.

A checkpoint carries a copy of this file, which needs nothing but torch and `transformers`:
`AutoModel.from_pretrained(folder, trust_remote_code=True)` opens it anywhere. traitlens never runs
such a copy: it has the class, under this model type.

Axes: N texts or pictures, L token ids, H hidden numbers, D dimensions of the common space.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.clip.modeling_clip import CLIPOutput


class SentenceDualConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """The configs of both towers, and how they meet.

    `pooling` is how a text's hidden states become one: "mean", "cls" or "max", as the sentence
    encoder was trained. `max_text_length` is the number of token ids that it takes.
    """

    model_type = "sentence-dual-encoder"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}  # noqa: RUF012

    def __init__(
        self,
        vision_config: Any = None,
        text_config: Any = None,
        projection_dim: int = 512,
        pooling: str = "mean",
        max_text_length: int = 128,
        logit_scale_init_value: float = 2.6592,
        **other: Any,
    ) -> None:
        self.vision_config = _config(vision_config, default="clip_vision_model")
        self.text_config = _config(text_config, default="bert")
        self.projection_dim = projection_dim
        self.pooling = pooling
        self.max_text_length = max_text_length
        self.logit_scale_init_value = logit_scale_init_value
        super().__init__(**other)


def _config(value: Any, *, default: str) -> Any:
    """Return a tower's config from what a JSON file or a caller has of it."""
    if isinstance(value, PreTrainedConfig):
        return value
    value = dict(value or {})
    return AutoConfig.for_model(value.pop("model_type", default), **value)


class SentenceDualModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The two towers with a projection each; it has what `CLIPModel` has for encoding."""

    config_class = SentenceDualConfig
    base_model_prefix = "sentence_dual"
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: SentenceDualConfig) -> None:
        super().__init__(config)
        self.vision_model = AutoModel.from_config(config.vision_config)  # type: ignore[no-untyped-call]
        self.text_model = AutoModel.from_config(config.text_config)  # type: ignore[no-untyped-call]
        if getattr(self.text_model, "pooler", None) is not None:
            self.text_model.pooler = None  # of the first token: sentence encoders have no use of it
        width = config.vision_config.hidden_size
        self.visual_projection = nn.Linear(width, config.projection_dim, bias=False)
        width = config.text_config.hidden_size
        self.text_projection = nn.Linear(width, config.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(float(config.logit_scale_init_value)))
        self.post_init()  # type: ignore[no-untyped-call]

    def get_image_features(self, pixel_values: Tensor, **options: Any) -> Any:
        """Return the vision tower's output with the projected vectors (N, D) as `pooler_output`."""
        output = self.vision_model(pixel_values=pixel_values, return_dict=True, **options)
        return BaseModelOutputWithPooling(
            last_hidden_state=output.last_hidden_state,
            pooler_output=self.visual_projection(output.pooler_output),
        )

    def get_text_features(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **options: Any
    ) -> Any:
        """Return the text tower's output with the projected vectors (N, D) as `pooler_output`."""
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        output = self.text_model(
            input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **options
        )
        hidden_NLH = output.last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden_NLH,
            pooler_output=self.text_projection(self._pool(hidden_NLH, attention_mask)),
        )

    def forward(
        self,
        input_ids: Tensor,
        pixel_values: Tensor,
        attention_mask: Tensor | None = None,
        **options: Any,
    ) -> CLIPOutput:
        """Return unit vectors and their scaled cosines, as `CLIPModel` does."""
        images_ND = self.get_image_features(pixel_values).pooler_output
        texts_ND = self.get_text_features(input_ids, attention_mask, **options).pooler_output
        images_ND = images_ND / images_ND.norm(dim=-1, keepdim=True)
        texts_ND = texts_ND / texts_ND.norm(dim=-1, keepdim=True)
        logits = self.logit_scale.exp() * texts_ND @ images_ND.T
        return CLIPOutput(
            logits_per_text=logits,
            logits_per_image=logits.T,
            text_embeds=texts_ND,
            image_embeds=images_ND,
        )

    def _pool(self, hidden_NLH: Tensor, mask_NL: Tensor) -> Tensor:
        """Return one vector a text, (N, H), as sentence-transformers' `Pooling` does."""
        if self.config.pooling == "cls":
            return hidden_NLH[:, 0]
        mask_NL1 = mask_NL.unsqueeze(-1).to(hidden_NLH.dtype)
        if self.config.pooling == "max":
            return hidden_NLH.masked_fill(mask_NL1 == 0, torch.finfo(hidden_NLH.dtype).min).amax(1)
        return (hidden_NLH * mask_NL1).sum(1) / mask_NL1.sum(1).clamp(min=1e-9)


AutoConfig.register(SentenceDualConfig.model_type, SentenceDualConfig, exist_ok=True)
AutoModel.register(SentenceDualConfig, SentenceDualModel, exist_ok=True)
SentenceDualConfig.register_for_auto_class()  # type: ignore[no-untyped-call]
SentenceDualModel.register_for_auto_class("AutoModel")  # type: ignore[no-untyped-call]
