"""Settings of the published waveform encoders."""

from collections.abc import Mapping
from typing import Any

from ecgmm.settings.kinds import Spec, Target, many, whole
from ecgmm.settings.ranges import (
    HEADS,
    LAYERS,
    LEAD_MEAN_MV,
    LEAD_STD_MV,
    RATE_HZ,
    SHARE_BELOW_ONE,
    WIDTH,
    divides,
    same_length,
)

_INPUT: dict[str, Spec] = {
    "dim": WIDTH,
    "rate_hz": RATE_HZ,
    "lead_mean_mv": LEAD_MEAN_MV,
    "lead_std_mv": LEAD_STD_MV,
    "dropout": SHARE_BELOW_ONE,
}
_TRANSFORMER: dict[str, Spec] = {
    "width": WIDTH,
    "n_layers": LAYERS,
    "n_heads": HEADS,
    "conv_channels": WIDTH,
}
_STAGES = "1 to 20 whole numbers from 1 to {most}, such as [{such}]"


def _sixteen_groups(node: Mapping[str, Any]) -> tuple[str, str] | None:
    """The convolution over places in time has 16 groups."""
    return None if node["width"] % 16 == 0 else ("width", "a multiple of 16")


def _whole_groups(node: Mapping[str, Any]) -> tuple[str, str] | None:
    if all(channels % node["group_width"] == 0 for channels in node["channels"]):
        return None
    return "channels", f"multiples of group_width, which is {node['group_width']}"


PUBLISHED_ENCODER_TARGETS: dict[str, Target] = {
    "ecgmm.models.ecg_encoders.ecg_founder.EcgFounder": Target(
        {
            **_INPUT,
            "stem_channels": WIDTH,
            "channels": many(WIDTH, _STAGES.format(most=16384, such="64,160"), most=20),
            "depths": many(LAYERS, _STAGES.format(most=200, such="2,2"), most=20),
            "group_width": WIDTH,
        },
        (same_length("depths", "channels"), _whole_groups),
    ),
    "ecgmm.models.ecg_encoders.ecg_fm.EcgFm": Target(
        {**_INPUT, **_TRANSFORMER}, (_sixteen_groups, divides("n_heads", "width"))
    ),
    "ecgmm.models.ecg_encoders.hubert_ecg.HubertEcg": Target(
        {**_INPUT, **_TRANSFORMER}, (_sixteen_groups, divides("n_heads", "width"))
    ),
    "ecgmm.models.ecg_encoders.merl.Merl": Target({**_INPUT, "width": whole(1, 2048)}),
}
