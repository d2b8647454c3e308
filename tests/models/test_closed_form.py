"""Methods that are solved, not trained: what they solve for, and a class that is missing."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.methods.bag_of_statements import BagOfStatements, statement_counts
from ecgmm.models.methods.majority import Majority
from ecgmm.types import INTERVALS, Batch


def batch(statement_ids: Tensor, labels: Tensor) -> Batch:
    n = len(labels)
    empty = torch.zeros(n, 0, dtype=torch.int64)
    here = torch.ones(n, dtype=torch.bool)
    unknown = torch.full((n, len(INTERVALS)), torch.nan)
    rows = torch.arange(n)
    return Batch(torch.zeros(n, 12, 0), here, empty, empty.bool(), statement_ids, here, labels, rows, unknown, here)


def random_statements(n_records: int) -> Tensor:
    return torch.randint(0, 9, (n_records, 4), generator=torch.Generator().manual_seed(0))


def test_counts_count_repeats_and_skip_padding() -> None:
    counts = statement_counts(torch.tensor([[2, 2, 4], [3, 0, 0], [0, 0, 0]]), n_statements=5).toarray()
    np.testing.assert_array_equal(counts, [[0, 0, 2, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_single_label_probabilities_are_those_of_multinomial_regression(n_classes: int) -> None:
    ids, labels = random_statements(60), torch.arange(60) % n_classes
    method = BagOfStatements(nn.CrossEntropyLoss(), n_classes, n_statements=9, inverse_penalty=1.0)
    method.fit(batch(ids, labels))
    dense = statement_counts(ids, 9).toarray()
    expected = LogisticRegression(C=1.0, max_iter=1000).fit(dense, labels.numpy()).predict_proba(dense)
    probabilities = method(batch(ids, labels)).logits.softmax(dim=1)
    torch.testing.assert_close(probabilities, torch.from_numpy(expected).float(), atol=1e-5, rtol=1e-4)


def test_multi_label_probabilities_are_those_of_one_regression_a_class() -> None:
    ids = random_statements(60)
    labels = torch.stack([(ids == 3).any(1), (ids == 5).any(1)], dim=1).float()
    method = BagOfStatements(nn.BCEWithLogitsLoss(), 2, n_statements=9, inverse_penalty=0.5)
    method.fit(batch(ids, labels))
    dense = statement_counts(ids, 9).toarray()
    for k in range(2):
        expected = LogisticRegression(C=0.5, max_iter=1000).fit(dense, labels[:, k].numpy()).predict_proba(dense)[:, 1]
        probabilities = method(batch(ids, labels)).logits[:, k].sigmoid()
        torch.testing.assert_close(probabilities, torch.from_numpy(expected).float(), atol=1e-5, rtol=1e-4)


def test_report_without_statements_gets_the_bias() -> None:
    ids, labels = random_statements(30), torch.arange(30) % 3
    method = BagOfStatements(nn.CrossEntropyLoss(), 3, n_statements=9, inverse_penalty=1.0)
    method.fit(batch(ids, labels))
    assert torch.equal(method(batch(torch.zeros(1, 4, dtype=torch.int64), labels[:1])).logits[0], method.bias)
    assert torch.equal(method(batch(torch.zeros(1, 0, dtype=torch.int64), labels[:1])).logits[0], method.bias)


def test_majority_predicts_the_training_frequencies() -> None:
    method = Majority(nn.CrossEntropyLoss(), 3)
    train = batch(random_statements(10), torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2]))
    method.fit(train)
    torch.testing.assert_close(method(train).logits.softmax(dim=1), torch.tensor([[0.5, 0.3, 0.2]]).expand(10, 3))


def test_majority_predicts_the_prevalence_of_each_label() -> None:
    method = Majority(nn.BCEWithLogitsLoss(), 2)
    train = batch(random_statements(4), torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    method.fit(train)
    torch.testing.assert_close(method(train).logits.sigmoid(), torch.tensor([[0.75, 0.25]]).expand(4, 2))


@pytest.mark.parametrize(
    "method",
    [BagOfStatements(nn.CrossEntropyLoss(), 3, 9, 1.0), Majority(nn.CrossEntropyLoss(), 3)],
    ids=["bag_of_statements", "majority"],
)
@pytest.mark.parametrize(
    "labels",
    [torch.tensor([0, 2, 0, 2]), torch.tensor([[0.0, 0.0, 1.0]] * 2 + [[1.0, 0.0, 0.0]] * 2)],
    ids=["single_label", "multi_label"],
)
def test_class_absent_from_training_is_named(method: BagOfStatements | Majority, labels: Tensor) -> None:
    with pytest.raises(ConfigError, match="class 1 of 3"):
        method.fit(batch(random_statements(4), labels))
