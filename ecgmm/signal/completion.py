"""Completion of lost leads from those that are there: exact where the laws of the leads decide, else by regression.

The leads are differences of nine electrodes, so that only eight of the twelve are independent: any two limb leads give
the other four (Einthoven, Goldberger). Beyond that, a lead is estimated sample by sample as its conditional mean given
the leads that are there, ``C[lost, there] C[there, there]^+ x[there]`` with the covariance C of the training split: the
best linear estimate, as in Nelwan et al., "Reconstruction of the 12-lead electrocardiogram from reduced lead sets"
(J Electrocardiol 2004). C is first projected on what the laws allow, and directions of less than ``RTOL`` of its
largest eigenvalue are taken for nothing (``^+``): so the laws come out of the same formula.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm import waiting
from ecgmm.leads import N_LEADS
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES
from ecgmm.signal.normalise import is_flat

RTOL = 1e-7
"""Share of the largest eigenvalue below which a direction is nothing: far above rounding, far below 5 µV of 1 mV."""


class LeadCompletion(nn.Module):
    """Leads without any signal, as the others of the same record tell them; leads with signal stay as they are.

    There is one matrix for each of the 4,096 patterns of leads, so that a batch takes one look-up and one product.

    Args:
        lead_mean_mv: Means that the z-scores were made with, in mV.
        lead_std_mv: Standard deviations that they were made with, in mV; a lead where it is 0 stays 0.
        covariance_mv2: ``[12, 12]`` covariance of the leads over the training split, in mV²; None fills only what the
            laws decide.
    """

    weights: Tensor
    offsets: Tensor
    places: Tensor

    def __init__(
        self,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        covariance_mv2: Sequence[Sequence[float]] | None,
    ) -> None:
        super().__init__()
        mean_mv, std_mv = (torch.tensor(list(values), dtype=torch.float64) for values in (lead_mean_mv, lead_std_mv))
        allowed = lawful(std_mv > 0)
        known = allowed if covariance_mv2 is None else torch.tensor(covariance_mv2, dtype=torch.float64)
        estimates = estimates_of_leads(allowed @ known @ allowed, only_exact=covariance_mv2 is None)
        per_mv = torch.where(std_mv > 0, 1 / std_mv, 0.0)
        unlawful_mv = mean_mv - allowed @ mean_mv  # the laws hold in mV, which z-scores have lost their means of
        filled = estimates.abs().sum(dim=2) > 0
        offsets = per_mv * filled * (estimates @ unlawful_mv - unlawful_mv)
        self.register_buffer("weights", (per_mv[:, None] * estimates * std_mv).float(), persistent=False)
        self.register_buffer("offsets", offsets.float(), persistent=False)
        self.register_buffer("places", 2 ** torch.arange(N_LEADS), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Fill the leads of a batch that are constant.

        Args:
            waveforms: float32 ``[B, 12, T]`` z-scores, 0 in lost leads. Not changed.

        Returns:
            float32 ``[B, 12, T]``; the batch itself where, on a CPU, nothing is lost.
        """
        lost = is_flat(waveforms)
        if not torch.compiler.is_exporting() and waiting.may_look(waveforms) and not lost.any():
            return waveforms
        pattern = (~lost * self.places).sum(dim=1)
        with torch.autocast(waveforms.device.type, enabled=False):
            estimated = torch.baddbmm(self.offsets[pattern][..., None], self.weights[pattern], waveforms)
        completed: Tensor = torch.where(lost[..., None], estimated, waveforms)
        return completed


class CompletedAfter(nn.Module):
    """Random change of training waveforms that may lose leads, and completion of what it lost.

    Args:
        augmentation: The change, called with waveforms and a generator.
        completion: What preparation does at test.
    """

    def __init__(self, augmentation: nn.Module, completion: LeadCompletion) -> None:
        super().__init__()
        self.augmentation = augmentation
        self.completion = completion

    def forward(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Change z-scores ``[B, 12, T]`` at random, then complete them."""
        completed: Tensor = self.completion(self.augmentation(waveforms, generator))
        return completed


def lawful(seen: Tensor) -> Tensor:
    """Projector on the potentials that nine electrodes can give in the leads that were ever seen.

    Args:
        seen: bool ``[12]``.

    Returns:
        float64 ``[12, 12]``, with rows and columns of 0 for the others.
    """
    electrodes = LEADS_FROM_ELECTRODES.double() * seen[:, None]
    projector: Tensor = electrodes @ torch.linalg.pinv(electrodes, rtol=RTOL)
    return projector


def estimates_of_leads(covariance: Tensor, only_exact: bool = False) -> Tensor:
    """Matrices that estimate lost leads from those that are there, for each pattern of leads.

    Args:
        covariance: float64 ``[12, 12]``, symmetric.
        only_exact: Leave out leads that are not decided: those with any variance left.

    Returns:
        float64 ``[4096, 12, 12]``, by the sum of ``2 ** lead`` over the leads that are there. Rows of those leads, and
        columns of lost ones, are 0.
    """
    patterns = torch.arange(2**N_LEADS)[:, None]
    there = ((patterns >> torch.arange(N_LEADS)) & 1).double()
    from_leads = covariance * there[:, None, :]
    among_leads = from_leads * there[:, :, None]
    estimates: Tensor = from_leads @ torch.linalg.pinv(among_leads, rtol=RTOL, hermitian=True) * (1 - there)[:, :, None]
    if not only_exact:
        return estimates
    left = covariance.diagonal() - (estimates * covariance).sum(dim=2)
    exact: Tensor = estimates * (left < RTOL * covariance.diagonal().amax())[:, :, None]
    return exact
