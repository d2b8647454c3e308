"""The waveform encoder of ECG-FM: the wav2vec 2.0 of ``transformers`` with convolutions that take twelve leads."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from ecgmm.leads import LEADS, N_LEADS
from ecgmm.models.ecg_encoders.published_input import Expected, standardised
from ecgmm.models.ecg_encoders.published_names import Rule
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder

N_CONVOLUTIONS = 4
"""Convolutions in front, each of length and stride 2."""
_LAYER = r"encoder\.layers\.(\d+)\."
_NEW_LAYER = r"network.encoder.layers.\1."

_RULES: tuple[Rule, ...] = (
    # Quantiser, projections and hiding of pre-training; the head of a task.
    (r"(?:quantizer|project_q|final_proj|proj)\..+|mask_emb", None),
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.(\w+)", r"network.feature_extractor.\1.conv.\2"),
    (r"feature_extractor\.conv_layers\.0\.2\.(\w+)", r"network.feature_extractor.0.layer_norm.\1"),
    (r"layer_norm\.(\w+)", r"network.feature_projection.layer_norm.\1"),
    (r"post_extract_proj\.(\w+)", r"network.feature_projection.projection.\1"),
    (r"conv_pos\.pos_conv\.0\.weight_g", r"network.encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
    (r"conv_pos\.pos_conv\.0\.weight_v", r"network.encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
    (r"conv_pos\.pos_conv\.0\.(.+)", r"network.encoder.pos_conv_embed.conv.\1"),
    (r"encoder\.layer_norm\.(\w+)", r"network.encoder.layer_norm.\1"),
    (_LAYER + r"self_attn\.(\w+\.\w+)", _NEW_LAYER + r"attention.\2"),
    (_LAYER + r"self_attn_layer_norm\.(\w+)", _NEW_LAYER + r"layer_norm.\2"),
    (_LAYER + r"fc1\.(\w+)", _NEW_LAYER + r"feed_forward.intermediate_dense.\2"),
    (_LAYER + r"fc2\.(\w+)", _NEW_LAYER + r"feed_forward.output_dense.\2"),
    (_LAYER + r"final_layer_norm\.(\w+)", _NEW_LAYER + r"final_layer_norm.\2"),
)


class EcgFm(WindowEncoder):
    """Transformer of wav2vec 2.0 over convolutions of all twelve leads, 5 s at 500 Hz.

    Source: McKeen et al., "ECG-FM: an open electrocardiogram foundation model", arXiv 2408.05178; sizes, names and
    preparation from the code, repositories bowang-lab/ECG-FM at 9cc0d3f and Jwoo5/fairseq-signals at 6b9e137. Each lead
    of the whole record is standardised; a constant lead is 0.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the waveforms were standardised with.
        lead_std_mv: Standard deviation of each lead that the waveforms were standardised with.
        width: Width of the transformer; 768 as published.
        n_layers: Layers of the transformer; 12 as published.
        n_heads: Attention heads of each layer; divides ``width``; 12 as published.
        conv_channels: Channels of the convolutions in front; 256 as published.
        dropout: Dropout in the transformer and before the last linear layer.
    """

    whose = "ECG-FM"
    rules = _RULES
    expected = Expected(500, 5.0, LEADS, lambda signals_mv: standardised(signals_mv, -1))

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
        from transformers import Wav2Vec2Config, Wav2Vec2Model  # slow to import

        config = Wav2Vec2Config(
            hidden_size=width,
            num_hidden_layers=n_layers,
            num_attention_heads=n_heads,
            intermediate_size=4 * width,
            conv_dim=(conv_channels,) * N_CONVOLUTIONS,
            conv_kernel=(2,) * N_CONVOLUTIONS,
            conv_stride=(2,) * N_CONVOLUTIONS,
            hidden_dropout=dropout,
            activation_dropout=0.0,
            attention_dropout=dropout,
            layerdrop=0.0,
            mask_time_prob=0.0,  # hides nothing
            apply_spec_augment=False,
        )
        network = Wav2Vec2Model(config)
        convolutions = nn.Sequential(*network.feature_extractor.conv_layers)  # without the one channel of speech
        convolutions[0].conv = nn.Conv1d(N_LEADS, conv_channels, 2, 2, bias=False)
        network.feature_extractor = convolutions
        super().__init__(network, width, dim, rate_hz, lead_mean_mv, lead_std_mv, dropout)

    def window_features(self, windows: Tensor) -> Tensor:
        """Compute features of prepared windows: float ``[B, 12, N] -> [B, width, N / 16]``."""
        states: Tensor = self.network(windows).last_hidden_state
        return states.transpose(1, 2)

    def published_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the weights of a pre-trained or fine-tuned file to those of this module.

        Raises:
            ConfigError: If the file is not theirs.
        """
        if any(name.startswith("encoder.encoder.") for name in state):  # fine-tuned: the whole of it inside another
            state = {name.removeprefix("encoder."): tensor for name, tensor in state.items()}
        return super().published_names(state)
