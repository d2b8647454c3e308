"""Synthetic patients, written to disk exactly like MIMIC-IV-ECG 1.0, with the truth beside them."""

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.tree import write_tree

__all__ = ["SyntheticConfig", "write_tree"]
