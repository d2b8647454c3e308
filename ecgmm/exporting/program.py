"""One network from millivolts and token ids to calibrated probabilities, preparation included."""

import math
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d

from ecgmm.data.preparation.waveform_blocks import LARGEST_STEP
from ecgmm.errors import ConfigError
from ecgmm.evaluation.calibration import LEAST
from ecgmm.leads import N_LEADS
from ecgmm.models.methods.bag_of_statements import BagOfStatements
from ecgmm.runs.loading import SavedModel
from ecgmm.signal.drift import pad_odd, padding_samples, squared_magnitude
from ecgmm.signal.missing import bridge_gaps
from ecgmm.signal.normalise import is_flat
from ecgmm.types import INTERVALS, PADDING_ID, Batch, ModelOutput

RAW, CALIBRATED, GATE, INCONSISTENCY = "raw", "calibrated", "gate", "inconsistency"
MILLIVOLTS, TOKEN_IDS, TOKEN_MASK, STATEMENT_IDS = "millivolts", "token_ids", "token_mask", "statement_ids"


class Program(nn.Module):
    """A saved model that asks for nothing but arrays.

    Inputs, of which it takes those that the method looks at (``inputs``):

    - ``millivolts``: float32 ``[B, 12, T]`` in the order of ``ecgmm.leads.LEADS``, at the model's rate and length; NaN
      where a sample is missing. A record without a waveform is all NaN.
    - ``token_ids``, ``token_mask``: int64 and bool ``[B, N]``, right-padded; a record without a report has no token.
    - ``statement_ids``: int64 ``[B, S]``, of ``bag_of_statements`` alone.

    Outputs, of which it gives those that the method has (``outputs``):

    - ``raw``: float32 ``[B, K]`` probabilities as the tables of the run have them; thresholds are for these.
    - ``calibrated``: the same with the logits divided by the run's temperature.
    - ``gate``: float32 ``[B]``, weight of the waveform.
    - ``inconsistency``: float32 ``[B]`` of report and waveform; 0 where one is missing.

    Args:
        model: The saved model; its weights are shared.
        temperature: Of the run, fitted on validation.

    Raises:
        ConfigError: If the method looks at nothing.
    """

    def __init__(self, model: SavedModel, temperature: float) -> None:
        super().__init__()
        self.method = model.method
        self.temperature = temperature
        self.single_label = model.facts.task == "single_label"
        self.n_times = model.facts.store.n_times
        self.mv_per_step = model.preparation.mv_per_step
        self.preparation = deepcopy(model.preparation)
        if model.preparation.highpass_hz is not None:
            self.preparation.remove_drift = DriftConvolution(
                self.n_times, model.preparation.rate_hz, model.preparation.highpass_hz
            )
        self.inputs = inputs_of(model)

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Predict a batch; inputs in the order of ``inputs``."""
        output: ModelOutput = self.method(self.batch(dict(zip(self.inputs, inputs, strict=True))))
        given = {RAW: self.raw(output.logits), CALIBRATED: self.calibrated(output.logits)}
        if output.gate is not None:
            given[GATE] = output.gate.float()
        if output.inconsistency is not None:
            given[INCONSISTENCY] = output.inconsistency.float()
        return given

    def batch(self, inputs: dict[str, Tensor]) -> Batch:
        """What the method is shown; what it does not look at stands there as missing."""
        some = next(iter(inputs.values()))
        n = some.shape[0]
        absent = torch.zeros(n, dtype=torch.bool, device=some.device)
        nothing = torch.full((n, 1), PADDING_ID, dtype=torch.int64, device=some.device)
        waveforms, has_waveform = some.new_zeros((n, N_LEADS, self.n_times), dtype=torch.float32), absent
        if MILLIVOLTS in inputs:
            waveforms, has_waveform = self.prepared(inputs[MILLIVOLTS])
        token_mask = inputs.get(TOKEN_MASK, absent.unsqueeze(-1))
        return Batch(
            waveforms=waveforms,
            has_waveform=has_waveform,
            token_ids=inputs.get(TOKEN_IDS, nothing),
            token_mask=token_mask,
            statement_ids=inputs.get(STATEMENT_IDS, nothing),
            has_report=token_mask.any(dim=1),
            labels=torch.zeros(n, dtype=torch.int64, device=some.device),
            rows=torch.zeros(n, dtype=torch.int64, device=some.device),
            intervals=torch.full((n, len(INTERVALS)), torch.nan, device=some.device),
            report_is_own=~absent,
        )

    def prepared(self, millivolts: Tensor) -> tuple[Tensor, Tensor]:
        """Z-scores ``[B, 12, T]`` as of a record that was stored, and which records have any signal, bool ``[B]``.

        The samples are rounded to the steps of the store, as those were that the model learned from.
        """
        missing = millivolts.isnan()
        steps = (millivolts / self.mv_per_step).round().clamp(-LARGEST_STEP, LARGEST_STEP)
        signals_mv = bridge_gaps(torch.where(missing, 0.0, steps), missing) * self.mv_per_step
        has_waveform = ~is_flat(signals_mv).all(dim=1)
        z_scores: Tensor = self.preparation.z_scores_(signals_mv)
        return z_scores, has_waveform

    def raw(self, logits: Tensor) -> Tensor:
        """Probabilities of logits ``[B, K]``."""
        return logits.softmax(dim=-1) if self.single_label else logits.sigmoid()

    def calibrated(self, logits: Tensor) -> Tensor:
        """Probabilities after temperature, as ``ecgmm.evaluation.calibration.apply_temperature`` gives them."""
        low, high = math.log(LEAST), math.log1p(-LEAST)
        if self.single_label:
            return (logits.log_softmax(dim=-1).clamp(low, high) / self.temperature).softmax(dim=-1)
        return (logits.clamp(low - high, high - low) / self.temperature).sigmoid()


class DriftConvolution(nn.Module):
    """``remove_drift`` for records of one length as a convolution.

    It is the same filter. ONNX Runtime transforms lengths that are no power of two to about 1e-3 of the amplitude only
    (1.32, CPU), and a convolution is exact to rounding.

    Args:
        n_times: Samples of a record.
        rate_hz: Sampling rate in Hz.
        highpass_hz: Corner in Hz.
    """

    slow: Tensor
    places: Tensor

    def __init__(self, n_times: int, rate_hz: float, highpass_hz: float) -> None:
        super().__init__()
        self.padding = padding_samples(n_times, rate_hz, highpass_hz)
        n = n_times + 2 * self.padding
        gain = squared_magnitude(n, rate_hz, highpass_hz, torch.device("cpu"))
        response = torch.fft.irfft(1 - gain, n=n).roll(n // 2)  # of what is slow; even, so that it needs no reversal
        # As in the transform, the padded record goes on with itself.
        places = (torch.arange(self.padding, self.padding + n_times + n - 1) - n // 2) % n
        self.register_buffer("slow", response.float().view(1, 1, n))
        self.register_buffer("places", places)

    def forward(self, signals_mv: Tensor) -> Tensor:
        """Remove what is slow from ``[B, L, T]`` in mV."""
        around = pad_odd(signals_mv, self.padding)[..., self.places]
        slow = conv1d(around.flatten(0, 1).unsqueeze(1), self.slow)
        rest: Tensor = signals_mv - slow.unflatten(0, signals_mv.shape[:2]).squeeze(2)
        return rest


def inputs_of(model: SavedModel) -> tuple[str, ...]:
    """Names of the arrays that a model looks at, in the order in which its program takes them.

    Raises:
        ConfigError: If there is none.
    """
    looks_at = set(model.method.inputs_at_test)
    if model.facts.text_at_test == "none":
        looks_at -= {"text"}
    names: tuple[str, ...] = (MILLIVOLTS,) if "ecg" in looks_at else ()
    if "text" in looks_at:
        names += (STATEMENT_IDS,) if isinstance(model.method, BagOfStatements) else (TOKEN_IDS, TOKEN_MASK)
    if not names:
        raise ConfigError(
            f"{model.method.name} looks at no input and gives every record the same probabilities, so there is no"
            " program to export; format=bundle keeps them"
        )
    return names
