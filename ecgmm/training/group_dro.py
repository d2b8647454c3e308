"""Training for the worst domain: the class term as GroupDRO weighs it over devices or sites."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.errors import ConfigError
from ecgmm.types import Batch, ModelOutput


class GroupDro(nn.Module):
    """Class term as a weighted sum of its means over domains, whose weights follow the losses.

    After each batch ``q_g <- q_g exp(step_size * loss_g)``, scaled to sum to 1: the domain that is learnt worst gets
    the largest weight (Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020,
    algorithm 1). A domain without a record in the batch has loss 0 there.

    All terms of a method but ``cls`` stay as they are. A GPU is waited for once a step, for the domains of the batch.

    Args:
        domain_of_row: int64 ``[n]``, domain of each row of the store.
        n_domains: Number of domains G.
        step_size: Of the weights.

    Attributes:
        weights: float32 ``[G]``, the q of the paper. Part of every checkpoint, and so of every resumption.
    """

    domain_of_row: Tensor
    weights: Tensor

    def __init__(self, domain_of_row: Tensor, n_domains: int, step_size: float) -> None:
        super().__init__()
        self.step_size = step_size
        self.register_buffer("domain_of_row", domain_of_row, persistent=False)
        self.register_buffer("weights", torch.full((n_domains,), 1 / n_domains))

    def forward(
        self, terms: Mapping[str, Tensor], criterion: nn.Module, output: ModelOutput, batch: Batch
    ) -> dict[str, Tensor]:
        """Replace the class term, and move the weights.

        Args:
            terms: Loss terms of a method; where there is no ``cls`` (pre-training on pairs) nothing happens.
            criterion: The method's, a mean over records.
            output: Of the whole batch, also where several processes share the waveforms.
            batch: The batch; its waveforms are left out.
        """
        if "cls" not in terms:
            return dict(terms)
        domain = self.domain_of_row[batch.rows]
        losses = output.logits.new_zeros(len(self.weights), dtype=torch.float32)
        for group in domain.unique().tolist():
            of_group = domain == group
            losses[group] = criterion(output.logits[of_group], batch.labels[of_group])
        raised = self.weights * torch.exp(self.step_size * losses.detach())
        self.weights.copy_(raised / raised.sum())
        return {**terms, "cls": (self.weights * losses).sum()}


def group_dro(settings: Mapping[str, Any], datamodule: EcgReportDataModule) -> GroupDro:
    """Build it as the setting ``domains`` asks for.

    Domains with fewer training records than ``domains.min_records``, and records whose domain is not known, are one
    domain together: the mean loss of a few records is mostly chance, and would draw all weight.

    Raises:
        ConfigError: If the training records are not of at least two domains.
    """
    column = settings["column"]
    names = datamodule.store.records[column]
    counts = names.gather(datamodule.rows["train"]).drop_nulls().value_counts(name="n")
    large = counts.filter(pl.col("n") >= settings["min_records"])[column].sort()
    domain = names.replace_strict(large, range(len(large)), default=len(large), return_dtype=pl.Int64)
    domain = domain.fill_null(len(large))
    n_domains = int(domain.gather(datamodule.rows["train"]).n_unique())
    if n_domains < 2:
        raise ConfigError(
            f"domains.column={column} tells {len(large)} domains of domains.min_records={settings['min_records']}"
            " training records apart, and training by domains needs two at least; choose another column (device or"
            " site), fewer records, or domains.column=null"
        )
    return GroupDro(torch.from_numpy(domain.to_numpy().copy()), n_domains, float(settings["step_size"]))
