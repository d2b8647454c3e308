"""Wan et al. [12], MEIT: a waveform as one more key and value in every layer of a language model."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, pad

from ecgmm import waiting
from ecgmm.models.batch_norm import BatchNorm
from ecgmm.models.encoders import EcgEncoder
from ecgmm.models.language_model import LanguageModel, causal
from ecgmm.models.method import Method, ecg_embedding
from ecgmm.models.option_letters import OptionLetters
from ecgmm.models.text_bank import TextBank
from ecgmm.text.glossary import INSTRUCTION
from ecgmm.types import Batch, ModelOutput

if TYPE_CHECKING:
    from ecgmm.models.own_key_value import OwnKeyValue


_IGNORED = -100  # as a target: costs nothing


class Meit(Method):
    """Learns to write the report of a waveform, and answers a multiple choice about it.

    One causal sequence holds the instruction, the report and the question. Every position also sees one key and value
    that each layer makes of the waveform. Where each report token is predicted, the report is learned; behind the
    question the class is read.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        language_model: Sees the waveform and writes.
        criterion: Classification loss of logits and labels.
        report_in_prompt: False hides the report from the question, so that the waveform alone answers and reports are
            only learned to be written, as published; True lets the question see it.
        report_weight: Weight of the loss of writing the report.
        layer_norm: Whether each layer's own norm brings the waveform's vector to the size of its tokens' states; False
            leaves it at length 1, as published.
    """

    name = "meit"
    inputs_at_test: tuple[str, ...] = ("ecg", "text")
    reference = (
        "Wan Z, Liu C, Wang X, et al. MEIT: Multimodal electrocardiogram instruction tuning on large language models "
        "for report generation. Findings of the Association for Computational Linguistics: ACL 2025, pp. 14510-14527"
    )
    fidelity = "code-confirmed"
    instruction: Tensor

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        language_model: LanguageModel,
        criterion: nn.Module,
        report_in_prompt: bool,
        report_weight: float,
        layer_norm: bool = False,
    ) -> None:
        super().__init__(criterion)
        self.loss_weights = {"cls": 1.0, "report": report_weight}
        self.report_in_prompt = report_in_prompt
        self.layer_norm = layer_norm
        if not report_in_prompt:
            self.inputs_at_test = ("ecg",)
        self.ecg_encoder = ecg_encoder
        dim = ecg_encoder.dim
        # Batch norms as in the original: with one layer norm in their place little of the waveform was learned.
        self.projection = nn.Sequential(
            nn.Linear(dim, dim),
            BatchNorm(dim),
            nn.ReLU(),
            nn.Linear(dim, language_model.head_dim),
            BatchNorm(language_model.head_dim),
        )
        self.language_model = language_model
        self.options = OptionLetters()

    def bind(self, texts: TextBank) -> None:
        """Write instruction and question in tokens."""
        self.options.bind(texts)
        self.register_buffer("instruction", texts.pieces(INSTRUCTION), persistent=False)
        self.texts = texts

    def injected(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Embed the waveforms: ``[B, D]``, and of length 1 ``[B, head_dim]`` for the language model."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        return h_e, normalize(self.projection(h_e).float(), dim=-1)

    def key_values(self, vectors: Tensor) -> "OwnKeyValue":
        """Make the keys and values of waveforms, of vectors from ``injected``, for one call of the language model."""
        return self.language_model.key_values(vectors, self.layer_norm)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch.

        ``extra`` holds ``report_nll`` ``[B]``, the negative log-likelihood of each report and its end, summed over
        tokens, and ``report_length`` ``[B]``, the number of these tokens; both 0 without a report.
        """
        h_e, vectors = self.injected(batch)
        report = batch.token_mask & batch.has_report.unsqueeze(-1)
        (n_records, n_report), n_before = report.shape, len(self.instruction)
        parts = (self.instruction, batch.token_ids, self.options.question)
        token_ids = torch.cat([part.expand(n_records, -1) for part in parts], dim=1)
        attended = causal(pad(pad(report, (n_before, 0), value=True), (0, len(self.options.question)), value=True))
        if not self.report_in_prompt:
            attended[:, n_before + n_report :, n_before : n_before + n_report] = False
        states = self.language_model(
            self.language_model.embed(token_ids),
            attended,
            self.key_values(vectors),
            batch.has_waveform,
        )
        written = {}
        if not torch.compiler.is_exporting():  # a program classifies; how many tokens a batch has is no size of it
            written = self.report_nll(states[:, n_before - 1 : n_before + n_report], batch.token_ids, report)
        logits = self.options(self.language_model, states[:, -1])
        return ModelOutput(logits, ecg_embedding=h_e, extra=written)

    def report_nll(self, states: Tensor, token_ids: Tensor, report: Tensor) -> dict[str, Tensor]:
        """Score the reports under the model.

        A report ends where the question begins, so the question's first token is the target behind its last one.

        Args:
            states: ``[B, N + 1, width]`` of the position before the report and of its N positions.
            token_ids: int64 ``[B, N]``.
            report: bool ``[B, N]``, real tokens; they come first.
        """
        lengths = report.sum(dim=1, keepdim=True)
        place = torch.arange(states.shape[1], device=states.device)
        targets = torch.where(place == lengths, self.options.question[0], pad(token_ids, (0, 1)))
        is_target = (place <= lengths) & (lengths > 0)
        nll_of = self._nll_where if waiting.may_look(is_target) else self._nll_of_all
        summed = nll_of(states, targets, is_target)
        return {"report_nll": summed, "report_length": is_target.sum(dim=1)}

    def _nll_where(self, states: Tensor, targets: Tensor, is_target: Tensor) -> Tensor:
        """Score only where there is a target: at small sizes most of the work is in the vocabulary."""
        record = is_target.nonzero()[:, 0]
        logits = self.language_model.next_token_logits(states[is_target]).float()
        nll = cross_entropy(logits, targets[is_target], reduction="none")
        return nll.new_zeros(states.shape[0]).index_add(0, record, nll)

    def _nll_of_all(self, states: Tensor, targets: Tensor, is_target: Tensor) -> Tensor:
        """The same in fixed shapes: padding is scored too, and left out of the sums."""
        logits = self.language_model.next_token_logits(states).float()
        counted = targets.masked_fill(~is_target, _IGNORED)
        nll = cross_entropy(logits.flatten(0, 1), counted.flatten(), ignore_index=_IGNORED, reduction="none")
        return nll.view_as(targets).sum(dim=1)

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls``, and ``report``, mean over all report tokens of the batch."""
        nll, length = output.extra["report_nll"], output.extra["report_length"]
        return {**super().losses(output, batch), "report": nll.sum() / length.sum().clamp(min=1)}

    def explain(self, batch: Batch) -> list[str]:
        """Write the report of the one waveform in the batch, word for word the likeliest."""
        if not batch.has_waveform.all():
            return []
        _, vectors = self.injected(batch)
        ids = self.language_model.generate(
            self.language_model.embed(self.instruction).unsqueeze(0),
            self.key_values(vectors),
            int(self.options.question[0]),
            self.texts.max_tokens,
        )
        return ["report written from the waveform:", self.texts.tokeniser.decode(ids)]
