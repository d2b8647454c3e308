"""Settings of waveform encoders, the published ones among them."""

from collections.abc import Mapping
from typing import Any

from ecgmm.leads import N_LEADS
from ecgmm.settings.kinds import Built, Spec, Target, choice, flag, many, number, whole
from ecgmm.settings.ranges import (
    HEADS,
    LAYERS,
    LEAD_MEAN_MV,
    LEAD_STD_MV,
    RATE_HZ,
    SECONDS,
    SHARE_BELOW_ONE,
    WIDTH,
    divides,
    same_length,
)

DROPOUT: dict[str, Spec] = {"dropout": SHARE_BELOW_ONE}
TRANSFORMER: dict[str, Spec] = {"n_layers": LAYERS, "n_heads": HEADS, **DROPOUT}
LEAD_TOKENISER = Built(
    (
        "ecgmm.models.ecg_encoders.lead_tokens.ConvolutionalSegments",
        "ecgmm.models.ecg_encoders.lead_tokens.LinearPatches",
    )
)
CHANNELS = many(WIDTH, "1 to 20 whole numbers from 1 to 16384, such as [32,64]", most=20)
_KERNEL = whole(1, 999)
_INPUT: dict[str, Spec] = {
    "dim": WIDTH,
    "rate_hz": RATE_HZ,
    "lead_mean_mv": LEAD_MEAN_MV,
    "lead_std_mv": LEAD_STD_MV,
    "dropout": SHARE_BELOW_ONE,
}
_PUBLISHED_TRANSFORMER: dict[str, Spec] = {
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


def _stretches_of_a_sample(name: str) -> "tuple[Any, ...]":
    """A stretch of so many seconds holds a sample or more."""

    def relation(node: Mapping[str, Any]) -> tuple[str, str] | None:
        least = 1 / node["rate_hz"]
        return None if node[name] >= least else (name, f"at least {least:g}, one sample at {node['rate_hz']} Hz")

    return (relation,)


def _frequencies_of_the_window(node: Mapping[str, Any]) -> tuple[str, str] | None:
    most, least = node["rate_hz"] / 2, 1 / node["window_s"]
    if least <= node["max_hz"] <= most:
        return None
    return "max_hz", f"from {least:g}, the first frequency of window_s, to {most:g}, half of rate_hz"


def _windows_without_gaps(node: Mapping[str, Any]) -> tuple[str, str] | None:
    return None if node["hop_s"] <= node["window_s"] else ("hop_s", f"at most window_s, which is {node['window_s']:g}")


def _one_width(node: Mapping[str, Any]) -> tuple[str, str] | None:
    width = node["tokeniser"]["width"]
    return None if node["width"] == width else ("width", f"that of its tokeniser, which is {width}")


_PUBLISHED: dict[str, Target] = {
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
        {**_INPUT, **_PUBLISHED_TRANSFORMER}, (_sixteen_groups, divides("n_heads", "width"))
    ),
    "ecgmm.models.ecg_encoders.hubert_ecg.HubertEcg": Target(
        {**_INPUT, **_PUBLISHED_TRANSFORMER}, (_sixteen_groups, divides("n_heads", "width"))
    ),
    "ecgmm.models.ecg_encoders.merl.Merl": Target({**_INPUT, "width": whole(1, 2048)}),
}

ECG_ENCODER = Built(
    (
        "ecgmm.models.ecg_encoders.convolutional.Convolutional",
        "ecgmm.models.ecg_encoders.resnet1d.ResNet1d",
        *_PUBLISHED,
    )
)

ENCODER_TARGETS: dict[str, Target] = {
    **_PUBLISHED,
    "ecgmm.models.ecg_encoders.convolutional.Convolutional": Target(
        {
            "dim": WIDTH,
            "rate_hz": RATE_HZ,
            "channels": CHANNELS,
            "stem_kernel_s": number(0, 10),
            "stem_hz": number(0.1, 500),
            "kernel_size": _KERNEL,
            "dropout": SHARE_BELOW_ONE,
        }
    ),
    "ecgmm.models.ecg_encoders.resnet1d.ResNet1d": Target(
        {"dim": WIDTH, "depth": choice(18, 34), "width": whole(1, 2048), "dropout": SHARE_BELOW_ONE}
    ),
    "ecgmm.models.ecg_encoders.spectrogram.SpectrogramResNet": Target(
        {
            "dim": WIDTH,
            "rate_hz": RATE_HZ,
            "window_s": SECONDS,
            "hop_s": SECONDS,
            "max_hz": number(0, 250),
            "hidden_sizes": CHANNELS,
            "depths": many(LAYERS, "1 to 20 whole numbers from 1 to 200, such as [1,1]", most=20),
            "dropout": SHARE_BELOW_ONE,
        },
        (
            *_stretches_of_a_sample("window_s"),
            *_stretches_of_a_sample("hop_s"),
            _windows_without_gaps,
            _frequencies_of_the_window,
            same_length("depths", "hidden_sizes"),
        ),
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.LeadTokens": Target(
        {
            "tokeniser": LEAD_TOKENISER,
            "max_segments": whole(1, 10_000),
            "width": WIDTH,
            **TRANSFORMER,
            "feedforward_width": WIDTH,
            "most_leads_out": whole(0, N_LEADS - 1),
            "segments_out": SHARE_BELOW_ONE,
        },
        (_one_width, divides("n_heads", "width")),
    ),
    "ecgmm.models.ecg_encoders.patch_tokens.PatchTokens": Target(
        {"tokeniser": LEAD_TOKENISER, "width": WIDTH, **TRANSFORMER, "feedforward_width": WIDTH},
        (_one_width, divides("n_heads", "width")),
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.ConvolutionalSegments": Target(
        {
            "rate_hz": RATE_HZ,
            "segment_s": SECONDS,
            "width": WIDTH,
            "channels": CHANNELS,
            "stem_kernel_s": number(0, 10),
            "stem_hz": number(0.1, 500),
            "kernel_size": _KERNEL,
            "batch_norm": flag(),
        }
    ),
    "ecgmm.models.ecg_encoders.lead_tokens.LinearPatches": Target(
        {"rate_hz": RATE_HZ, "segment_s": SECONDS, "width": WIDTH}, _stretches_of_a_sample("segment_s")
    ),
}
