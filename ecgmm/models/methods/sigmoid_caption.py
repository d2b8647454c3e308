"""Sigmoid-loss alignment of waveform and report, with a decoder that writes the report: CoCa with SigLIP's loss."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive import LogitScale, cosine, same_report, sigmoid_loss_of_reports
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.losses import projection_health
from ecgmm.models.method import require_same_width, text_embedding
from ecgmm.models.report_writer import ReportWriter
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.types import Batch, ModelOutput


class SigmoidCaption(ContrastiveMethod):
    """Asks of every waveform and report whether they belong together, and writes the report of each waveform.

    Learned queries read the waveform for the writer; one more query reads what they found and embeds the record.
    ``logit_k = s cos(P_e h_e, c_k) + b_k`` as in ``EcgClip``, with the scale of the alignment.

    Args:
        ecg_encoder: Gives features over time ``[B, C, T']`` and the embedding ``[B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        writer: Writes the report.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_queries: Queries that read the waveform for the writer.
        n_heads: Heads of the attention of all queries; divides D.
        caption_weight: Weight of writing the report, in that of the alignment.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "sigmoid_caption"
    reference = (
        "Yu J, Wang Z, Vasudevan V, et al. CoCa: Contrastive captioners are image-text foundation models. Transactions "
        "on Machine Learning Research, 2022; with the loss of Zhai X, Mustafa B, Kolesnikov A, Beyer L. Sigmoid loss "
        "for language image pre-training. ICCV 2023"
    )
    fidelity = "abstract-level"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        writer: ReportWriter,
        criterion: nn.Module,
        n_classes: int,
        n_queries: int,
        n_heads: int,
        caption_weight: float,
        unseen_classes: Sequence[str] = (),
        pair_weight: float = 1.0,
    ) -> None:
        dim = ecg_encoder.dim
        super().__init__(criterion, n_classes, dim, unseen_classes, pair_weight)
        require_same_width(ecg_encoder, text_encoder)
        self.loss_weights = {"caption": caption_weight}
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.as_token = nn.Linear(ecg_encoder.n_channels, dim)
        self.report_queries = QueryPooling(n_queries, dim, n_heads)
        self.record_query = QueryPooling(1, dim, n_heads)
        self.to_writer = nn.Linear(dim, writer.width)
        self.writer = writer
        self.ecg_projection = nn.Linear(dim, dim, bias=False)
        self.text_projection = nn.Linear(dim, dim, bias=False)
        # SigLIP begins with 10 and -10, for batches of tens of thousands; nearly all pairs are negative here as well.
        self.scale = LogitScale(10.0)
        self.bias = nn.Parameter(torch.tensor(-5.0))
        self.class_bias = nn.Parameter(torch.zeros(n_classes))
        self.class_prompts = ClassPrompts()

    def bind(self, texts: TextBank) -> None:
        """Write the class prompts."""
        super().bind(texts)
        self.class_prompts.bind(texts)
        self.texts = texts

    def project_text(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Bring texts ``[P, N]`` into the shared space: ``[P, D]``."""
        projected: Tensor = self.text_projection(self.text_encoder(token_ids, token_mask))
        return projected

    def read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Read the waveforms: their embedding ``[B, D]`` and the writer's tokens ``[B, n_queries, width]``.

        The encoder's own embedding is one more token, and the query's find is added to it. Both are zeros for a record
        without a usable waveform.
        """
        present = batch.has_waveform.unsqueeze(-1)
        features = self.ecg_encoder.features(batch.waveforms)
        whole = self.ecg_encoder.pooling(features).unsqueeze(1)
        found = self.report_queries(torch.cat([whole, self.as_token(features.transpose(1, 2))], dim=1))
        h_e = (whole + self.record_query(found)).squeeze(1)
        return h_e * present, self.to_writer(found) * present.unsqueeze(-1)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch.

        ``extra`` holds both projections ``[B, D]``, and ``report_nll`` and ``report_length`` ``[B]`` of the writer.
        """
        h_e, seen = self.read(batch)
        h_t = text_embedding(self.text_encoder, batch)
        p_e, p_t = self.ecg_projection(h_e), self.text_projection(h_t)
        classes = self.class_directions(lambda: self.class_prompts(self.project_text))
        logits = self.scale() * cosine(p_e, classes) + self.bias_of(self.class_bias)
        written = {}
        if self.stage != "classify" and not torch.compiler.is_exporting():  # neither asks for the report
            nll, length = self.writer(batch.token_ids, batch.token_mask & batch.has_report.unsqueeze(-1), seen)
            written = {"report_nll": nll, "report_length": length}
        return self.output(logits, h_e, h_t, ecg_projection=p_e, text_projection=p_t, **written)

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms, both over the records that have both modalities.

        ``contrastive``: sigmoid loss, summed over the different reports of the batch; ``caption``: negative
        log-likelihood of a token of their reports.
        """
        both = batch.is_pair
        p_e, p_t = output.extra["ecg_projection"], output.extra["text_projection"]
        same = same_report(batch.token_ids, batch.token_mask)
        contrastive = sigmoid_loss_of_reports(self.scale() * cosine(p_e, p_t) + self.bias, same, both)
        nll, length = output.extra["report_nll"] * both, output.extra["report_length"] * both
        return {"contrastive": contrastive, "caption": nll.sum() / length.sum().clamp(min=1)}

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Norms, ranks and gap of the two projections (``projection_health``)."""
        both_present = batch.is_pair
        return projection_health(*(output.extra[name][both_present] for name in ("ecg_projection", "text_projection")))

    def explain(self, batch: Batch) -> list[str]:
        """Write the report of the one waveform in the batch, word for word the likeliest."""
        if not batch.has_waveform.all():
            return []
        _, seen = self.read(batch)
        ids = self.writer.write(seen, self.texts.max_tokens)
        return ["report written from the waveform:", self.texts.tokeniser.decode(ids)]


class QueryPooling(nn.Module):
    """What learned queries find in tokens, by one layer of attention and a norm.

    Source: the attentional poolers of CoCa (Yu et al., arXiv 2205.01917, section 3.2).

    Args:
        n_queries: Number Q of queries.
        dim: Width D of tokens and queries.
        n_heads: Attention heads; divides D.
    """

    def __init__(self, n_queries: int, dim: int, n_heads: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(n_queries, dim))
        self.attention = nn.MultiheadAttention(dim, n_heads, batch_first=True)
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Read ``[B, M, D]``: ``[B, Q, D]``."""
        queries = self.queries.to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        found, _ = self.attention(queries, tokens, tokens, need_weights=False)
        normed: Tensor = self.norm(found)
        return normed
