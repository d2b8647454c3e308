"""The waveform encoder of MERL with the names of its published weights."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ecgmm.leads import LEADS
from ecgmm.models.ecg_encoders.layers import as_image
from ecgmm.models.ecg_encoders.published_input import Expected, to_unit_range
from ecgmm.models.ecg_encoders.published_names import Rule
from ecgmm.models.ecg_encoders.resnet1d import BLOCKS, stem_and_blocks
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder

MIMIC_LEADS = (*LEADS[:4], "aVF", "aVL", *LEADS[6:])
"""Order of the leads in MIMIC-IV-ECG's files."""

_PREFIX = r"(?:module\.)?(?:ecg_encoder\.)?"
_LAYERS = {"conv1": "body.0", "bn1": "body.1", "conv2": "body.3", "bn2": "body.4"}


def _block(match: re.Match[str]) -> str:
    stage, block, layer, rest = match.groups()
    place = sum(BLOCKS[18][: int(stage) - 1]) + int(block)
    return f"network.1.{place}.{_LAYERS.get(layer, layer)}.{rest}"


_RULES: tuple[Rule, ...] = (
    (_PREFIX + r"conv1\.(\w+)", r"network.0.0.\1"),
    (_PREFIX + r"bn1\.(\w+)", r"network.0.1.\1"),
    (_PREFIX + r"layer([1-4])\.(\d+)\.(conv[12]|bn[12]|shortcut\.[01])\.(\w+)", _block),
    # The head for classes, and what the whole model has beside the encoder: its pooling, projections and text tower.
    (_PREFIX + r"(?:linear|linear1|linear2|downconv|att_pool_head|proj_t|lm_model)\..+", None),
)


class Merl(WindowEncoder):
    """ResNet1d-18 of MERL, with the mean over time in place of its attention pooling, as its linear probes have it.

    Source: Liu et al., "Zero-shot ECG classification with multimodal learning and test-time clinical knowledge
    enhancement", ICML 2024 (arXiv 2403.06659); names, shapes and preparation from the code, repository
    cheliu-computation/MERL-ICML2024 at 38799b7. Records of 10 s at 500 Hz, leads in the order of MIMIC-IV-ECG's files,
    the whole record from 0 to 1.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the waveforms were standardised with.
        lead_std_mv: Standard deviation of each lead that the waveforms were standardised with.
        width: Channels of the first stage; 64 as published.
        dropout: Dropout before the last linear layer.
    """

    whose = "MERL's ResNet1d-18"
    rules = _RULES
    expected = Expected(500, 10.0, MIMIC_LEADS, lambda signals_mv: to_unit_range(signals_mv, (1, 2)))

    def __init__(
        self,
        dim: int,
        rate_hz: float,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        width: int,
        dropout: float,
    ) -> None:
        network = nn.Sequential(*stem_and_blocks(18, width))
        super().__init__(network, 8 * width, dim, rate_hz, lead_mean_mv, lead_std_mv, dropout)

    def window_features(self, windows: Tensor) -> Tensor:
        """Compute features of prepared windows: float ``[B, 12, N] -> [B, 8 * width, N / 16]``."""
        features: Tensor = self.network(as_image(windows))
        return features.squeeze(2)

    def published_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the weights of the encoder's file, or of the whole model's, to those of this module.

        Raises:
            ConfigError: If the file is not theirs.
        """
        # Convolutions over time are images of height one here.
        return super().published_names(
            {name: one.unsqueeze(2) if one.ndim == 3 else one for name, one in state.items()}
        )
