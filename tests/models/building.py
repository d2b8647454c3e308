"""Methods built from the shipped configuration at tiny sizes, bound to a small vocabulary; tiny batches for them."""

from functools import cache
from typing import Literal

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from ecgmm.building import construct, target_of
from ecgmm.configuration import CONF_DIR
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.text.findings import findings_in
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser
from ecgmm.types import INTERVALS, Batch

CONF = CONF_DIR
Task = Literal["single_label", "multi_label"]
TASK_CONFIG = {"single_label": "single_label", "multi_label": "multilabel"}
CLASSES = ("NORM", "MI", "CD")
N_RECORDS, N_CLASSES = 12, len(CLASSES)
STATEMENTS = (
    "sinus rhythm",
    "normal ecg",
    "inferior infarct, old",
    "left bundle branch block",
    "atrial fibrillation",
    "left axis deviation",
    "lateral st-t changes may be due to myocardial ischemia",
    "left ventricular hypertrophy",
    "prolonged qt interval",
    "first degree a-v block",
    "sinus bradycardia",
    "anterior infarct, acute",
)
TOKENISER = WordTokeniser.train([STATEMENTS], [1], min_frequency=1, glossary=True, min_patients=1)
VOCABULARY = StatementVocabulary(STATEMENTS)
TEXTS = TextBank(CLASSES, VOCABULARY.statements, TOKENISER, max_tokens=64)
FROM_DATA = {
    "n_classes": N_CLASSES,
    "vocabulary_size": TOKENISER.vocabulary_size,
    "n_statements": VOCABULARY.size,
    "n_findings": len(findings_in(STATEMENTS)),
    "rate_hz": 100,
}

METHODS = tuple(sorted(path.stem for path in (CONF / "method").glob("*.yaml")))
"""All methods of ``conf/method``."""


def class_of(name: str) -> type[Method]:
    """The class of ``method=<name>``."""
    config = OmegaConf.load(CONF / "method" / f"{name}.yaml")
    target = OmegaConf.select(config, "method._target_") or OmegaConf.select(config, "_target_")
    kind: type[Method] = target_of(target)
    return kind


LEARNT = tuple(name for name in METHODS if not class_of(name).closed_form)
"""Methods that are trained by gradients."""
CLOSED_FORM = tuple(name for name in METHODS if class_of(name).closed_form)
CONTROLS = tuple(name for name in METHODS if class_of(name).fidelity == "control")


class Given(nn.Module):
    """Stands for an encoder: returns its first input as the embedding, or as states, of width 2."""

    dim = width = n_channels = 2

    def forward(self, embedding: Tensor, *_: Tensor) -> Tensor:
        return embedding

    features = pooling = embed = token_states = summarise = encode = forward


def build(name: str, task: Task = "single_label", seed: int = 0, *overrides: str) -> Method:
    """Instantiate ``method=<name>`` with tiny encoders and bind it to ``TEXTS``."""
    config = configured(name, task, *overrides)
    torch.manual_seed(seed)
    method: Method = construct(config)
    method.bind(TEXTS)
    return method


@cache
def configured(name: str, task: Task, *overrides: str) -> DictConfig:
    """The resolved node ``method`` of the configuration."""
    numbers = [f"from_data.{key}={value}" for key, value in FROM_DATA.items()]
    encoder = ["data.rate_hz=100", "ecg_encoder.dim=16"]
    if not any(override.startswith("ecg_encoder=") for override in overrides):
        encoder.append("ecg_encoder.channels=[8,8,16]")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"method={name}", f"task={TASK_CONFIG[task]}", *numbers, *encoder, *overrides])
    OmegaConf.resolve(config.method)
    node: DictConfig = config.method
    return node


def batch_of(task: Task, complete: bool = True, n_times: int = 200) -> Batch:
    """Make twelve random records, each with a report of its own; incomplete ones lack report, waveform or both."""
    generator = torch.Generator().manual_seed(3)
    reports = [[STATEMENTS[row], STATEMENTS[(row + 5) % N_RECORDS], STATEMENTS[7]] for row in range(N_RECORDS)]
    has_waveform = torch.ones(N_RECORDS, dtype=torch.bool)
    has_report = torch.ones(N_RECORDS, dtype=torch.bool)
    if not complete:
        has_report[[0, 1]] = False
        has_waveform[[1, 2]] = False
    shown = [report if has_report[row] else [] for row, report in enumerate(reports)]
    tokens = TOKENISER.encode_reports(shown, max_tokens=64)
    classes = torch.arange(N_RECORDS) % N_CLASSES
    patterns = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    intervals = torch.randn(N_RECORDS, len(INTERVALS), generator=generator) * 20 + 80
    intervals[3:5, 1] = torch.nan
    return Batch(
        waveforms=torch.randn(N_RECORDS, 12, n_times, generator=generator) * has_waveform.view(-1, 1, 1),
        has_waveform=has_waveform,
        token_ids=torch.from_numpy(tokens.ids).long(),
        token_mask=torch.arange(tokens.ids.shape[1]) < torch.from_numpy(tokens.lengths)[:, None],
        statement_ids=torch.from_numpy(VOCABULARY.encode(shown)).long(),
        has_report=has_report,
        labels=classes if task == "single_label" else patterns[classes],
        rows=torch.arange(N_RECORDS),
        intervals=intervals,
        report_is_own=torch.ones(N_RECORDS, dtype=torch.bool),
    )


def rows_of(batch: Batch, index: Tensor) -> Batch:
    """Take some records of a batch, in the order of ``index``."""
    return Batch(*(part[index] for part in batch))
