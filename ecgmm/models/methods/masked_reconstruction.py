"""Na et al., ST-MEM: learns what most of a waveform looks like from a few patches of it, then its classes."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ecgmm.leads import N_LEADS
from ecgmm.models.ecg_encoders.patch_tokens import PatchTokens, pooled
from ecgmm.models.method import Method
from ecgmm.models.transformer_shape import TransformerShape, sinusoids
from ecgmm.types import Batch, ModelOutput


class MaskedReconstruction(Method):
    """Masks most patches of each lead, encodes the others together, and reconstructs every lead by itself.

    Stage ``pretrain`` sees neither labels nor reports. Classes are read from the mean of all tokens, none masked, in
    stage ``classify`` alone and in stage ``joint`` beside the reconstruction. Outside training the same patches of
    every record are masked, so that a record always has the same error.

    Args:
        ecg_encoder: Tokens of patches.
        decoder: Sizes of the transformer that reconstructs a lead.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        mask_ratio: Part of the patches of each lead that is masked.
        target: ``normalised``: each patch less its mean, over its standard deviation; ``signal``: as it is.
        reconstruction_weight: Weight of the reconstruction.
        dropout: Dropout before the head.
    """

    name = "masked_reconstruction"
    inputs_at_test = ("ecg",)
    reference = (
        "Na Y, Park M, Tae Y, Joo S. Guiding masked representation learning to capture spatio-temporal relationship of "
        "electrocardiogram. International Conference on Learning Representations (ICLR), 2024"
    )
    fidelity = "code-confirmed"
    two_stages: ClassVar[bool] = True
    label_free: ClassVar[tuple[str, ...]] = ("linear_probe",)
    learns_from_reports: ClassVar[bool] = False

    def __init__(
        self,
        ecg_encoder: PatchTokens,
        decoder: TransformerShape,
        criterion: nn.Module,
        n_classes: int,
        mask_ratio: float,
        target: Literal["normalised", "signal"],
        reconstruction_weight: float,
        dropout: float,
    ) -> None:
        super().__init__(criterion)
        self.loss_weights = {"reconstruction": reconstruction_weight}
        self.ecg_encoder = ecg_encoder
        self.mask_ratio = mask_ratio
        self.target = target
        self.to_decoder = nn.Linear(ecg_encoder.width, decoder.width)
        self.mask_token = nn.Parameter(torch.randn(decoder.width) * 0.02)
        self.decoder = decoder.encoder()
        self.patch_head = nn.Linear(decoder.width, ecg_encoder.n_samples)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(ecg_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``reconstruction`` ``[B]``, the mean squared error over masked samples."""
        present = batch.waveforms.any(dim=-1) & batch.has_waveform.unsqueeze(-1)
        patches = self.ecg_encoder.cut(batch.waveforms * present.unsqueeze(-1))
        tokens = self.ecg_encoder.tokens(patches)
        if self.stage == "classify" or torch.compiler.is_exporting():
            states, extra = self.ecg_encoder(tokens, present), {}
        else:
            kept = self.kept(tokens)
            states = self.ecg_encoder(tokens.gather(2, along(kept, tokens)), present)
            reconstructed = self.reconstruct(states, kept, patches.shape[2])
            extra = {"reconstruction": self.error(reconstructed, patches, kept, present)}
            # In pre-training nothing learns from the classes, and all tokens take three times as long as those kept.
            if self.stage == "joint" or not self.training:
                states = self.ecg_encoder(tokens, present)
        h_e = pooled(states, present)
        return ModelOutput(self.head(self.dropout(h_e)).float(), ecg_embedding=h_e, extra=extra)

    def kept(self, tokens: Tensor) -> Tensor:
        """Draw which patches of each lead stay visible, for each lead by itself: places int64 ``[B, 12, m]``."""
        n_patches = tokens.shape[2]
        n_kept = max(1, int(n_patches * (1 - self.mask_ratio)))
        if self.training:
            luck = torch.rand(tokens.shape[:3], device=tokens.device)
        else:
            always_the_same = torch.Generator().manual_seed(0)
            luck = torch.rand(N_LEADS, n_patches, generator=always_the_same).to(tokens.device)
        return luck.argsort(dim=-1)[..., :n_kept].expand(tokens.shape[0], -1, -1)

    def reconstruct(self, visible: Tensor, kept: Tensor, n_patches: int) -> Tensor:
        """Reconstruct every lead from its own states and those of no other lead.

        Args:
            visible: States ``[B, 12, 1 + m, width]`` of visible patches, behind those of the separators.
            kept: int64 ``[B, 12, m]``, the places of these patches.
            n_patches: M.

        Returns:
            ``[B, 12, M, n_samples]``.
        """
        states = self.to_decoder(visible)
        hidden = self.mask_token.to(states.dtype).expand(*kept.shape[:2], n_patches, -1)
        patches = hidden.scatter(2, along(kept, states), states[:, :, 1:])
        patches = patches + sinusoids(n_patches, states.shape[3], states.device)
        lead_by_lead = torch.cat([states[:, :, :1], patches], dim=2).flatten(0, 1)
        decoded: Tensor = self.patch_head(self.decoder(lead_by_lead)[:, 1:]).unflatten(0, kept.shape[:2])
        return decoded

    def error(self, reconstructed: Tensor, patches: Tensor, kept: Tensor, present: Tensor) -> Tensor:
        """Mean squared error over the masked patches of present leads, float32 ``[B]``; 0 where no lead is there."""
        target = patches.float()
        if self.target == "normalised":
            variance, mean = torch.var_mean(target, dim=-1, keepdim=True)
            target = (target - mean) / (variance + 1e-6).sqrt()
        squared = (reconstructed.float() - target).square().mean(dim=-1)
        masked = torch.ones_like(squared).scatter(2, kept, 0.0) * present.unsqueeze(-1)
        return (squared * masked).sum(dim=(1, 2)) / masked.sum(dim=(1, 2)).clamp(min=1)

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms of the present stage: ``reconstruction``, ``cls``, or both."""
        if self.stage == "classify":
            return super().losses(output, batch)
        errors = {"reconstruction": self.mean_error(output, batch)}
        return errors if self.stage == "pretrain" else errors | super().losses(output, batch)

    def mean_error(self, output: ModelOutput, batch: Batch) -> Tensor:
        """Mean over the records with a waveform; 0 where there is none."""
        return (output.extra["reconstruction"] * batch.has_waveform).sum() / batch.has_waveform.sum().clamp(min=1)

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Error of the reconstruction, while it is learnt: what pre-training has to show, since it sees no label."""
        return {} if self.stage == "classify" else {"reconstruction_error": self.mean_error(output, batch)}


def along(places: Tensor, tokens: Tensor) -> Tensor:
    """Places ``[B, 12, m]`` as an index into tokens ``[B, 12, M, width]``: ``[B, 12, m, width]``."""
    return places.unsqueeze(-1).expand(-1, -1, -1, tokens.shape[3])
