"""Traits become words: by templates, or by a language model whose captions are checked.

`words` says one trait, `template` joins them, `counts` knows which are rare. `writing` has a
`CaptionWriter` write about a data set, `checking` marks what it dropped or invented, `report` shows
both kinds side by side.
"""

from traitlens.captions.checking import CaptionCheck, CaptionChecker
from traitlens.captions.counts import TraitCounts
from traitlens.captions.endpoint import EndpointConfig
from traitlens.captions.openai_writer import OpenAIWriter
from traitlens.captions.pace import parse_rate
from traitlens.captions.report import CaptionReport, caption_report
from traitlens.captions.sub_captions import draw_some, in_caption_order
from traitlens.captions.template import (
    ORDERS,
    STYLES,
    TEMPLATE_VERSION,
    Caption,
    CaptionConfig,
    caption,
    sentence,
    sub_caption,
)
from traitlens.captions.words import collection_words, phrase
from traitlens.captions.writer import CaptionWriter, Reply, Request
from traitlens.captions.writing import WritingConfig, WritingReport, write_captions
from traitlens.captions.written import (
    WrittenCaption,
    forget_captions,
    written_captions,
    written_names,
)

__all__ = [
    "Caption",
    "CaptionConfig",
    "TraitCounts",
    "STYLES",
    "ORDERS",
    "TEMPLATE_VERSION",
    "caption",
    "sub_caption",
    "draw_some",
    "in_caption_order",
    "sentence",
    "phrase",
    "collection_words",
    "CaptionWriter",
    "Request",
    "Reply",
    "OpenAIWriter",
    "EndpointConfig",
    "parse_rate",
    "CaptionChecker",
    "CaptionCheck",
    "WritingConfig",
    "WritingReport",
    "write_captions",
    "WrittenCaption",
    "written_captions",
    "written_names",
    "forget_captions",
    "CaptionReport",
    "caption_report",
]
