"""Settings of what ``conf/data``, ``conf/download.yaml``, ``conf/trainer`` and the like build."""

from collections.abc import Mapping
from typing import Any

from ecgmm.leads import N_LEADS
from ecgmm.settings.kinds import (
    Built,
    Group,
    Spec,
    Target,
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
from ecgmm.settings.ranges import (
    COUNT,
    LEAD_STD_MV,
    LEARNING_RATE,
    LIMIT_MV,
    MILLIVOLTS,
    RATE_HZ,
    SEED,
    SHARE,
    SHARE_BELOW_ONE,
    SPLITS,
    WEIGHT,
)

_LARGEST_STEP = 32_767  # of int16

CINC_COLLECTIONS = (
    "cpsc_2018",
    "cpsc_2018_extra",
    "st_petersburg_incart",
    "ptb",
    "ptb-xl",
    "georgia",
    "chapman_shaoxing",
    "ningbo",
)
"""Names of the collections of the PhysioNet/CinC challenge of 2021, as their folders are called."""

FOLDS = many(whole(0, 1000), "different fold numbers, such as [9]", distinct=True)


def _shares_sum_to_one(node: Mapping[str, Any]) -> tuple[str, str] | None:
    total = sum(node[split] for split in SPLITS)
    return None if abs(total - 1) <= 1e-9 else ("train", f"1 together with val and test; they sum to {total:g}")


def _one_modality_stays(node: Mapping[str, Any]) -> tuple[str, str] | None:
    most = 1 - node["drop_waveform"]
    if node["drop_report"] <= most:
        return None
    return "drop_report", f"at most 1 - drop_waveform, which is {most:g}: a record never loses both"


def _each_fold_once(node: Mapping[str, Any]) -> tuple[str, str] | None:
    others = {*node["test"], *(node["train"] or [])}
    twice = {*node["val"]} & others or {*node["test"]} & {*(node["train"] or [])}
    return ("val", f"free of fold {min(twice)}, or that fold be in no other split") if twice else None


def _folds_stand_in_a_file(node: Mapping[str, Any]) -> tuple[str, str] | None:
    return (
        ("use_folds", "false, or csv name the file that holds the folds")
        if node["use_folds"] and not node["csv"]
        else None
    )


def _steps_reach_the_limit(node: Mapping[str, Any]) -> tuple[str, str] | None:
    least = node["limit_mv"] * 1000 / _LARGEST_STEP
    if node["uv_per_step"] >= least:
        return None
    return "uv_per_step", f"at least {least:.3g}, for 16 bits to hold limit_mv, which is {node['limit_mv']:g}"


_SOURCE: dict[str, Spec] = {
    "name": folder_name(),
    "root": nullable(path()),
    "stores": path(),
    "store": nullable(path()),
    "rate_hz": RATE_HZ,
    "window": Built(("ecgmm.data.sources.source.Window",)),
    "uv_per_step": number(0.1, 100),
    "split": Built(("ecgmm.data.store.splits.SplitShares",)),
    "text": Built(("ecgmm.data.sources.source.TextRules",)),
    "limit_mv": LIMIT_MV,
    "verify_checksums": flag(),
    "follow_links": optional(flag()),  # runs made before it was a setting have none
    "n_processes": nullable(whole(1, 4096)),
    "readers": optional(whole(1, 64)),  # runs made before it was a setting have none
    "residency": choice("disk", "memory", "gpu"),
    "labels_csv": optional(nullable(path())),  # runs made before it was a setting have none
}


def _source(**more: Spec) -> Target:
    return Target({**_SOURCE, **more}, (_steps_reach_the_limit,))


_COLUMNS = ("patient", "record", "time", "report", "split", "fold", "age", "sex", "device", "site")
_ICD = Built(("ecgmm.data.sources.labels.icd.IcdSettings",))
_RATES: dict[str, Spec] = {
    "ambiguity": number(0, 1, above=True, below=True),
    "mimic": SHARE,
    "omission": SHARE,
    "hedge": SHARE,
    "wrong_statement": SHARE,
    "missing_report": SHARE,
    "noise": number(0, 100),
    "lead_loss": SHARE,
    "missing_samples": SHARE,
    "amplitude_outliers": SHARE,
}
_STEPS = Value(
    "a whole number of steps from 1, or a share above 0 and up to 1 with a point",
    lambda value: whole(1, 10**9).fits(value) or (isinstance(value, float) and 0 < value <= 1),
    optional=True,
)
_DEVICES = many(whole(0, 1023), "different device numbers", distinct=True)

SOURCES: dict[str, Target] = {
    "ecgmm.data.sources.cinc_2021.Cinc2021": _source(
        collections=nullable(
            many(choice(*CINC_COLLECTIONS), f"different names of {', '.join(CINC_COLLECTIONS)}", distinct=True)
        ),
        ptb_xl_csv=nullable(path()),
    ),
    "ecgmm.data.sources.code_15.Code15": _source(),
    "ecgmm.data.sources.mimic_iv_ecg.MimicIvEcg": _source(
        notes_csv=nullable(path()),
        patients_csv=optional(nullable(path())),  # runs made before it was a setting have none
        labels=Built(("ecgmm.data.sources.mimic_iv_ecg.LabelRules",)),
        icd=_ICD,
    ),
    "ecgmm.data.sources.ptb_xl.PtbXl": _source(folds=Built(("ecgmm.data.store.splits.Folds",), null=True)),
    "ecgmm.data.sources.table.Table": _source(
        table=nullable(path()),
        columns=Built(("ecgmm.data.sources.table.Columns",)),
        folds=Built(("ecgmm.data.store.splits.Folds",), null=True),
        report_origin=choice("unknown", "machine_statements", "annotator", "notes"),
    ),
    "ecgmm.data.sources.simulated.Synthetic": _source(
        raw=path(),
        n_patients=whole(1, 10_000_000),
        seed=SEED,
        second_cart=optional(SHARE),  # runs made before it was a setting have none
        rates=Group(_RATES),
        icd=_ICD,
    ),
}
"""Every data source, with the settings of its own; the only list of them beside ``conf/data``."""

_AUGMENTATION: dict[str, Spec] = {
    "lead_std_mv": LEAD_STD_MV,
    "rate_hz": from_data(RATE_HZ),
    "probability": SHARE,
    "gain": number(0, 10),
    "shift_s": number(0, 600),
    "noise_mv": MILLIVOLTS,
    "drift_mv": MILLIVOLTS,
    "lead_dropout": SHARE,
    "style": Built(("ecgmm.signal.style.RandomStyle",), null=True, optional=True),  # older runs have none
}
AUGMENTATIONS: dict[str, Target] = {
    "ecgmm.signal.augment.Augmentation": Target(_AUGMENTATION),
    "ecgmm.signal.artefacts.RobustAugmentation": Target(
        {
            **_AUGMENTATION,
            "mains_mv": MILLIVOLTS,
            "muscle_mv": MILLIVOLTS,
            "motion_mv": MILLIVOLTS,
            "gap_s": number(0, 600),
            "exchange": SHARE,
            "group_loss": SHARE,
        }
    ),
}

DATA_TARGETS: dict[str, Target] = {
    **SOURCES,
    "ecgmm.data.sources.labels.icd.IcdSettings": Target(
        {
            "csv": nullable(path()),
            "min_records": COUNT,
            "use_folds": flag(),
            "first_of_stay": optional(flag()),  # runs made before it was a setting have none
        },
        (_folds_stand_in_a_file,),
    ),
    "ecgmm.data.sources.mimic_iv_ecg.LabelRules": Target({"certainty": choice("definite", "include_possible")}),
    "ecgmm.data.sources.table.Columns": Target({"path": text(), **dict.fromkeys(_COLUMNS, nullable(text()))}),
    "ecgmm.data.sources.source.TextRules": Target({"min_words": whole(0, 10_000)}),
    "ecgmm.data.sources.source.Window": Target(
        {
            "length_s": number(0.5, 600),
            "mode": choice("center", "sliding"),
            "stride_s": number(0.1, 600),
            "pad": choice("zero", "edge"),
        }
    ),
    "ecgmm.data.store.splits.Folds": Target(
        {"train": nullable(FOLDS), "val": FOLDS, "test": FOLDS}, (_each_fold_once,)
    ),
    "ecgmm.data.store.splits.SplitShares": Target(
        {"seed": SEED, "train": SHARE, "val": SHARE, "test": SHARE}, (_shares_sum_to_one,)
    ),
    "ecgmm.data.batches.quality_limits.QualityLimits": Target(
        {
            "splits": many(choice(*SPLITS), f"different splits of {', '.join(SPLITS)}", distinct=True),
            "max_missing_share": nullable(SHARE),
            "max_flat_leads": nullable(whole(0, N_LEADS)),
            "max_clipped_share": nullable(SHARE),
            "max_amplitude_mv": nullable(MILLIVOLTS),
            "max_drift_mv": nullable(MILLIVOLTS),
            "max_noise_mv": nullable(MILLIVOLTS),
            "max_lead_law_error_mv": nullable(MILLIVOLTS),
            "min_quality": nullable(SHARE),
            "exclude_limb_swap": flag(),
        }
    ),
    "ecgmm.data.download.site.Connection": Target(
        {
            "n_parallel": whole(1, 64),
            "n_attempts": whole(1, 1000),
            "pause_s": number(0, 3600),
            "timeout_s": number(0, 3600, above=True),
        }
    ),
    **AUGMENTATIONS,
    "ecgmm.signal.style.RandomStyle": Target(
        {
            "rate_hz": from_data(RATE_HZ),
            "probability": SHARE,
            "highpass_hz": number(0, 50),
            "lowpass_hz": number(1, 150),
            "mixing": SHARE,
        }
    ),
    "ecgmm.training.corruption.PairCorruption": Target(
        {
            **dict.fromkeys(("drop_waveform", "drop_report", "exchange_report", "thin_report", "cut_report"), SHARE),
            "contradict_report": optional(SHARE),  # runs made before it was a setting have none
        },
        (_one_modality_stays,),
    ),
    "ecgmm.training.lightning.profile_steps.StepProfiler": Target({"skip": whole(1, 10**6), "steps": whole(1, 10_000)}),
    "lightning.Trainer": Target(
        {
            "accelerator": choice("cpu", "gpu", "auto"),
            "devices": Value(
                "a whole number from 1, auto for all there are, or a list of different device numbers such as [0]",
                lambda value: value == "auto" or whole(1, 1024).fits(value) or _DEVICES.fits(value),
            ),
            "num_nodes": whole(1, 10_000),
            "strategy": choice("auto", "ddp", "fsdp2"),
            "sync_batchnorm": flag(),
            "max_epochs": whole(1, 100_000),
            "gradient_clip_val": nullable(number(0, 1e6)),
            "precision": choice("mixed_16", "32-true", "16-mixed", "bf16-mixed"),
            "deterministic": flag(),
            "num_sanity_val_steps": whole(0, 1000),
            "log_every_n_steps": whole(0, 10**6),
            "enable_progress_bar": flag(),
            "enable_model_summary": flag(),
            "logger": Value("false; choose logger=wandb or logger=none", lambda value: value is False),
            "limit_train_batches": _STEPS,
            "limit_val_batches": _STEPS,
            "detect_anomaly": optional(flag()),
            "benchmark": optional(flag()),
        }
    ),
    "torch.optim.AdamW": Target(
        {
            "lr": LEARNING_RATE,
            "weight_decay": WEIGHT,
            "eps": optional(number(0, 1, above=True)),
            "betas": optional(many(SHARE_BELOW_ONE, "two numbers from 0 to below 1", least=2, most=2)),
            "amsgrad": optional(flag()),
            "fused": optional(flag()),
            "foreach": optional(flag()),
        },
        partial=True,
    ),
    "torch.nn.BCEWithLogitsLoss": Target({}),
    "torch.nn.CrossEntropyLoss": Target({"label_smoothing": optional(SHARE_BELOW_ONE)}),
}
