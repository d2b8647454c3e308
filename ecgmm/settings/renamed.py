"""Names that classes had in the settings of earlier versions: a saved run or model is read under today's names."""

from typing import Any

RENAMED = {
    "ecgmm.data.labels.icd.IcdSettings": "ecgmm.data.sources.labels.icd.IcdSettings",
    "ecgmm.data.mimic_iv_ecg.LabelRules": "ecgmm.data.sources.mimic_iv_ecg.LabelRules",
    "ecgmm.data.mimic_iv_ecg.MimicIvEcg": "ecgmm.data.sources.mimic_iv_ecg.MimicIvEcg",
    "ecgmm.data.ptb_xl.PtbXl": "ecgmm.data.sources.ptb_xl.PtbXl",
    "ecgmm.data.quality_limits.QualityLimits": "ecgmm.data.batches.quality_limits.QualityLimits",
    "ecgmm.data.simulated.Synthetic": "ecgmm.data.sources.simulated.Synthetic",
    "ecgmm.data.source.TextRules": "ecgmm.data.sources.source.TextRules",
    "ecgmm.data.source.Window": "ecgmm.data.sources.source.Window",
    "ecgmm.data.splits.Folds": "ecgmm.data.store.splits.Folds",
    "ecgmm.data.splits.SplitShares": "ecgmm.data.store.splits.SplitShares",
    "ecgmm.training.profile_steps.StepProfiler": "ecgmm.training.lightning.profile_steps.StepProfiler",
}


def with_present_names(settings: Any) -> Any:
    """Saved settings, plain Python, in which every ``_target_`` has the name of today."""
    if isinstance(settings, list):
        return [with_present_names(part) for part in settings]
    if not isinstance(settings, dict):
        return settings
    renamed = {name: with_present_names(part) for name, part in settings.items()}
    target = renamed.get("_target_")
    return renamed | {"_target_": RENAMED[target]} if isinstance(target, str) and target in RENAMED else renamed
