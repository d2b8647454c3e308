"""What contrastive methods share: which stage looks at what, and a readout that teaches the towers nothing."""

import math

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.method import Embeddings
from ecgmm.types import Batch, ModelOutput
from tests.models.building import N_CLASSES, N_RECORDS, Task, batch_of


class Pairs(ContrastiveMethod):
    """Two linear towers of width 2, their squared distance as the pair loss."""

    name = "pairs"
    reference = "none"
    fidelity = "control"

    def __init__(self, criterion: nn.Module, n_classes: int = N_CLASSES) -> None:
        super().__init__(criterion, n_classes, dim=2)
        self.ecg_tower, self.text_tower = nn.Linear(12, 2), nn.Linear(1, 2)
        self.head = nn.Linear(2, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        h_e = self.ecg_tower(batch.waveforms.mean(dim=-1))
        h_t = self.text_tower(batch.token_ids[:, :1].float())
        return self.output(self.head(h_e), h_e, h_t, twice=2 * h_e)

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        assert output.ecg_embedding is not None
        assert output.text_embedding is not None
        return {"distance": (output.ecg_embedding - output.text_embedding).square().mean()}


class Split:
    """A training split of which the embeddings are known."""

    def __init__(self, h_e: Tensor, h_t: Tensor, labels: Tensor) -> None:
        self.known = Embeddings(h_e, h_t, labels)

    def records(self) -> Batch:
        raise NotImplementedError

    def embeddings(self) -> Embeddings:
        return self.known


def method_for(task: Task) -> Pairs:
    torch.manual_seed(0)
    return Pairs(nn.CrossEntropyLoss() if task == "single_label" else nn.BCEWithLogitsLoss())


def test_pairs_count_beside_labels_what_their_weight_says_and_whole_where_they_are_alone() -> None:
    method, batch = method_for("single_label"), batch_of("single_label")
    method.loss_weights = {"distance": 3.0}
    method.pair_weight = 0.5
    losses = method.losses(method(batch), batch)
    torch.testing.assert_close(method.total_loss(losses), losses["cls"] + 1.5 * losses["distance"])
    method.stage = "pretrain"
    assert method.total_loss({"distance": losses["distance"]}) == 3 * losses["distance"]
    method.stage = "classify"
    assert method.total_loss({"cls": losses["cls"]}) == losses["cls"]


def test_pretraining_never_looks_at_a_label() -> None:
    method, batch = method_for("single_label"), batch_of("single_label")
    method.stage = "pretrain"
    expected = method.losses(method(batch), batch)
    assert list(expected) == ["distance"]
    unlabelled = batch._replace(labels=torch.full((N_RECORDS,), -1))
    assert method.losses(method(unlabelled), unlabelled) == expected


def test_classification_never_looks_at_a_pair() -> None:
    method, batch = method_for("single_label"), batch_of("single_label")
    method.stage = "classify"
    expected = method.losses(method(batch), batch)
    assert list(expected) == ["cls"]
    other_reports = batch._replace(token_ids=batch.token_ids + 1)
    assert method.losses(method(other_reports), other_reports) == expected


def test_joint_training_is_the_sum_of_both() -> None:
    method, batch = method_for("multi_label"), batch_of("multi_label")
    output = method(batch)
    joint = method.losses(output, batch)
    assert list(joint) == ["distance", "cls"]
    torch.testing.assert_close(joint["cls"], method.criterion(output.logits, batch.labels))
    torch.testing.assert_close(method.total_loss(joint), joint["distance"] + joint["cls"])


def test_output_holds_what_it_was_given() -> None:
    method, batch = method_for("single_label"), batch_of("single_label")
    with torch.autocast("cpu", torch.bfloat16):
        output = method(batch)
    assert output.logits.dtype == torch.float32
    assert output.ecg_embedding is not None
    assert torch.equal(output.extra["twice"], 2 * output.ecg_embedding)
    assert output.readouts["report"].shape == (N_RECORDS, N_CLASSES)


def test_readout_is_solved_on_both_embeddings_by_hand() -> None:
    # The class is that of the report, and the waveform is balanced over it: its weight is 0. Standardised, the report
    # is +-sqrt(3/4). With C = 1 the margin m = w x of two classes solves w = 4 x sigmoid(-m), so m = 3 sigmoid(-m).
    method = Pairs(nn.CrossEntropyLoss(), n_classes=2)
    h_e = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    h_t = torch.tensor([[5.0, 0.0], [5.0, 0.0], [3.0, 0.0], [3.0, 0.0]])
    method.after_training(Split(h_e, h_t, torch.tensor([1, 1, 0, 0])))
    logits = method.output(torch.zeros(4, 2), h_e, h_t).readouts["report"]
    margins = (logits[:, 1] - logits[:, 0]).tolist()
    expected = 0.8796
    assert abs(expected - 3 / (1 + math.exp(expected))) < 1e-3
    torch.testing.assert_close(
        torch.tensor(margins), expected * torch.tensor([1.0, 1.0, -1.0, -1.0]), atol=1e-3, rtol=0
    )
    without_report = method.output(torch.zeros(4, 2), h_e, 4 + 0 * h_t).readouts["report"]
    torch.testing.assert_close(without_report[:, 1], without_report[:, 0], atol=1e-3, rtol=0)


def test_readout_teaches_the_towers_nothing() -> None:
    method, batch = method_for("single_label"), batch_of("single_label")
    generator = torch.Generator().manual_seed(0)
    h_e, h_t = torch.randn(2, N_RECORDS, 2, generator=generator)
    method.after_training(Split(h_e, h_t, batch.labels))
    assert method.report_readout.weight.any()
    output = method(batch)
    assert output.logits.requires_grad
    assert not output.readouts["report"].requires_grad
    assert not [name for name, _ in method.named_parameters() if "readout" in name]
