"""Which pixels of a collection's pictures belong to which trait value: its components."""

from traitlens.separation.contrast import ContrastConfig
from traitlens.separation.label_maps import LabelMapsReport, write_label_maps
from traitlens.separation.layers import LayersConfig
from traitlens.separation.masks import (
    Component,
    ComponentMasks,
    Missing,
    Variant,
    forget_values,
    load_masks,
)
from traitlens.separation.paper import PaperConfig
from traitlens.separation.separate import (
    SeparationConfig,
    SeparationReport,
    components,
    separate_tokens,
)
from traitlens.separation.sheet import component_sheet, write_component_sheet

__all__ = [
    "Component",
    "ComponentMasks",
    "ContrastConfig",
    "LabelMapsReport",
    "LayersConfig",
    "Missing",
    "PaperConfig",
    "SeparationConfig",
    "SeparationReport",
    "Variant",
    "component_sheet",
    "components",
    "forget_values",
    "load_masks",
    "separate_tokens",
    "write_component_sheet",
    "write_label_maps",
]
