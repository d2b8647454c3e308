"""The waveform encoder of ECGFounder with the names of its published weights."""

from collections.abc import Sequence
from itertools import pairwise

from scipy import signal
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, pad, silu

from ecgmm.leads import LEADS, N_LEADS
from ecgmm.models.ecg_encoders.published_input import Expected, standardised
from ecgmm.models.ecg_encoders.published_names import Rule
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder
from ecgmm.signal.running_median import running_median
from ecgmm.signal.zero_phase import filter_both_ways, recursive

RATE_HZ = 500
KERNEL_SIZE = 16
_NOTCH = recursive(signal.tf2sos(*signal.iirnotch(50, 30, RATE_HZ)))
_BANDPASS = recursive(signal.butter(4, [0.67, 40], "bandpass", fs=RATE_HZ, output="sos"))
_BASELINE_SAMPLES = 201  # 0.4 s

_PREFIX = r"(?:module\.)?"
_RULES: tuple[Rule, ...] = (
    # Heads for classes; batch norms that the network was built with and does not use.
    (_PREFIX + r"dense\..+", None),
    (_PREFIX + r"(?:.+\.)?(?:first_bn|bn[123])\..+", None),
    (_PREFIX + r"(first_conv|stage_list)\.(.+)", r"network.\1.\2"),
)


def filtered(signals_mv: Tensor) -> Tensor:
    """Remove mains at 50 Hz, keep 0.67 to 40 Hz, and take away the running median of 0.4 s: ``[B, 12, T]`` at 500 Hz.

    As ``filter_bandpass`` of the published code (util.py), with which records must be prepared, as its page says.
    """
    signals_mv = filter_both_ways(filter_both_ways(signals_mv, _NOTCH), _BANDPASS)
    return signals_mv - running_median(signals_mv, _BASELINE_SAMPLES)


class EcgFounder(WindowEncoder):
    """Net1D of ECGFounder: bottleneck blocks of grouped convolutions with attention over channels.

    Source: Li et al., "An electrocardiogram foundation model built on over 10 million recordings", NEJM AI 2025 (arXiv
    2410.04133); names, shapes and preparation from the code, repository PKUDigitalHealth/ECGFounder at 04edac7. Records
    of 10 s at 500 Hz, filtered, the whole record standardised. The published network has batch norms and dropout
    switched off.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the waveforms were standardised with.
        lead_std_mv: Standard deviation of each lead that the waveforms were standardised with.
        stem_channels: Channels of the first convolution.
        channels: Channels of each stage, multiples of ``group_width``; each stage halves the rate.
        depths: Blocks of each stage.
        group_width: Channels of each group of the blocks' middle convolution.
        dropout: Dropout before the last linear layer.
    """

    whose = "ECGFounder for 12 leads"
    rules = _RULES
    expected = Expected(RATE_HZ, 10.0, LEADS, lambda signals_mv: standardised(filtered(signals_mv), (1, 2)))

    def __init__(
        self,
        dim: int,
        rate_hz: float,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        stem_channels: int,
        channels: Sequence[int],
        depths: Sequence[int],
        group_width: int,
        dropout: float,
    ) -> None:
        network = Net1d(stem_channels, channels, depths, group_width)
        super().__init__(network, channels[-1], dim, rate_hz, lead_mean_mv, lead_std_mv, dropout)

    def window_features(self, windows: Tensor) -> Tensor:
        """Compute features of prepared windows: float ``[B, 12, N] -> [B, C, N / 256]`` with seven stages."""
        features: Tensor = self.network(windows)
        return features


class Net1d(nn.Module):
    """First convolution, then stages, each of which halves the rate."""

    def __init__(self, stem_channels: int, channels: Sequence[int], depths: Sequence[int], group_width: int) -> None:
        super().__init__()
        widths = pairwise([stem_channels, *channels])
        self.first_conv = SameConv(N_LEADS, stem_channels, KERNEL_SIZE, stride=2)
        self.stage_list = nn.Sequential(
            *(
                Stage(n_in, n_out, n, group_width, is_first=stage == 0)
                for stage, ((n_in, n_out), n) in enumerate(zip(widths, depths, strict=True))
            )
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Map ``[B, 12, N] -> [B, C, N / 2 ** (1 + stages)]``."""
        features: Tensor = self.stage_list(silu(self.first_conv(windows)))
        return features


class SameConv(nn.Module):
    """Convolution padded so that ``T`` becomes ``ceil(T / stride)``; an odd sample of padding goes to the end."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride
        self.conv = nn.Conv1d(n_in, n_out, kernel_size, stride, groups=groups)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[B, n_in, T] -> [B, n_out, ceil(T / stride)]``."""
        n_times = features.shape[-1]
        more = max(0, (-(-n_times // self.stride) - 1) * self.stride + self.kernel_size - n_times)
        convolved: Tensor = self.conv(pad(features, (more // 2, more - more // 2)))
        return convolved


class Stage(nn.Module):
    """Blocks of one width, the first of which halves the rate."""

    def __init__(self, n_in: int, n_out: int, n_blocks: int, group_width: int, *, is_first: bool) -> None:
        super().__init__()
        first = Bottleneck(n_in, n_out, 2, group_width, is_first=is_first)
        self.block_list = nn.Sequential(first, *(Bottleneck(n_out, n_out, 1, group_width) for _ in range(n_blocks - 1)))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[B, n_in, T] -> [B, n_out, ceil(T / 2)]``."""
        mapped: Tensor = self.block_list(features)
        return mapped


class Bottleneck(nn.Module):
    """Convolutions of length 1, 16 in groups, and 1, then weights for the channels, beside a shortcut.

    The very first block of the network has no activation before its first convolution.
    """

    def __init__(self, n_in: int, n_out: int, stride: int, group_width: int, *, is_first: bool = False) -> None:
        super().__init__()
        self.is_first, self.stride, self.n_more = is_first, stride, n_out - n_in
        self.conv1 = SameConv(n_in, n_out, 1)
        self.conv2 = SameConv(n_out, n_out, KERNEL_SIZE, stride, n_out // group_width)
        self.conv3 = SameConv(n_out, n_out, 1)
        self.se_fc1 = nn.Linear(n_out, n_out // 2)
        self.se_fc2 = nn.Linear(n_out // 2, n_out)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[B, n_in, T] -> [B, n_out, ceil(T / stride)]``."""
        mapped: Tensor = self.conv1(features if self.is_first else silu(features))
        mapped = self.conv3(silu(self.conv2(silu(mapped))))
        gain = self.se_fc2(silu(self.se_fc1(mapped.mean(dim=-1)))).sigmoid()
        weighed: Tensor = mapped * gain.unsqueeze(-1) + self.shortcut(features)
        return weighed

    def shortcut(self, features: Tensor) -> Tensor:
        """Bring the input to the shape of the output: maxima of pairs, and channels of zeros on both sides."""
        if self.stride > 1:
            features = max_pool1d(pad(features, (0, self.stride - 1)), self.stride)
        return pad(features, (0, 0, self.n_more // 2, self.n_more - self.n_more // 2))
