"""Liu et al. [11], K-MERL: tokens of single leads, aligned with the report and asked for what the report states."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.ecg_encoders.lead_tokens import EcgTokens, LeadTokens
from ecgmm.models.encoders import TextEncoder
from ecgmm.models.method import text_embedding
from ecgmm.models.shared_queries import decode
from ecgmm.models.text_bank import TextBank
from ecgmm.models.transformer_shape import TransformerShape
from ecgmm.models.words import ClassPrompts, StatedFindings
from ecgmm.types import Batch, ModelOutput


class KMerl(ContrastiveMethod):
    """Asks the tokens of the waveform in words: each finding and each class is a query of one transformer decoder.

    Any subset of the leads will do: a lead that is 0 throughout has no tokens. Findings of the report take the place of
    the entities that a language model extracts in the publication. Both pre-training losses weigh the same.

    Args:
        ecg_encoder: Tokens of leads.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``, for reports, findings and class descriptions alike.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_layers: Layers of the decoder.
        n_heads: Attention heads of each layer; divides the width of the tokens.
        feedforward_width: Width inside the layers' feed-forward networks.
        dropout: Dropout in the decoder.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "k_merl"
    reference = (
        "Liu C, Ouyang C, Wan Z, et al. Knowledge-enhanced multimodal ECG representation learning with arbitrary-lead "
        "inputs. arXiv 2502.17900, 2025"
    )
    fidelity = "paper-confirmed"
    finding_ids: Tensor
    finding_mask: Tensor

    def __init__(
        self,
        ecg_encoder: LeadTokens,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        n_layers: int,
        n_heads: int,
        feedforward_width: int,
        dropout: float,
        unseen_classes: Sequence[str] = (),
        pair_weight: float = 1.0,
    ) -> None:
        dim, width = text_encoder.dim, ecg_encoder.width
        super().__init__(criterion, n_classes, dim, unseen_classes, pair_weight)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.ecg_projection = nn.Linear(width, dim)
        self.query_projection = nn.Linear(dim, width)
        self.decoder = TransformerShape(width, n_layers, n_heads, dropout).decoder(feedforward_width)
        self.answer = nn.Linear(width, width)
        self.answer_bias = nn.Parameter(torch.zeros(()))
        self.scale = LogitScale()
        # A mean of products over the width hardly tells classes apart; a softmax needs them as large as it is certain.
        self.class_scale = LogitScale(width**0.5)
        self.class_prompts = ClassPrompts()
        self.stated_findings = StatedFindings()

    def bind(self, texts: TextBank) -> None:
        """Write the names of the findings and the descriptions of the classes in tokens."""
        super().bind(texts)
        self.class_prompts.bind(texts, templates=("{}",))
        self.stated_findings.bind(texts)
        ids, mask = texts.encode(self.stated_findings.names)
        self.register_buffer("finding_ids", ids, persistent=False)
        self.register_buffer("finding_mask", mask, persistent=False)

    def ask(self, tokens: EcgTokens, *groups: Tensor) -> list[Tensor]:
        """Put queries to the tokens of each waveform; those of one group attend to each other.

        Args:
            tokens: Of B waveforms.
            groups: Queries, each float ``[Q, D]`` of length 1.

        Returns:
            Logits for each group, float32 ``[B, Q]``.
        """
        # Times the root of the width for entries of about 1, as those of tokens.
        projected = [self.query_projection(queries * queries.shape[1] ** 0.5) for queries in groups]
        answers = decode(self.decoder, projected, tokens.states, tokens.mask)
        return [
            (self.answer(answer) * queries).float().mean(dim=-1) + self.answer_bias
            for answer, queries in zip(answers, projected, strict=True)
        ]

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``findings``, logits ``[B, F]``."""
        tokens = self.ecg_encoder(batch.waveforms, batch.has_waveform)
        h_e = self.ecg_projection(tokens.pooled()) * batch.has_waveform.unsqueeze(-1)
        h_t = text_embedding(self.text_encoder, batch)
        findings = normalize(self.text_encoder(self.finding_ids, self.finding_mask).float(), dim=-1)
        directions = self.class_directions(lambda: self.class_prompts(self.text_encoder))
        of_classes, of_findings = self.ask(tokens, directions, findings)
        return self.output(self.class_scale() * of_classes, h_e, h_t, findings=of_findings)

    def plain_directions(self, prompts: ClassPrompts) -> Tensor:
        """Directions of classes in plain words as they are: the decoder is asked as it was taught to be."""
        classes: Tensor = prompts(self.project_text)
        return classes

    def similarities(self, batch: Batch, directions: Tensor) -> Tensor:
        """Answers of the decoder; queries of one call attend to each other."""
        (answers,) = self.ask(self.ecg_encoder(batch.waveforms, batch.has_waveform), directions)
        scaled: Tensor = self.class_scale() * answers
        return scaled

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms over the records that have both modalities.

        ``contrastive``: InfoNCE of waveforms and reports; ``findings``: binary cross-entropy of what the reports state.
        """
        both = batch.is_pair
        assert output.ecg_embedding is not None
        assert output.text_embedding is not None
        similarities = cosine(output.ecg_embedding, output.text_embedding)
        positives = same_report(batch.token_ids, batch.token_mask)
        return {
            "contrastive": info_nce(self.scale() * similarities, positives, both),
            "findings": self.stated_findings.loss(output.extra["findings"], batch._replace(has_report=both)),
        }
