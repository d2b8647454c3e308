"""Every row of Table 2 at ``size=base`` with random weights: one optimisation step, its peak memory, and its waits."""

import random
from functools import partial

import torch
from omegaconf import DictConfig

from benchmarks import sizes
from benchmarks.gpu.bench import Bench, Found, Steps, moved
from ecgmm.building import construct
from ecgmm.leads import N_LEADS
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.signal.augment import Augmentation
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.text.closed import known_statements
from ecgmm.text.findings import findings_in
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser
from ecgmm.training.task import DiagnosisTask
from ecgmm.types import INTERVALS, Batch

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
STATEMENTS = known_statements()
VOCABULARY = StatementVocabulary(STATEMENTS)
_RATE_HZ = 100


def measure(bench: Bench) -> Found:
    """Milliseconds and peak bytes of a step, and what the host waits for in it, by method; tiny ones where small."""
    tokeniser = WordTokeniser.train([STATEMENTS], [1], min_frequency=1, glossary=True, min_patients=1)
    batch = moved(random_batch(tokeniser, 4 if bench.small else 32, 2 if bench.small else 10), bench.device)
    found: Found = {}
    for name in sizes.METHODS:
        config = configured(name, bench.small, tokeniser.vocabulary_size)
        torch.manual_seed(0)
        with bench.device:
            method: Method = construct(config.method)
        if not method.closed_form:
            method.bind(TextBank(CLASSES, STATEMENTS, tokeniser, max_tokens=64))
            with bench.within_memory(name):
                found[name] = row(bench, method, batch)
    return found


def configured(name: str, small: bool, n_words: int) -> DictConfig:
    """Settings of a method, with architectures in place of pre-trained weights."""
    size = ("size=tiny", "recipe=quick", "ecg_encoder.channels=[8,16]") if small else ("size=base", "recipe=shared")
    config = sizes.configured(name, *size, f"data.rate_hz={_RATE_HZ}")
    config.from_data.update(
        n_classes=len(CLASSES),
        n_statements=VOCABULARY.size,
        n_findings=len(findings_in(STATEMENTS)),
        rate_hz=_RATE_HZ,
    )
    if small:
        config.from_data.vocabulary_size = n_words
    return config


def row(bench: Bench, method: Method, batch: Batch) -> Found:
    """Figures of a method."""
    preparation = WaveformPreparation([0.0] * N_LEADS, [0.2] * N_LEADS, 5, _RATE_HZ, 10, None)
    augmentation = Augmentation([0.2] * N_LEADS, _RATE_HZ, 0.5, 0.2, 0.3, 0.03, 0.1, 0.1)
    optimizer = partial(torch.optim.AdamW, fused=True)
    task = DiagnosisTask(method, preparation, augmentation, optimizer, 0.0, CLASSES, "single_label", 0)
    step = Steps(task, bench.device, "bf16-mixed" if bench.on_gpu else "32-true")
    step(batch)
    if bench.on_gpu:
        torch.cuda.reset_peak_memory_stats(bench.device)
    seconds = bench.seconds(lambda: step(batch), 1 if bench.small else 5)
    return {
        "parameters": sum(parameter.numel() for parameter in method.parameters()),
        "ms": 1000 * seconds,
        "peak_bytes": torch.cuda.max_memory_allocated(bench.device) if bench.on_gpu else None,
        "waits": step.waits([batch]),
    }


def random_batch(tokeniser: WordTokeniser, n_records: int, length_s: int) -> Batch:
    """Make a batch of noise and random reports; the first record has no report, the second no waveform."""
    draw = random.Random(0)
    generator = torch.Generator().manual_seed(0)
    reports = [draw.sample(STATEMENTS, 4) if number else [] for number in range(n_records)]
    tokens = tokeniser.encode_reports(reports, max_tokens=64)
    counts = torch.from_numpy(tokens.lengths)
    has_waveform = torch.arange(n_records) != 1
    shape = (n_records, N_LEADS, length_s * _RATE_HZ)
    return Batch(
        waveforms=torch.randint(-200, 200, shape, generator=generator, dtype=torch.int16) * has_waveform[:, None, None],
        has_waveform=has_waveform,
        token_ids=torch.from_numpy(tokens.ids).long(),
        token_mask=torch.arange(tokens.ids.shape[1]) < counts[:, None],
        statement_ids=torch.from_numpy(VOCABULARY.encode(reports)).long(),
        has_report=counts > 0,
        labels=torch.arange(n_records) % len(CLASSES),
        rows=torch.arange(n_records),
        intervals=torch.randn(n_records, len(INTERVALS), generator=generator) * 20 + 80,
        report_is_own=torch.ones(n_records, dtype=torch.bool),
    )
