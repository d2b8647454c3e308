"""Records counted by truth and prediction."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.ranking import Floats


def confusion_counts(
    labels: NDArray[Any], probabilities: NDArray[np.floating], thresholds: Floats | None = None
) -> NDArray[np.int64]:
    """Records by truth and prediction.

    Returns:
        ``[K, K]``, row = true class, for class numbers; for multi-label (``thresholds`` given) ``[K, 2, 2]``, for each
        class ``[[true negative, false positive], [false negative, true positive]]``.
    """
    n_classes = probabilities.shape[1]
    if thresholds is None:
        cells = labels * n_classes + probabilities.argmax(axis=1)
        return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    cells = 4 * np.arange(n_classes) + 2 * (labels >= 0.5) + (probabilities >= thresholds)
    return np.bincount(cells.ravel(), minlength=4 * n_classes).reshape(n_classes, 2, 2)
