"""What trained models make of missing, damaged and wrong input (SYNTHETIC data)."""

# %% Two runs: the paper's method, and the waveform alone.
from pathlib import Path

import polars as pl

import ecgmm
from ecgmm.disturbing.suite import Plan, run_suite
from ecgmm.reporting.robustness import robustness

store = ecgmm.prepare("synthetic", rate_hz=100, n_patients=300)
short = {"recipe": "quick", "trainer__max_epochs": 4, "evaluation__n_resamples": 200}
runs = [ecgmm.train(store, method=method, **short) for method in ("gated_fusion", "ecg_only")]

# %% Both meet the same disturbed test inputs: two of the five strengths of some kinds. Nothing is trained again.
kinds = ["report_missing", "foreign_report", "statement_opposite", "arms_exchanged", "only_lead_ii", "drift"]
plan = Plan(stores=store.path.parent, kinds=kinds, strengths=[3, 5])
suites = run_suite([run.directory for run in runs], plan)

# %% Predictions are kept in the run: of each record, under each strength, whether anything of it was changed.
foreign = suites[0].disturbed["foreign_report"]
print(foreign.group_by("strength", maintain_order=True).agg(pl.col("changed").mean(), pl.col("gate").mean()))

# %% AUROC by kind and row with intervals, calibration, abstention, and the row that looks at the undisturbed half.
table = robustness(runs, n_resamples=200)
table.save(Path("outputs/robustness"))
print(table.to_markdown())
