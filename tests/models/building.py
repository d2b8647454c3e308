"""Methods built from the shipped configuration at tiny sizes, and tiny batches for them."""

from pathlib import Path
from typing import Literal

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from ecgmm.models.method import Method
from ecgmm.types import Batch

CONF = Path(__file__).parents[2] / "conf"
Task = Literal["single_label", "multi_label"]
CRITERIA = {"single_label": "torch.nn.CrossEntropyLoss", "multi_label": "torch.nn.BCEWithLogitsLoss"}
N_RECORDS, N_CLASSES, N_WORDS, N_STATEMENTS = 12, 3, 40, 30


class Given(nn.Module):
    """Stands for an encoder: returns its first input as the embedding of width 2."""

    dim = 2

    def forward(self, embedding: Tensor, *_: Tensor) -> Tensor:
        return embedding


def build(name: str, task: Task, seed: int = 0) -> Method:
    """Instantiate ``conf/method/<name>.yaml`` with tiny encoders."""
    root = OmegaConf.create(
        {
            "data": {"rate_hz": 100},
            "from_data": {"n_classes": N_CLASSES, "vocabulary_size": N_WORDS, "n_statements": N_STATEMENTS},
            "task": {"criterion": {"_target_": CRITERIA[task]}},
            "ecg_encoder": OmegaConf.load(CONF / "ecg_encoder" / "conv.yaml"),
            "text_encoder": OmegaConf.load(CONF / "text_encoder" / "attention_pooling.yaml"),
            "method": OmegaConf.load(CONF / "method" / f"{name}.yaml"),
        }
    )
    root.ecg_encoder.merge_with({"dim": 16, "channels": [8, 8, 16]})
    torch.manual_seed(seed)
    method: Method = instantiate(root.method)
    return method


def batch_of(task: Task, complete: bool = True) -> Batch:
    """Make twelve random records, each with statements of its own; incomplete ones lack report, waveform or both."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(3, 9, (N_RECORDS, 1), generator=generator)
    token_mask = torch.arange(8) < lengths
    tokens = torch.randint(2, N_WORDS, (N_RECORDS, 8), generator=generator)
    statements = torch.stack([torch.arange(N_RECORDS) + 2, torch.full((N_RECORDS,), 20)], dim=1)
    has_waveform = torch.ones(N_RECORDS, dtype=torch.bool)
    has_report = torch.ones(N_RECORDS, dtype=torch.bool)
    if not complete:
        has_report[[0, 1]] = False
        has_waveform[[1, 2]] = False
        token_mask = token_mask & has_report.unsqueeze(1)
    classes = torch.arange(N_RECORDS) % N_CLASSES
    patterns = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    return Batch(
        waveforms=torch.randn(N_RECORDS, 12, 200, generator=generator) * has_waveform.view(-1, 1, 1),
        has_waveform=has_waveform,
        token_ids=tokens * token_mask,
        token_mask=token_mask,
        statement_ids=statements * has_report.unsqueeze(1),
        has_report=has_report,
        labels=classes if task == "single_label" else patterns[classes],
        rows=torch.arange(N_RECORDS),
    )


def rows_of(batch: Batch, index: Tensor) -> Batch:
    """Take some records of a batch, in the order of ``index``."""
    return Batch(*(part[index] for part in batch))
