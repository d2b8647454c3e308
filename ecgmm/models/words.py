"""Class prompts as token ids, and which statement states which finding: words kept in buffers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ecgmm.models.contrastive import unit
from ecgmm.models.text_bank import TextBank
from ecgmm.text.findings import finding_table, findings_in
from ecgmm.text.glossary import CLASS_TEMPLATES
from ecgmm.types import Batch


class ClassPrompts(nn.Module):
    """Every description of every class in every template, as token ids.

    Source: prompt ensembling of CLIP (Radford et al., arXiv 2103.00020, section 3.1.4).
    """

    token_ids: Tensor
    token_mask: Tensor
    class_of_prompt: Tensor

    def bind(self, texts: TextBank, templates: tuple[str, ...] = CLASS_TEMPLATES) -> None:
        """Write the prompts of the classes of ``texts``."""
        prompts = [
            (index, template.format(description))
            for index, name in enumerate(texts.class_names)
            for description in texts.descriptions(name)
            for template in templates
        ]
        ids, mask = texts.encode([text for _, text in prompts])
        self.register_buffer("token_ids", ids, persistent=False)
        self.register_buffer("token_mask", mask, persistent=False)
        self.register_buffer("class_of_prompt", torch.tensor([index for index, _ in prompts]), persistent=False)
        self.n_classes = len(texts.class_names)

    def forward(self, encode: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Embed the classes.

        Args:
            encode: Token ids and mask ``[P, N] -> [P, D]``.

        Returns:
            float32 ``[K, D]`` of length 1: the mean direction of each class's prompts.
        """
        return self.mean_by_class(unit(encode(self.token_ids, self.token_mask)))

    def mean_by_class(self, directions: Tensor) -> Tensor:
        """Average rows ``[P, D]`` by class and bring them to length 1: ``[K, D]``."""
        classes = torch.arange(self.n_classes, device=directions.device)
        member = (self.class_of_prompt == classes.unsqueeze(1)).float()  # [K, P]
        with torch.autocast(directions.device.type, enabled=False):
            return unit(member @ directions.float())


class StatedFindings(nn.Module):
    """Findings that a report states, from its statement ids: the targets of auxiliary heads.

    Attributes:
        names: The F findings in words.
    """

    names: tuple[str, ...]
    table: Tensor

    def bind(self, texts: TextBank) -> None:
        """Look up the findings of the statements of ``texts``."""
        self.names = findings_in(texts.statements)
        self.register_buffer("table", torch.from_numpy(finding_table(texts.statements)), persistent=False)

    def forward(self, statement_ids: Tensor) -> Tensor:
        """Which findings the statements of each report state: ids ``[B, S] -> float32 [B, F]`` of zeros and ones."""
        return self.table[statement_ids].any(dim=1).float()

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Binary cross-entropy of ``logits`` ``[B, F]``, mean over findings and over the records with a report.

        Returns:
            float32 scalar; 0 with zero gradient where no record has a report, or the vocabulary states no finding
            (``text.policy=none``).
        """
        errors = binary_cross_entropy_with_logits(logits.float(), self(batch.statement_ids), reduction="none")
        per_record = errors.sum(dim=1) / max(errors.shape[1], 1)
        return (per_record * batch.has_report).sum() / batch.has_report.sum().clamp(min=1)
