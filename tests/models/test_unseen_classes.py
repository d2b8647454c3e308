"""Unseen classes of every contrastive row: plain words, a mean bias, and a contrast with a report in general."""

import pytest
import torch
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.errors import ConfigError
from ecgmm.models.contrastive import unit
from ecgmm.models.contrastive_method import ContrastiveMethod
from tests.models.building import CLASSES, METHODS, batch_of, build, class_of, rows_of

ROWS = tuple(name for name in METHODS if issubclass(class_of(name), ContrastiveMethod))
MI = CLASSES.index("MI")
every_row = pytest.mark.parametrize("name", ROWS)


def method_of(name: str, *overrides: str) -> ContrastiveMethod:
    method = build(name, "single_label", 0, *overrides).eval()
    assert isinstance(method, ContrastiveMethod)
    return method


@every_row
def test_labels_of_an_unseen_class_reach_neither_loss_nor_gradient(name: str) -> None:
    method, batch = method_of(name, "method.unseen_classes=[MI]"), batch_of("single_label")
    method.stage = "classify"
    kept = rows_of(batch, (batch.labels != MI).nonzero().flatten())
    torch.testing.assert_close(method.losses(method(kept), kept)["cls"], method.losses(method(batch), batch)["cls"])
    logits = method(batch).logits.detach().requires_grad_()
    method.criterion(logits, batch.labels).backward()
    assert logits.grad is not None
    assert not logits.grad[:, MI].any()


@every_row
def test_seen_classes_are_read_as_before_and_unseen_ones_in_plain_words(name: str) -> None:
    batch = batch_of("single_label")
    with torch.no_grad():
        taught, unseen = (method_of(name, *more)(batch).logits for more in ((), ("method.unseen_classes=[MI]",)))
    if name != "k_merl":  # whose queries attend to each other
        torch.testing.assert_close(unseen[:, [0, 2]], taught[:, [0, 2]])
    assert not torch.allclose(unseen[:, MI], taught[:, MI], atol=1e-4)


@every_row
def test_pairs_of_no_weight_teach_as_much_as_labels_alone(name: str) -> None:
    method, batch = method_of(name, "method.pair_weight=0"), batch_of("single_label")
    torch.manual_seed(0)
    losses = method.losses(method(batch), batch)
    assert len(losses) > 1
    torch.testing.assert_close(method.total_loss(losses), losses["cls"])


@every_row
def test_while_no_label_was_seen_all_classes_are_read_in_plain_words(name: str) -> None:
    method, batch = method_of(name), batch_of("single_label")
    method.stage = "pretrain"
    with torch.no_grad():
        expected = method.similarities(batch, method.plain_directions(method.plain_prompts))
        torch.testing.assert_close(method(batch).logits, expected)  # its biases are still zero


def test_plain_words_are_contrasted_with_a_report_in_general() -> None:
    method = method_of("ecg_clip")
    with torch.no_grad():
        classes = method.plain_prompts(method.project_text)
        common = unit(unit(method.project_text(method.common_ids, method.common_mask)).mean(dim=0))
        torch.testing.assert_close(method.plain_directions(method.plain_prompts), unit(classes - common))


@every_row
def test_an_unseen_class_must_be_a_class(name: str) -> None:
    with pytest.raises(ConfigError, match="must leave at least two"):
        build(name, "single_label", 0, "method.unseen_classes=[AFIB]")


@pytest.mark.parametrize("name", ["few_labels", "unseen_classes", "zero_shot"])
def test_experiments_of_the_shared_space_train_every_row_that_has_one(name: str) -> None:
    experiment = OmegaConf.load(CONF_DIR / "experiment" / f"{name}.yaml")
    assert sorted(experiment.hydra.sweeper.params.method.split(",")) == sorted(ROWS)
