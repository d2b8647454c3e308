"""Guo et al. [9]: tokens of the waveform and of the report in one transformer that attends across both."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d

from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.models.transformer_shape import TransformerShape, sinusoids
from ecgmm.models.words import StatedFindings
from ecgmm.types import Batch, ModelOutput


class CrossModalTransformer(Method):
    """Classifies from a learned token that attends to both modalities, and reads the report's findings from it as well.

    The sequence is ``[CLS, h_e, ECG tokens, h_t, report tokens]``. What a record lacks is masked, so that a record with
    neither modality gets the same logits as every other such record.

    Args:
        ecg_encoder: Gives features over time ``[B, C, T']`` and the embedding ``[B, D]``.
        text_encoder: Gives token states ``[B, N, width]`` and the embedding ``[B, D]``.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_findings: F, findings of the statement vocabulary.
        transformer: Sizes of the joint transformer; its dropout also stands before the heads.
        max_ecg_tokens: Most ECG tokens; features of neighbouring times are averaged to get there.
        findings_weight: Weight of the findings loss.
    """

    name = "cross_modal_transformer"
    inputs_at_test = ("ecg", "text")
    reference = (
        "Guo M, Zhou Y, Tang S. Multimodal models for comprehensive cardiac diagnostics via ECG interpretation. "
        "IEEE International Conference on Bioinformatics and Biomedicine (BIBM), 2024, pp. 5756-5763"
    )
    fidelity = "title-only"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        n_findings: int,
        transformer: TransformerShape,
        max_ecg_tokens: int,
        findings_weight: float,
    ) -> None:
        super().__init__(criterion)
        width = transformer.width
        self.loss_weights = {"cls": 1.0, "findings": findings_weight}
        self.max_ecg_tokens = max_ecg_tokens
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.ecg_tokens = ModalityTokens(ecg_encoder.dim, ecg_encoder.n_channels, width)
        self.text_tokens = ModalityTokens(text_encoder.dim, text_encoder.width, width)
        self.cls_token = nn.Parameter(torch.randn(width) * 0.02)
        self.transformer = transformer.encoder()
        self.dropout = nn.Dropout(transformer.dropout)
        self.head = nn.Linear(width, n_classes)
        self.findings_head = nn.Linear(width, n_findings)
        self.stated_findings = StatedFindings()

    def bind(self, texts: TextBank) -> None:
        """Look up which statement states which finding."""
        self.stated_findings.bind(texts)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``findings``, logits ``[B, F]``."""
        features = self.ecg_encoder.features(batch.waveforms)
        h_e = self.ecg_encoder.pooling(features) * batch.has_waveform.unsqueeze(-1)
        ecg = self.ecg_tokens(h_e, at_most(features, self.max_ecg_tokens).transpose(1, 2))

        has_token = batch.token_mask & batch.has_report.unsqueeze(-1)
        states = self.text_encoder.token_states(batch.token_ids, batch.token_mask)
        h_t = self.text_encoder.summarise(states, has_token)
        text = self.text_tokens(h_t, states)

        cls = self.cls_token.expand(ecg.shape[0], 1, -1)
        present = torch.cat(
            [
                torch.ones_like(batch.has_waveform).unsqueeze(-1),
                batch.has_waveform.unsqueeze(-1).expand(ecg.shape[:2]),
                batch.has_report.unsqueeze(-1),
                has_token,
            ],
            dim=1,
        )
        joint = self.transformer(torch.cat([cls, ecg, text], dim=1), src_key_padding_mask=~present)
        read = self.dropout(joint[:, 0])
        findings = self.findings_head(read).float()
        return ModelOutput(self.head(read).float(), ecg_embedding=h_e, text_embedding=h_t, extra={"findings": findings})

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls`` and ``findings``; the latter only of records with a report."""
        findings = self.stated_findings.loss(output.extra["findings"], batch)
        return {**super().losses(output, batch), "findings": findings}


class ModalityTokens(nn.Module):
    """Tokens of one modality: its embedding, then its states, all marked with their place and with the modality.

    Args:
        dim: Width D of the embedding.
        state_width: Width of the states.
        width: Width of the tokens.
    """

    def __init__(self, dim: int, state_width: int, width: int) -> None:
        super().__init__()
        self.summary = nn.Linear(dim, width)
        self.states = nn.Linear(state_width, width)
        self.modality = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, embedding: Tensor, states: Tensor) -> Tensor:
        """Lay out ``[B, D]`` and ``[B, N, state_width]`` as ``[B, 1 + N, width]``."""
        tokens = torch.cat([self.summary(embedding).unsqueeze(1), self.states(states)], dim=1)
        return tokens + self.modality + sinusoids(tokens.shape[1], tokens.shape[2], tokens.device)


def at_most(features: Tensor, n: int) -> Tensor:
    """Average runs of neighbouring times so that at most ``n`` are left; the last run may be shorter.

    Args:
        features: ``[B, C, T']``.
        n: Most times to leave.
    """
    times = -(-features.shape[-1] // n)
    return avg_pool1d(features, times, ceil_mode=True)
