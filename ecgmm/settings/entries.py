"""The keys of each entry point, as ``conf/<entry>.yaml`` and its groups name them.

Their order is that of the check: a part that others repeat by interpolation stands before them, so that a message names
the key that the user wrote.
"""

import re
from dataclasses import replace
from typing import Any

from ecgmm.leads import LEADS
from ecgmm.settings.disturbances import KINDS
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
    ADAPTATIONS,
    BATCH,
    CLASS_MAP,
    COMPLETE_LEADS,
    COUNT,
    COVERAGES,
    EPOCHS,
    EXPLANATIONS,
    FILE_NAME,
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
    RATES_HZ,
    SEED,
    SHARE,
    SHARE_BELOW_ONE,
    SHEET_FORMATS,
    SPLITS,
    TABLE_FILE,
    VOCABULARY,
    WEIGHT,
    WIDTH,
)
from ecgmm.settings.targets_data import AUGMENTATIONS, SOURCES
from ecgmm.settings.targets_models import (
    ARCHITECTURE,
    CHANNELS,
    CONSISTENCY,
    CRITERION,
    ECG_ENCODER,
    GATE,
    LANGUAGE_MODEL,
    LEAD_TOKENISER,
    METHOD,
    SIMILARITY,
    TEXT_ENCODER,
    TOKENISER,
)

_PATHS = Group({"raw": path(), "stores": path(), "outputs": path()})
_DATA = Built(tuple(SOURCES))
_TASK = Group(
    {
        "name": choice("single_label", "multi_label"),
        "selection": choice("exactly_one", "priority", "all"),
        "modalities": optional(choice("any", "both")),
        "targets": choice("hard", "soft"),
        "criterion": CRITERION,
    }
)
_CLASSES = many(text(), "different classes, such as [MI,NORM]", most=20_000, distinct=True)
_LABELS = Group(
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
_TEXT = Group(
    {
        "policy": choice("full", "masked", "none", "shuffled"),
        "at_test": optional(choice("report", "none")),
        "max_tokens": MAX_TOKENS,
        "vocabulary": choice("reports", "closed"),
        "tokeniser": TOKENISER,
    }
)
_EVALUATION = Group({"n_resamples": whole(1, 100_000), "seed": SEED})
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
_STORE_RATES_HZ = many(RATE_HZ, f"different rates of {', '.join(map(str, RATES_HZ))}, such as [500,100]", distinct=True)
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
_CONNECTION = Built(("ecgmm.data.download.site.Connection",))

ENTRIES: dict[str, Group] = {
    "train": Group(
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
            "paths": _PATHS,
            "data": _DATA,
            "task": _TASK,
            "labels": _LABELS,
            "pretrained": Group({"name_or_path": path(), "architecture": ARCHITECTURE}),
            "text": _TEXT,
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
            "evaluation": _EVALUATION,
            "domains": _DOMAINS,
            "waveform": Group({"limit_mv": LIMIT_MV, "highpass_hz": HIGHPASS_HZ, "complete_leads": COMPLETE_LEADS}),
            "quality": Built(("ecgmm.data.batches.quality_limits.QualityLimits",)),
            "label_noise": _LABEL_NOISE,
            "profile": Built(("ecgmm.training.lightning.profile_steps.StepProfiler",), null=True),
        }
    ),
    "prepare": Group({"paths": _PATHS, "data": _DATA, "rates_hz": _STORE_RATES_HZ}),
    "evaluate": Group(
        {
            "run": path(),
            "store": nullable(path()),
            "data": replace(_DATA, null=True),
            "task": replace(_TASK, null=True),
            "labels": replace(_LABELS, null=True),
            "classes": Group({"map": CLASS_MAP}),
            "split": choice(*SPLITS, "all"),
            "leads": nullable(many(choice(*LEADS), f"different leads of {', '.join(LEADS)}", distinct=True)),
            "allow_leaky": flag(),
            "shared_patients": choice("refuse", "drop"),
            "recalibrate": nullable(number(0, 1, above=True, below=True)),
            "recalibration_seed": SEED,
            "recalibrate_by": choice("temperature", "vector"),
            "adapt": nullable(many(choice(*ADAPTATIONS), f"different ones of {', '.join(ADAPTATIONS)}", distinct=True)),
            "conformal": nullable(number(0, 1, above=True, below=True)),
            "name": nullable(FILE_NAME),
            "paths": _PATHS,
        }
    ),
    "robustness": Group(
        {
            "run": path(),
            "store": nullable(path()),
            "data": replace(_DATA, null=True),
            "split": choice(*SPLITS, "all"),
            "kinds": nullable(
                many(
                    choice(*KINDS), "different kinds of the suite, such as [foreign_report,only_lead_ii]", distinct=True
                )
            ),
            "strengths": many(whole(1, 5), "different strengths from 1 to 5, such as [1,3,5]", most=5, distinct=True),
            "seed": SEED,
            "allow_leaky": flag(),
            "shared_patients": choice("refuse", "drop"),
            "n_resamples": whole(1, 100_000),
            "out": nullable(path()),
            "n_jobs": whole(1, 1024),
            "paths": _PATHS,
        }
    ),
    "written_reports": Group(
        {
            "run": path(),
            "store": nullable(path()),
            "data": replace(_DATA, null=True),
            "split": choice(*SPLITS, "all"),
            "shared_patients": choice("refuse", "drop"),
            "n_resamples": whole(1, 100_000),
            "n_shown": whole(0, 1000),
            "out": nullable(path()),
            "paths": _PATHS,
        }
    ),
    "retrieval": Group(
        {
            "run": path(),
            "store": nullable(path()),
            "data": replace(_DATA, null=True),
            "split": choice(*SPLITS, "all"),
            "shared_patients": choice("refuse", "drop"),
            "pool": whole(2, 100_000),
            "n_pools": whole(1, 100_000),
            "n_resamples": whole(1, 100_000),
            "seed": SEED,
            "out": nullable(path()),
            "paths": _PATHS,
        }
    ),
    "zero_shot": Group(
        {
            "run": path(),
            "store": nullable(path()),
            "data": replace(_DATA, null=True),
            "labels": replace(_LABELS, null=True),
            "task": replace(_TASK, null=True),
            "split": choice(*SPLITS, "all"),
            "shared_patients": choice("refuse", "drop"),
            "least_cases": whole(2, 1_000_000),
            "n_draws": whole(0, 1000),
            "n_resamples": whole(1, 100_000),
            "out": nullable(path()),
            "paths": _PATHS,
        }
    ),
    "predict": Group(
        {
            "run": path(),
            "record": nullable(path()),
            "report": Value("a text", lambda value: isinstance(value, str), "text", null=True),
            "records": nullable(path()),
            "root": nullable(path()),
            "out": nullable(TABLE_FILE),
            "coverage": choice(*COVERAGES),
            "sheets": nullable(path()),
            "sheet_format": choice(*SHEET_FORMATS),
            "n_processes": nullable(whole(1, 4096)),
        }
    ),
    "explain": Group(
        {
            "run": path(),
            "record": nullable(path()),
            "report": Value("a text", lambda value: isinstance(value, str), "text", null=True),
            "class": nullable(text()),
            "by": choice(*EXPLANATIONS),
            "sanity": flag(),
            "seed": SEED,
            "out": path(),
        }
    ),
    "serve": Group({"run": path(), "port": whole(0, 65_535), "coverage": choice(*COVERAGES)}),
    "export": Group(
        {
            "run": path(),
            "format": choice("onnx", "torch", "bundle"),
            "out": path(),
            "report_words": choice("refuse", "keep"),
            "paths": _PATHS,
        }
    ),
    "verify": Group({"store": nullable(path()), "run": nullable(path())}),
    "audit": Group(
        {
            "seed": SEED,
            "paths": _PATHS,
            "data": _DATA,
            "task": _TASK,
            "labels": _LABELS,
            "text": _TEXT,
            "evaluation": _EVALUATION,
        }
    ),
    "statements": Group({"file": path()}),
    "suspicious_labels": Group({"folder": path(), "n_shown": whole(0, 1000), "paths": _PATHS}),
    "agreement": Group({"paths": _PATHS, "data": _DATA}),
    "download": Group(
        {
            "subset": nullable(whole(1, 10**9)),
            "url": nullable(text()),
            "connection": _CONNECTION,
            "paths": _PATHS,
            "data": _DATA,
            "sources": Named(Group({"url": text(), "licence": text(), "cite": text()})),
        }
    ),
}
