"""Tian et al. [13], ECG-Doctor: a language model that is told the findings and measurements of a waveform."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, huber_loss

from ecgmm.leads import N_LEADS
from ecgmm.models.beats import beat_window, find_beats, heart_rate, mean_beat
from ecgmm.models.encoders import EcgEncoder
from ecgmm.models.language_model import LanguageModel, causal
from ecgmm.models.method import Method
from ecgmm.models.option_letters import OptionLetters
from ecgmm.models.text_bank import TextBank
from ecgmm.models.transformer_shape import TransformerShape
from ecgmm.models.words import StatedFindings
from ecgmm.types import INTERVALS, Batch, ModelOutput

USUAL = {"rate_bpm": (75.0, 20.0), "pr_ms": (160.0, 30.0), "qrs_ms": (100.0, 20.0), "qt_ms": (400.0, 40.0)}
"""Round numbers near the mean and spread of adult recordings: they only bring targets to a common size."""
N_AXES = len(INTERVALS) - len(USUAL)
N_TARGETS = len(USUAL) + 2 * N_AXES
"""Rate and three intervals, then cosine and sine of each axis: for these, 180 and -180 degrees are the same."""
UNITS = {"bpm": "bpm", "ms": "ms", "deg": "degrees"}
TRUST_AT_FIRST = 3.0
"""Logit of the trust in the counted rate before anything was learned: 95 %."""
N_TOLD = 5
"""Findings that an explanation names."""


@dataclass(frozen=True)
class ReaderShape(TransformerShape):
    """Sizes of the part in which learned queries read the waveform.

    Attributes:
        n_queries: Number of queries.
        bottleneck: Whether findings and measurements are all that the language model is told of the waveform.
    """

    n_queries: int
    bottleneck: bool


class EcgDoctor(Method):
    """Reads findings and measurements off the waveform, and hands these and the report to a language model.

    They stand before the report as two soft tokens, one of all findings weighted by their probability and one of the
    measurements. With a bottleneck nothing else of the waveform reaches the language model, and what it answers rests
    on numbers that can be read; without one a third soft token holds the waveform's embedding. The heart rate is
    counted from beat to beat and regressed as well; how far the count is to be trusted is learned.

    Args:
        ecg_encoder: Gives features over time ``[B, C, T']`` and the embedding ``[B, D]``.
        language_model: Answers.
        criterion: Classification loss of logits and labels.
        n_findings: F, findings of the statement vocabulary.
        rate_hz: Sampling rate of the waveforms.
        queries: Number and width of the queries that read the waveform, the layers in which they attend, and whether
            what they read is all that the language model is told.
        findings_weight: Weight of the findings loss.
        measurements_weight: Weight of the measurement loss.
    """

    name = "ecg_doctor"
    inputs_at_test = ("ecg", "text")
    reference = (
        "Tian D, Jiang J, Zhang K, et al. ECG-Doctor: An interpretable multimodal ECG diagnosis framework based on "
        "large language models. Proceedings of the 34th ACM International Conference on Information and Knowledge "
        "Management (CIKM), 2025, pp. 2863-2873"
    )
    fidelity = "title-only"
    was_measured: Tensor

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        language_model: LanguageModel,
        criterion: nn.Module,
        n_findings: int,
        rate_hz: float,
        queries: ReaderShape,
        findings_weight: float,
        measurements_weight: float,
    ) -> None:
        super().__init__(criterion)
        width, read = queries.width, queries.n_queries * queries.width
        self.loss_weights = {"cls": 1.0, "findings": findings_weight, "measurements": measurements_weight}
        self.ecg_encoder = ecg_encoder
        self.tokens = WaveformTokens(ecg_encoder.n_channels, ecg_encoder.dim, rate_hz, width)
        self.queries = nn.Parameter(torch.randn(queries.n_queries, width))
        self.decoder = queries.decoder()
        self.findings_head = nn.Linear(read, n_findings)
        # Reads the queries and the token of the average beat; its last output is the trust in the counted rate.
        self.measurements_head = nn.Linear(read + width, N_TARGETS + 1)
        with torch.no_grad():
            self.measurements_head.bias[-1] = TRUST_AT_FIRST
        self.findings_token = nn.Linear(n_findings, language_model.width)
        self.measurements_token = nn.Linear(N_TARGETS, language_model.width)
        self.embedding_token = None if queries.bottleneck else nn.Linear(ecg_encoder.dim, language_model.width)
        self.language_model = language_model
        self.options = OptionLetters()
        self.stated_findings = StatedFindings()
        # Which measurements ever had a target: data without a cart's numbers teach none, and none is then told.
        self.register_buffer("was_measured", torch.zeros(len(INTERVALS), dtype=torch.bool))

    def bind(self, texts: TextBank) -> None:
        """Look up which statement states which finding, and write the question in tokens."""
        self.stated_findings.bind(texts)
        self.options.bind(texts)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch.

        ``extra`` holds ``findings``, logits ``[B, F]``, and ``measurements`` ``[B, 10]`` (``standardised``).
        """
        h_e, findings, measurements = self.read_waveform(batch)
        # The answer may not bend the measurements to its own ends: they are read as they stand.
        readings = self.measurements_token(measurements.detach())
        told = [self.findings_token(findings.sigmoid()), readings]
        if self.embedding_token is not None:
            told.append(self.embedding_token(h_e))
        soft = torch.stack(told, dim=1)
        question = self.options.question.expand(soft.shape[0], -1)
        words = self.language_model.embed(torch.cat([batch.token_ids, question], dim=1))
        present = torch.cat(
            [
                batch.has_waveform.unsqueeze(-1).expand(soft.shape[:2]),
                batch.token_mask & batch.has_report.unsqueeze(-1),
                torch.ones_like(question, dtype=torch.bool),
            ],
            dim=1,
        )
        states = self.language_model(torch.cat([soft, words], dim=1), causal(present))
        logits = self.options(self.language_model, states[:, -1])
        extra = {"findings": findings, "measurements": measurements}
        return ModelOutput(logits, ecg_embedding=h_e, extra=extra)

    def read_waveform(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Embed the waveforms, ``[B, D]``, and predict findings, logits ``[B, F]``, and measurements, ``[B, 10]``.

        All are float32, and 0 for a record without a waveform.
        """
        present = batch.has_waveform.unsqueeze(-1)
        features = self.ecg_encoder.features(batch.waveforms)
        h_e = self.ecg_encoder.pooling(features) * present
        tokens, counted = self.tokens(batch.waveforms, features, h_e)
        queries = self.decoder(self.queries.expand(tokens.shape[0], -1, -1), tokens).flatten(1)
        measured = self.measurements_head(torch.cat([queries, tokens[:, 0]], dim=1)).float()
        trust = measured[:, -1].sigmoid() * (counted > 0)
        mean, spread = USUAL["rate_bpm"]
        rate = trust * (counted - mean) / spread + (1 - trust) * measured[:, 0]
        measurements = torch.cat([rate.unsqueeze(1), measured[:, 1:-1]], dim=1)
        return h_e, self.findings_head(queries).float() * present, measurements * present

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls``, ``findings`` and ``measurements``; the last two only of records with a waveform."""
        readable = batch._replace(has_report=batch.is_pair)
        findings = self.stated_findings.loss(output.extra["findings"], readable)
        if self.training:
            self.was_measured |= batch.intervals.isfinite().any(dim=0)
        targets = standardised(batch.intervals)
        known = targets.isfinite() & batch.has_waveform.unsqueeze(-1)
        errors = huber_loss(output.extra["measurements"], targets.where(known, 0.0), reduction="none")
        measurements = (errors * known).sum() / known.sum().clamp(min=1)
        return {**super().losses(output, batch), "findings": findings, "measurements": measurements}

    def explain(self, batch: Batch) -> list[str]:
        """Tell the likeliest findings and the measurements of the one waveform in the batch."""
        if not batch.has_waveform.all():
            return []
        _, findings, measurements = self.read_waveform(batch)
        likeliest = findings[0].sigmoid().topk(min(N_TOLD, findings.shape[1]))
        told = [
            f"finding {self.stated_findings.names[index]}: {probability:.2f}"
            for probability, index in zip(likeliest.values.tolist(), likeliest.indices.tolist(), strict=True)
        ]
        for name, value, known in zip(INTERVALS, in_units(measurements)[0].tolist(), self.was_measured, strict=True):
            if known:
                words, unit = name.rsplit("_", 1)
                told.append(f"{words.replace('_', ' ')}: {value:.0f} {UNITS[unit]}")
        return told


class WaveformTokens(nn.Module):
    """What the queries attend to: the average beat, the embedding of the record, and its features over time.

    Features that are pooled over time hold neither a count of beats nor a fine ruler. Carts count beats, and measure on
    an average one; so both are worked out from the waveform (``beats``) and given to the network.

    Args:
        n_channels: C.
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        width: Width of the tokens.
    """

    def __init__(self, n_channels: int, dim: int, rate_hz: float, width: int) -> None:
        super().__init__()
        self.rate_hz = rate_hz
        self.step = max(1, round(rate_hz / 100))  # a hundred samples a beat, whatever the rate of the waveforms
        n_samples = N_LEADS * (sum(beat_window(rate_hz)) // self.step)
        self.beat = nn.Sequential(nn.Linear(n_samples, width), nn.GELU(), nn.Linear(width, width))
        self.embedding = nn.Linear(dim, width)
        self.features = nn.Linear(n_channels, width)

    def forward(self, waveforms: Tensor, features: Tensor, h_e: Tensor) -> tuple[Tensor, Tensor]:
        """Make the tokens of ``[B, 12, T]``, ``[B, C, T']`` and ``[B, D]``.

        Returns:
            Tokens ``[B, 2 + T', width]``, the average beat first, and the counted rate ``[B]`` (``heart_rate``).
        """
        is_beat = find_beats(waveforms, self.rate_hz)
        beat = avg_pool1d(mean_beat(waveforms, is_beat, self.rate_hz), self.step)
        tokens = torch.cat(
            [
                self.beat(beat.flatten(1)).unsqueeze(1),
                self.embedding(h_e).unsqueeze(1),
                self.features(features.transpose(1, 2)),
            ],
            dim=1,
        )
        return tokens, heart_rate(is_beat, self.rate_hz)


def standardised(intervals: Tensor) -> Tensor:
    """Bring measurements ``[B, 7]`` to a common size: ``[B, 10]``, NaN where there was none."""
    # Column by column: a tensor of means and spreads would be copied to the device at every step, which waits for it.
    values = [(intervals[:, place] - mean) / spread for place, (mean, spread) in enumerate(USUAL.values())]
    angles = intervals[:, len(USUAL) :].deg2rad()
    return torch.cat([torch.stack(values, dim=1), angles.cos(), angles.sin()], dim=1)


def in_units(measurements: Tensor) -> Tensor:
    """Undo ``standardised``: ``[B, 10] -> [B, 7]`` in the units of ``INTERVALS``."""
    mean, spread = measurements.new_tensor(list(USUAL.values())).T
    values, cosines, sines = measurements.split([len(USUAL), N_AXES, N_AXES], dim=1)
    return torch.cat([values * spread + mean, torch.atan2(sines, cosines).rad2deg()], dim=1)
