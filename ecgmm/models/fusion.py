"""Fusion of two embeddings: gates, and what happens when a modality is missing.

A gate gives the weight alpha of the waveform: ``[B, 1]``, one per record, or ``[B, D]``, one per component.
"""

import torch
from torch import Tensor, nn


class ScalarGate(nn.Module):
    """One weight per record: ``alpha = sigmoid(w^T [h_e, h_t])``, without a bias (paper, section 3).

    Args:
        dim: Width D of each embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Linear(2 * dim, 1, bias=False)

    def forward(self, h_e: Tensor, h_t: Tensor, has_ecg: Tensor, has_text: Tensor) -> Tensor:
        """Weigh the waveform against the report.

        Args:
            h_e: Waveform embeddings ``[B, D]``.
            h_t: Report embeddings ``[B, D]``.
            has_ecg: bool ``[B]``.
            has_text: bool ``[B]``.

        Returns:
            alpha, float32 ``[B, 1]``: in (0, 1) where both modalities are there, else as ``follow_present``.
        """
        alpha = torch.sigmoid(self.weight(torch.cat([h_e, h_t], dim=-1)).float())
        return follow_present(alpha, has_ecg, has_text)


class VectorGate(ScalarGate):
    """One weight per component: ``alpha = sigmoid(W [h_e, h_t])`` of width D, as in a gated multimodal unit.

    Source: Arevalo et al., "Gated multimodal units for information fusion", ICLR 2017 workshop. ``forward`` gives
    alpha as ``[B, D]``.

    Args:
        dim: Width D of each embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.weight = nn.Linear(2 * dim, dim, bias=False)


class MeanGate(nn.Module):
    """No gate: alpha is one half. ``forward`` as that of ``ScalarGate``."""

    def forward(self, h_e: Tensor, h_t: Tensor, has_ecg: Tensor, has_text: Tensor) -> Tensor:
        """Give one half where both modalities are there; float32 ``[B, 1]``."""
        return follow_present(torch.full((h_e.shape[0], 1), 0.5, device=h_e.device), has_ecg, has_text)


def follow_present(alpha: Tensor, has_ecg: Tensor, has_text: Tensor) -> Tensor:
    """Send the gate to the modality that is there.

    Args:
        alpha: Weight of the waveform ``[B, 1]`` or ``[B, D]``.
        has_ecg: bool ``[B]``.
        has_text: bool ``[B]``.

    Returns:
        As ``alpha`` where both are there, 1 without a report, 0 without a waveform, 0.5 without either.
    """
    fixed = 0.5 + 0.5 * (has_ecg.to(alpha.dtype) - has_text.to(alpha.dtype))
    return torch.where((has_ecg & has_text).unsqueeze(-1), alpha, fixed.unsqueeze(-1))


def blend(alpha: Tensor, h_e: Tensor, h_t: Tensor) -> Tensor:
    """Compute ``z = alpha h_e + (1 - alpha) h_t`` for alpha ``[B, 1]`` or ``[B, D]`` and embeddings ``[B, D]``."""
    return alpha * h_e + (1 - alpha) * h_t
