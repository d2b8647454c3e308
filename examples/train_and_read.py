"""Train two methods on a store and read what they leave behind (SYNTHETIC data)."""

# %% A minute or two on two cores: four epochs instead of the recipe's own number, for a first look.
import polars as pl

import ecgmm

store = ecgmm.prepare("synthetic", rate_hz=100, n_patients=300)
short = {"recipe": "quick", "trainer__max_epochs": 4, "evaluation__n_resamples": 200}
runs = [ecgmm.train(store, method=name, **short) for name in ("gated_fusion", "ecg_only")]

# %% Macro one-vs-rest AUROC with its 95 % interval over patients.
for run in runs:
    auroc = run.metrics["test/auroc_macro"]
    print(f"{run.method:<14} {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})")

# %% A run that is there is opened, not trained again.
run = ecgmm.load_run(runs[0].directory)
print(run.facts.data.fingerprint == store.fingerprint, run.facts.seed, run.facts.recipe)

# %% Predictions: one row per window of validation and test, with the gate (weight of the waveform).
test = run.predictions.filter(split="test")
classes = pl.Series(run.facts.labels.classes)
print(test.group_by(classes.gather(test["label"]).alias("class")).agg(pl.col("gate").median(), pl.len()).sort("class"))

# %% The model itself, on batches of a store or on a single recording.
output = run.model(run.batches(store, "test", size=32).first())
print(output.logits.shape, output.gate.shape)
record = store.record(17)
print(run.predict(millivolts=record.millivolts, rate_hz=record.rate_hz, report=". ".join(record.statements)).numbers)
