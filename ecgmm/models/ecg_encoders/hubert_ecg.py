"""The waveform encoder of HuBERT-ECG: the HuBERT of ``transformers`` on the leads laid one behind the other."""

from collections.abc import Sequence

import torch
from scipy import signal
from torch import Tensor

from ecgmm.leads import LEADS
from ecgmm.models.ecg_encoders.published_input import Expected, to_unit_range
from ecgmm.models.ecg_encoders.published_names import Rule
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder
from ecgmm.signal.zero_phase import filter_both_ways, finite, recursive

RATE_HZ = 500
"""Rate at which records are filtered and scaled, before they are brought down to 100 Hz."""
DOWN = 5
CONVOLUTIONS = ((10, 4), (3, 2), (3, 2), (2, 2), (2, 2))
"""Length and stride of the first layers' filters."""
_BANDPASS = finite(signal.firwin(151, [0.05, 47], pass_zero=False, fs=RATE_HZ))
_LOWPASS = recursive(signal.cheby1(8, 0.05, 0.8 / DOWN, output="sos"))

_RULES: tuple[Rule, ...] = (
    # Heads of pre-training and of tasks; the token that stands for what pre-training hides.
    (r"(?:hubert_ecg\.)?(?:final_proj|label_embedding|classifier)\..+", None),
    (r"(?:hubert_ecg\.)?masked_spec_embed", None),
    (r"(?:hubert_ecg\.)?(.+\.)weight_g", r"network.\1parametrizations.weight.original0"),  # as torch 1 named them
    (r"(?:hubert_ecg\.)?(.+\.)weight_v", r"network.\1parametrizations.weight.original1"),
    (r"(?:hubert_ecg\.)?((?:feature_extractor|feature_projection|encoder)\..+)", r"network.\1"),
)


def scaled(signals_mv: Tensor) -> Tensor:
    """Keep 0.05 to 47 Hz and bring each lead to the range from -1 to 1: ``[B, 12, T]`` at 500 Hz.

    As ``ecg_preprocessing`` of the published code (utils.py), whose filter is that of biosppy: 151 taps, both ways. A
    missing lead becomes -1 throughout, as there.
    """
    return 2 * to_unit_range(filter_both_ways(signals_mv, _BANDPASS), -1) - 1


class HubertEcg(WindowEncoder):
    """HuBERT over the twelve leads of 5 s at 100 Hz, laid one behind the other.

    Source: Coppola et al., "HuBERT-ECG as a self-supervised foundation model for broad and scalable cardiac
    applications", medRxiv 2024.11.14.24317328; sizes, names and preparation from the code, repository
    Edoar-do/HuBERT-ECG at affe1f9. The published sizes are (width, layers, heads): small (512, 8, 8), base
    (768, 12, 12), large (960, 16, 12), the feed-forward width four times the width.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the waveforms were standardised with.
        lead_std_mv: Standard deviation of each lead that the waveforms were standardised with.
        width: Width of the transformer.
        n_layers: Layers of the transformer.
        n_heads: Attention heads of each layer; divides ``width``.
        conv_channels: Channels of the convolutions in front; 512 as published.
        dropout: Dropout in the transformer and before the last linear layer.
    """

    whose = "HuBERT-ECG of this size"
    rules = _RULES
    expected = Expected(RATE_HZ, 5.0, LEADS, scaled)

    def __init__(
        self,
        dim: int,
        rate_hz: float,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        width: int,
        n_layers: int,
        n_heads: int,
        conv_channels: int,
        dropout: float,
    ) -> None:
        from transformers import HubertConfig, HubertModel  # slow to import

        config = HubertConfig(
            hidden_size=width,
            num_hidden_layers=n_layers,
            num_attention_heads=n_heads,
            intermediate_size=4 * width,
            conv_dim=(conv_channels,) * len(CONVOLUTIONS),
            conv_kernel=tuple(kernel for kernel, _ in CONVOLUTIONS),
            conv_stride=tuple(stride for _, stride in CONVOLUTIONS),
            hidden_dropout=dropout,
            activation_dropout=dropout,
            attention_dropout=dropout,
            layerdrop=0.0,  # as most of the published fine-tuning
            mask_time_prob=0.0,  # hides nothing
            apply_spec_augment=False,
        )
        super().__init__(HubertModel(config), width, dim, rate_hz, lead_mean_mv, lead_std_mv, dropout)

    def window_features(self, windows: Tensor) -> Tensor:
        """Compute features of prepared windows, lead after lead: float ``[B, 12, N] -> [B, width, 12 N / 320]``."""
        states: Tensor = self.network(in_one_row(windows)).last_hidden_state
        return states.transpose(1, 2)


def in_one_row(windows: Tensor) -> Tensor:
    """Lay the leads one behind the other and bring the row down to 100 Hz: ``[B, 12, N] -> [B, 12 N / 5]``.

    As published (dataset.py), the low-pass before it runs over the whole row, across the seams between leads.
    """
    with torch.autocast(windows.device.type, enabled=False):
        return filter_both_ways(windows.flatten(1), _LOWPASS)[:, ::DOWN]
