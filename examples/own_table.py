"""A table of one's own from finished runs, and the paper's Table 2 (SYNTHETIC data)."""

# %% Three runs; those that are there already are opened.
import polars as pl

import ecgmm

store = ecgmm.prepare("synthetic", rate_hz=100, n_patients=300)
short = {"recipe": "quick", "trainer__max_epochs": 4, "evaluation__n_resamples": 200}
runs = [ecgmm.train(store, method=name, **short) for name in ("gated_fusion", "ecg_only", "bag_of_statements")]

# %% AUROC of each class, one column per method.
rows = [
    {"method": run.method, "class": one.name, "auroc": one.auroc, "n": one.n}
    for run in runs
    for one in run.metrics.per_class
]
print(pl.DataFrame(rows).pivot("method", index=["class", "n"], values="auroc"))

# %% The paper's Table 2 of the same runs, measured from their predictions; nothing is trained.
table = ecgmm.table2(*(run.directory for run in runs), n_resamples=200)
print(table.to_markdown())
