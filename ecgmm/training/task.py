"""LightningModule that runs any method through training and prediction without knowing which."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.profiler import record_function

from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import TaskKind, compute_metrics
from ecgmm.models.method import Method, Stage
from ecgmm.streams import Purpose, stream_seed
from ecgmm.training.attention_kernel import attention_kernel
from ecgmm.training.lightning.processes import same_draws, share_of, whole
from ecgmm.types import Batch, ModelOutput

if TYPE_CHECKING:
    from ecgmm.models.criteria import ForwardCorrection  # only where labels may be wrong

PREPARATION = "step: preparation"  # what a profile calls it (profile_steps)
_STEPS_BETWEEN_LOSS_CHECKS = 50  # looking at a loss makes a GPU wait; once in fifty steps costs nothing


class Prediction(NamedTuple):
    """Predictions of one batch.

    Attributes:
        rows: int64 ``[B]``, rows of the store.
        probabilities: ``[B, K]`` by name of the readout; the method's own under the empty name.
        gate: ``[B]``, where the method has one.
        inconsistency: ``[B]``, where the method has one; NaN for a record that lacks a modality.
        ecg_embedding: ``[B, D]``, where the method has readouts or two stages.
        text_embedding: ``[B, D]``, where it has them and embeds reports.
    """

    rows: Tensor
    probabilities: dict[str, Tensor]
    gate: Tensor | None
    inconsistency: Tensor | None
    ecg_embedding: Tensor | None
    text_embedding: Tensor | None


class DiagnosisTask(lightning.LightningModule):
    """Training and prediction of one method.

    Args:
        method: The method.
        preparation: Device-side preparation of the stored integers: int16 ``[B, 12, T]`` to float z-scores.
        augmentation: Random changes of training waveforms, called with a generator; None for none.
        optimizer: Takes parameters, returns the optimizer.
        warmup_fraction: Part of all steps with linearly rising learning rate, then cosine to zero (Table 1).
        class_names: The K classes.
        task_name: ``single_label`` or ``multi_label``.
        seed: Seed of batch-independent randomness (dropout, augmentation), mixed with the epoch number so that a
            resumed run draws what an uninterrupted one would have drawn.
        columns: Columns of the method's logits that the classes are; None for all of them. The probabilities of a
            single-label task sum to 1 over these.
        corruption: Random damage to training pairs, see ``PairCorruption``; None for none.
        group_dro: Weighs the class term over domains, see ``GroupDro``; None where all records count alike.

    Attributes:
        learning_rate: As it was set; None before training.
    """

    def __init__(
        self,
        method: Method,
        preparation: nn.Module,
        augmentation: nn.Module | None,
        optimizer: Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer],
        warmup_fraction: float,
        class_names: tuple[str, ...],
        task_name: TaskKind,
        seed: int,
        columns: Sequence[int] | None = None,
        corruption: Callable[[Batch, torch.Generator], Batch] | None = None,
        group_dro: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.method = method
        self.preparation = preparation
        self.augmentation = augmentation
        self.make_optimizer = optimizer
        self.warmup_fraction = warmup_fraction
        self.class_names = class_names
        self.task_name = task_name
        self.seed = seed
        self.columns = columns
        self.corruption = corruption
        self.group_dro = group_dro
        self.generator = torch.Generator()
        self.log_prefix = ""
        self._loss_sums: dict[str, Tensor] = {}
        self._n_steps = 0
        self._validation: list[tuple[Tensor, Tensor]] = []
        self._diagnostics: list[dict[str, Tensor]] = []
        self.learning_rate: float | None = None

    def enter(self, stage: Stage) -> None:
        """Begin a stage of the method; numbers of pre-training are logged under names of their own."""
        self.method.stage = stage
        self.log_prefix = "pretrain/" if stage == "pretrain" else ""

    def configure_model(self) -> None:
        """Split the method over the processes, where the strategy has brought a mesh of them."""
        if self._device_mesh is not None:
            from ecgmm.training.lightning.sharded import shard  # only where a model is split

            shard(self.method, self._device_mesh["data_parallel"])

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch; Lightning would first find out of what kind each part of it is."""
        on_gpu = device.type == "cuda"  # from page-locked memory, so that nobody waits
        return Batch(*(values.to(device, non_blocking=on_gpu) for values in batch))

    def forward(self, batch: Batch) -> ModelOutput:
        """Prepare the stored integers, where the method looks at them, and run the method."""
        if self.method.looks_at_waveforms:
            batch = batch._replace(waveforms=self.preparation(batch.waveforms))
        output: ModelOutput = self.method(batch)
        return output

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax or sigmoid in float32, by task. ``[B, K]`` to ``[B, K]``."""
        if self.columns is not None:
            logits = logits[:, self.columns]
        return logits.float().softmax(dim=1) if self.task_name == "single_label" else logits.float().sigmoid()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Optimizer, and cosine decay after warm-up; the scheduler steps once per batch."""
        from transformers.optimization import get_cosine_schedule_with_warmup  # slow to import, needed only here

        optimizer = self.make_optimizer(parameter for parameter in self.parameters() if parameter.requires_grad)
        self.learning_rate = float(optimizer.defaults["lr"])
        n_steps = int(self.trainer.estimated_stepping_batches)
        n_warmup_steps = math.ceil(self.warmup_fraction * n_steps)
        schedule = get_cosine_schedule_with_warmup(optimizer, n_warmup_steps, n_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by the norm of all gradients; Lightning refuses it for fused optimizers in every mixed precision."""
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)  # of 16 bits
        if scaler is not None and optimizer.defaults.get("fused"):
            # Before clipping: Lightning leaves it to the step of a fused optimizer, which is too late.
            scaler.unscale_(optimizer)
        if gradient_clip_val:
            clip_grad_norm_(self.parameters(), gradient_clip_val)

    def on_train_epoch_start(self) -> None:
        """Begin an epoch."""
        self.seed_epoch()
        self._loss_sums, self._n_steps = {}, 0

    def seed_epoch(self) -> None:
        """Seed dropout and augmentation from the run's seed, the epoch and the process."""
        epoch_seed = stream_seed(Purpose.TRAINING, self.seed, self.current_epoch, self.global_rank)
        torch.manual_seed(epoch_seed)
        if self.generator.device != self.device:
            self.generator = torch.Generator(self.device)
        self.generator.manual_seed(epoch_seed)

    def epoch_state(self) -> dict[str, Any]:
        """Sums that the task has gathered in the epoch so far."""
        return {"loss_sums": self._loss_sums, "n_steps": self._n_steps}

    def load_epoch_state(self, state: dict[str, Any]) -> None:
        """Continue in the middle of an epoch."""
        self._loss_sums = {name: value.to(self.device) for name, value in state["loss_sums"].items()}
        self._n_steps = state["n_steps"]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Weighted sum of the method's loss terms."""
        if self.corruption is not None:
            batch = self.corruption(batch, self._same_everywhere(Purpose.CORRUPTION))
        share = share_of(batch)
        if self.method.looks_at_waveforms:
            with record_function(PREPARATION):
                share = share._replace(waveforms=self._prepared(share.waveforms))
        shared_seed = stream_seed(Purpose.SHARED, self.seed, self.global_step)
        with attention_kernel(self.device):
            output, batch = whole(self.method(share), batch)
            with same_draws(shared_seed, self.device):
                terms = self.method.losses(output, batch)
                if self.group_dro is not None:
                    terms = self.group_dro(terms, self.method.criterion, output, batch)
        total = self.method.total_loss(terms)
        for name, value in {**terms, "total": total}.items():
            self._loss_sums[name] = self._loss_sums.get(name, 0) + value.detach()
        self._n_steps += 1
        if self._n_steps % _STEPS_BETWEEN_LOSS_CHECKS == 0:
            self._check_loss()
            if self.logger is not None:
                means = {
                    f"{self.log_prefix}step/loss_{name}": float(value) / self._n_steps
                    for name, value in self._loss_sums.items()
                }
                self.logger.log_metrics(means, step=self.global_step)
        return total

    def _prepared(self, waveforms: Tensor) -> Tensor:
        """Z-scores of a training batch, changed at random where there is an augmentation."""
        z_scores: Tensor = self.preparation(waveforms)
        return z_scores if self.augmentation is None else self.augmentation(z_scores, self.generator)

    @property
    def mean_loss(self) -> Tensor | None:
        """Mean of the whole loss over the steps of the epoch so far; None before its first step."""
        return self._loss_sums["total"] / self._n_steps if self._n_steps else None

    def _same_everywhere(self, purpose: Purpose) -> torch.Generator:
        """Generator of this step, equal in all processes and in a run that was interrupted."""
        seed = stream_seed(purpose, self.seed, self.global_step)
        return torch.Generator(self.device).manual_seed(seed)

    def _check_loss(self) -> None:
        total = float(self._loss_sums["total"])
        if not math.isfinite(total):
            raise self.diverged(f"the loss became {total}")

    def diverged(self, what: str) -> UserError:
        """Error for numbers that are not finite; names the learning rate as it was set (a schedule may end at 0)."""
        epoch = f" in epoch {self.current_epoch}" if self.trainer.state.fn == "fit" else ""
        if self.learning_rate is None:
            return UserError(f"{what}{epoch}; the model's weights are damaged, train it again")
        cure = f"lower optimizer.lr, which is set to {self.learning_rate:g}"
        if self.trainer.precision != "32-true":
            cure += f", or set trainer.precision=32-true in place of {self.trainer.precision}"
        return UserError(f"training diverged: {what}{epoch}; {cure}")

    def on_validation_epoch_start(self) -> None:
        """Check the loss of the whole epoch: weights that are not numbers are not worth validating."""
        self._check_loss()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Keep logits, labels and diagnostics; metrics are computed once an epoch."""
        output, batch = whole(self(share_of(batch)), batch)
        self._validation.append((output.logits.float(), batch.labels))
        self._diagnostics.append(self.method.diagnostics(output, batch))

    def on_validation_epoch_end(self) -> None:
        """Log the epoch: mean loss terms, learning rate, validation metrics, the method's diagnostics."""
        logits = torch.cat([logits for logits, _ in self._validation]).cpu()
        if not logits.isfinite().all():
            raise self.diverged("predictions are no numbers any more")
        labels = torch.cat([labels for _, labels in self._validation]).cpu()
        metrics = self._measured(logits, labels)
        logged: dict[str, Any] = {f"val/{name}": value for name, value in metrics.items() if "/" not in name}
        logged |= {f"train/loss_{name}": value / self._n_steps for name, value in self._loss_sums.items()}
        logged["train/learning_rate"] = self.trainer.optimizers[0].param_groups[0]["lr"]
        for criterion in self._corrections():
            self._learn_noise(criterion, self.probabilities(logits).double().numpy(), labels.numpy())
            logged["val/wrong_labels"] = 1 - criterion.transition.diagonal(dim1=-2, dim2=-1).mean()
        for name in self._diagnostics[0]:
            logged[f"val/{name}"] = torch.stack([measured[name].float() for measured in self._diagnostics]).mean()
        self.log_dict({f"{self.log_prefix}{name}": value for name, value in logged.items()})
        self._validation.clear()
        self._diagnostics.clear()

    def _measured(self, logits: Tensor, labels: Tensor) -> dict[str, float]:
        """Validation metrics of the classes that labels teach: no choice of training may see the labels of others."""
        names = [name for name in self.class_names if name not in self.method.unseen_classes]
        if len(names) < len(self.class_names):
            columns = torch.tensor([self.class_names.index(name) for name in names])
            logits = logits[:, columns]
            if self.task_name == "single_label":
                kept = torch.isin(labels, columns)
                logits, labels = logits[kept], torch.searchsorted(columns, labels[kept])
            else:
                labels = labels[:, columns]
        return compute_metrics(labels.numpy(), self.probabilities(logits).numpy(), names, self.task_name)

    def _corrections(self) -> "list[ForwardCorrection]":
        """Criteria that have to know how wrong the labels are; none while pairs are learnt."""
        of_torch = isinstance(self.method.criterion, nn.CrossEntropyLoss | nn.BCEWithLogitsLoss)
        if of_torch or self.method.stage == "pretrain":
            return []
        from ecgmm.models.criteria import ForwardCorrection  # there may be criteria of its kind

        return [part for part in self.method.modules() if isinstance(part, ForwardCorrection)]

    def _learn_noise(
        self, criterion: "ForwardCorrection", probabilities: NDArray[np.float64], labels: NDArray[Any]
    ) -> None:
        from ecgmm.evaluation.confident_learning import confident_joint, noise_transition, yes_or_no  # for this alone

        questions = (
            [(labels, probabilities)]
            if self.task_name == "single_label"
            else [yes_or_no(labels[:, k], probabilities[:, k]) for k in range(probabilities.shape[1])]
        )
        found = [noise_transition(confident_joint(*question), criterion.most_wrong) for question in questions]
        criterion.transition.copy_(torch.from_numpy(np.stack(found)).reshape(criterion.transition.shape))

    def predict_step(self, batch: Batch, batch_index: int) -> Prediction:
        """Probabilities, the gate, and embeddings where readouts or probes are made of them."""
        output, batch = whole(self(share_of(batch)), batch)
        logits = {"": output.logits, **output.readouts}
        with_embeddings = output.readouts or self.method.two_stages
        embeddings = (output.ecg_embedding, output.text_embedding) if with_embeddings else (None, None)
        inconsistency = output.inconsistency
        if inconsistency is not None:
            inconsistency = inconsistency.float().masked_fill(~batch.is_pair, torch.nan)
        return Prediction(
            batch.rows,
            {name: self.probabilities(values) for name, values in logits.items()},
            None if output.gate is None else output.gate.float(),
            inconsistency,
            *embeddings,
        )
