"""The keys of ``ecgmm train``, as ``conf/train.yaml`` and its groups name them; other commands take some groups too.

Their order is that of the check: a part that others repeat by interpolation stands before them, so that a message names
the key that the user wrote.
"""

import re
from typing import Any

from ecgmm.settings.kinds import (
    Built,
    Group,
    Named,
    Value,
    choice,
    flag,
    folder_name,
    from_data,
    many,
    nullable,
    number,
    optional,
    path,
    text,
    whole,
)
from ecgmm.settings.label_sets import ALL_LABEL_SETS
from ecgmm.settings.ranges import (
    BATCH,
    COMPLETE_LEADS,
    COUNT,
    EPOCHS,
    FINDINGS,
    HEADS,
    HIGHPASS_HZ,
    LAYERS,
    LEAD_MEAN_MV,
    LEAD_STD_MV,
    LEARNING_RATE,
    LIMIT_MV,
    MAX_TOKENS,
    N_CLASSES,
    RATE_HZ,
    SEED,
    SHARE,
    SHARE_BELOW_ONE,
    VOCABULARY,
    WEIGHT,
    WIDTH,
)
from ecgmm.settings.targets_data import AUGMENTATIONS, SOURCES
from ecgmm.settings.targets_encoders import CHANNELS, ECG_ENCODER, LEAD_TOKENISER
from ecgmm.settings.targets_methods import METHOD
from ecgmm.settings.targets_models import (
    ARCHITECTURE,
    CONSISTENCY,
    CRITERION,
    GATE,
    LANGUAGE_MODEL,
    SIMILARITY,
    TEXT_ENCODER,
    TOKENISER,
)

PATHS = Group({"raw": path(), "stores": path(), "outputs": path()})
DATA = Built(tuple(SOURCES))
TASK = Group(
    {
        "name": choice("single_label", "multi_label"),
        "selection": choice("exactly_one", "priority", "all"),
        "modalities": optional(choice("any", "both")),
        "targets": choice("hard", "soft"),
        "criterion": CRITERION,
    }
)
_CLASSES = many(text(), "different classes, such as [MI,NORM]", most=20_000, distinct=True)
LABELS = Group(
    {
        "name": choice(*ALL_LABEL_SETS),
        "priority": many(text(), "different classes, such as [MI,NORM]", least=0, distinct=True),
        # The others belong to labels=table, and min_records also to the sets of single data sets.
        "id": optional(nullable(text())),
        "column": optional(nullable(text())),
        "class_map": optional(nullable(path())),
        "classes": optional(nullable(_CLASSES)),
        "keep": optional(nullable(_CLASSES)),
        "min_records": optional(whole(0, 10**9)),
        "exhaustive": optional(flag()),
        "source": optional(choice("annotation", "report", "icd", "other", "unknown")),
        "descriptions": optional(nullable(path())),
    }
)
TEXT = Group(
    {
        "policy": choice("full", "masked", "none", "shuffled"),
        "at_test": optional(choice("report", "none")),
        "max_tokens": MAX_TOKENS,
        "vocabulary": choice("reports", "closed"),
        "tokeniser": TOKENISER,
    }
)
EVALUATION = Group({"n_resamples": whole(1, 100_000), "seed": SEED})
_SECONDS_OF_WAITING = optional(number(0, 3600, above=True))
_TRACKING_URI = Value(
    "an address without a password, such as http://127.0.0.1:5000",
    lambda value: isinstance(value, str) and value != "" and "@" not in value,
    "text",
    null=True,
    optional=True,
)
_LOGGER = Group(
    {
        "kind": choice("none", "wandb", "tensorboard", "mlflow"),
        # The others belong to some of them.
        "project": optional(nullable(text())),
        "mode": optional(choice("auto", "online", "offline", "disabled")),
        "artifacts": optional(flag()),
        "tracking_uri": _TRACKING_URI,
        "start_timeout_s": _SECONDS_OF_WAITING,
        "finish_timeout_s": _SECONDS_OF_WAITING,
    }
)
_SIZE = Group(
    {
        "width": optional(WIDTH),
        "n_queries": optional(whole(1, 10_000)),
        "n_layers": optional(LAYERS),
        "n_heads": optional(HEADS),
        "feedforward_width": optional(WIDTH),
        "n_decoder_layers": optional(LAYERS),
        "decoder_width": optional(WIDTH),
        "n_decoder_heads": optional(HEADS),
        "dropout": optional(SHARE_BELOW_ONE),
        "max_segments": optional(whole(1, 10_000)),
        "hidden_sizes": optional(CHANNELS),
        "depths": optional(many(LAYERS, "whole numbers from 1 to 200, such as [1,1]", most=20)),
        "tokeniser": Built(LEAD_TOKENISER.names, optional=True),
        "similarity": Built(SIMILARITY.names, optional=True),
        "text_encoder": Built(TEXT_ENCODER.names, optional=True),
    }
)
_NATIVE = Group(
    {
        "batch_size": BATCH,
        "warmup_fraction": SHARE,
        "pretrain_epochs": EPOCHS,
        "lr": LEARNING_RATE,
        "weight_decay": WEIGHT,
        "max_epochs": EPOCHS,
        "rate_hz": RATE_HZ,
        "max_tokens": MAX_TOKENS,
    },
    null=True,
)
_INIT = Group(
    {
        "run": nullable(path()),
        "weights": nullable(path()),
        "parts": nullable(many(text(), "different parts of the method, such as [ecg_encoder]", distinct=True)),
        "prefix": nullable(text()),
        "freeze": flag(),
        "lr": nullable(LEARNING_RATE),
        "lr_scale": nullable(number(0, 1000)),
        "layer_decay": nullable(number(0, 1, above=True)),
    }
)


def _is_part(value: Any) -> bool:
    parts = re.fullmatch(r"([1-9]\d?)/([1-9]\d?)", value) if isinstance(value, str) else None
    return parts is not None and int(parts[2]) > 1 and int(parts[1]) <= int(parts[2])


_HELD_OUT = Value("a part such as 1/4, of at most 99", _is_part, "text", null=True)
_PAIR = many(text(), "two different classes", least=2, most=2, distinct=True)
_LABEL_NOISE = Group(
    {
        "kind": choice("none", "symmetric", "asymmetric", "confusable"),
        "rate": SHARE,
        "pairs": many(_PAIR, "pairs of different classes, such as [[MI,STTC]]", distinct=True),
    }
)
_FROM_DATA = Group(
    {
        "n_classes": N_CLASSES,
        "vocabulary_size": VOCABULARY,
        "n_statements": VOCABULARY,
        "n_findings": FINDINGS,
        "rate_hz": from_data(RATE_HZ),
        "lead_mean_mv": LEAD_MEAN_MV,
        "lead_std_mv": LEAD_STD_MV,
    }
)
_DOMAINS = Group(
    {
        "column": nullable(choice("device", "site")),
        "min_records": COUNT,
        "step_size": number(0, 100),
    },
    optional=True,  # runs made before it was a setting have none
)

TRAIN = Group(
    {
        "from_data": _FROM_DATA,
        "name": folder_name(),
        "recipe": choice("quick", "paper", "shared", "native", "tuned"),
        "size": folder_name(),
        "ablation": nullable(folder_name()),
        "stages": choice("joint", "two"),
        "native": _NATIVE,
        "seed": SEED,
        "train_fraction": number(0, 1, above=True),
        "fraction_seed": optional(nullable(SEED)),
        "label_fraction": nullable(number(0, 1, above=True)),
        "held_out": _HELD_OUT,
        "measured_split": optional(choice("test", "val")),
        "batch_size": BATCH,
        "warmup_fraction": SHARE,
        "sampling": choice("uniform", "balanced"),
        "prefetch": whole(0, 1000),
        "checkpoint_minutes": nullable(number(0, 100_000)),
        "ema_decay": nullable(number(0, 1, above=True, below=True)),
        "keep_checkpoints": flag(),
        "decayed": choice("all", "matrices"),
        "allow_leaky": flag(),
        "overwrite": flag(),
        "compile": flag(),
        "page": optional(flag()),
        "n_jobs": nullable(whole(1, 1024)),
        "paths": PATHS,
        "data": DATA,
        "task": TASK,
        "labels": LABELS,
        "pretrained": Group({"name_or_path": path(), "architecture": ARCHITECTURE}),
        "text": TEXT,
        "ecg_encoder": ECG_ENCODER,
        "text_encoder": TEXT_ENCODER,
        "gate": GATE,
        "consistency": CONSISTENCY,
        "language_model": LANGUAGE_MODEL,
        "sizes": Named(_SIZE, optional=True),
        "method": METHOD,
        "optimizer": Built(("torch.optim.AdamW",)),
        "init": _INIT,
        "trainer": Built(("lightning.Trainer",)),
        "pretrain_epochs": whole(0, 100_000),
        "logger": _LOGGER,
        "augmentation": Built(tuple(AUGMENTATIONS), null=True),
        "corruption": Built(("ecgmm.training.corruption.PairCorruption",), null=True),
        "evaluation": EVALUATION,
        "domains": _DOMAINS,
        "waveform": Group({"limit_mv": LIMIT_MV, "highpass_hz": HIGHPASS_HZ, "complete_leads": COMPLETE_LEADS}),
        "quality": Built(("ecgmm.data.batches.quality_limits.QualityLimits",)),
        "label_noise": _LABEL_NOISE,
        "profile": Built(("ecgmm.training.lightning.profile_steps.StepProfiler",), null=True),
    }
)
