"""Control: logistic regression on how often each statement stands in the report. Solved in closed form, no waveform."""

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from ecgmm.models.logistic_regression import logistic_regression
from ecgmm.models.method import ClosedFormMethod
from ecgmm.types import PADDING_ID, Batch, ModelOutput


class BagOfStatements(ClosedFormMethod):
    """``logits = W c + b`` with statement counts c; multinomial for single-label, one against the rest for multi-label.

    A record without a report gets the bias. Multi-label targets above one half count as positive.

    Args:
        criterion: Loss of logits and labels, reported but not optimised (that is L2-penalised log loss).
        n_classes: K.
        n_statements: Number of statement ids, padding and unknown included.
        inverse_penalty: ``C`` of ``sklearn.linear_model.LogisticRegression``.
    """

    name = "bag_of_statements"
    inputs_at_test = ("text",)
    reference = "Control: logistic regression on statement counts"
    fidelity = "control"

    weight: Tensor
    bias: Tensor

    def __init__(self, criterion: nn.Module, n_classes: int, n_statements: int, inverse_penalty: float) -> None:
        super().__init__(criterion)
        self.inverse_penalty = inverse_penalty
        self.register_buffer("weight", torch.zeros(n_statements, n_classes))
        self.register_buffer("bias", torch.zeros(n_classes))

    def fit(self, train: Batch) -> None:
        """Solve for the training split (see base class)."""
        n_statements, n_classes = self.weight.shape
        counts = statement_counts(train.statement_ids, n_statements)
        weight, bias = logistic_regression(counts, train.labels, n_classes, self.inverse_penalty)
        self.weight.copy_(torch.from_numpy(weight))
        self.bias.copy_(torch.from_numpy(bias))

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        scores = nn.functional.embedding(
            batch.statement_ids, self.weight
        )  # [B, S, K]; padding never counts, its row is 0
        return ModelOutput(logits=scores.sum(dim=1) + self.bias)


def statement_counts(statement_ids: Tensor, n_statements: int) -> csr_array:
    """Count the statements of each record: ids ``[N, S]`` to a sparse ``[N, n_statements]`` without padding."""
    ids = statement_ids.cpu().numpy()
    rows, columns = np.nonzero(ids != PADDING_ID)
    shape = (len(ids), n_statements)
    return csr_array((np.ones(len(rows)), (rows, ids[rows, columns])), shape=shape)
