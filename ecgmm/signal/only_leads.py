"""Restriction to some leads: the others become missing, as if the recorder had not delivered them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.leads import LEADS, N_LEADS
from ecgmm.types import MISSING_SAMPLE


class OnlyLeads(nn.Module):
    """Keeps some leads of stored waveforms and marks every sample of the others as missing.

    Args:
        leads: Names of the leads to keep, in any order.

    Raises:
        ConfigError: If none is named, or one that is not a standard lead.
    """

    left_out: Tensor

    def __init__(self, leads: Sequence[str]) -> None:
        super().__init__()
        if not leads or not set(leads) <= set(LEADS):
            raise ConfigError(f"leads is {list(leads)}; name at least one of {', '.join(LEADS)}")
        self.register_buffer("left_out", torch.tensor([name not in leads for name in LEADS]).view(N_LEADS, 1))

    def forward(self, waveforms: Tensor) -> Tensor:
        """Mark what is left out: int16 ``[B, 12, T]``, not changed in place."""
        return waveforms.masked_fill(self.left_out, MISSING_SAMPLE)
