"""Figures of predictions, as matplotlib Figures of the object API: nothing is shown and no global state is touched."""

from ecgmm.plots.confusion import confusion_matrix
from ecgmm.plots.curves import roc_and_pr_curves
from ecgmm.plots.gates import gate_histograms

__all__ = ["confusion_matrix", "gate_histograms", "roc_and_pr_curves"]
