"""Whether explanations look where the finding is: ``python -m benchmarks.attribution RUN ... [--records 100]``.

For runs on synthetic data. Of test records with a finding it prints the share of attribution inside the segment that
carries the finding over that segment's share of time, for integrated gradients and occlusion; beside them the same for
the signal itself (its distance from the baseline) and for the network with shuffled weights, which have learned
nothing. Then the sanity checks of test records as they come: completeness, randomised weights, deletion and insertion.
Intervals are bootstraps over patients. The last line is JSON.
"""

import argparse
import json
import platform
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecgmm.data.store.splits import SPLITS
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.segments import segments_of
from ecgmm.data.synthetic.tree import draw_recordings
from ecgmm.data.synthetic.waveform import Recordings
from ecgmm.evaluation.bootstrap import Estimate, interval_around, patient_weights
from ecgmm.explaining.attribution import attribute, baselines
from ecgmm.explaining.sanity import completeness, deletion_and_insertion, randomise, shuffle
from ecgmm.explaining.shares import FINDINGS, Finding, at_rate, share_inside, shows, times_of_chance
from ecgmm.explaining.target import log_odds
from ecgmm.interface.runs import Run, load_run
from ecgmm.runs.configuration import read_config
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.store_of_run import store_of_run
from ecgmm.settings.ranges import EXPLANATIONS
from ecgmm.types import Batch

Records = list[tuple[Batch, Any]]
"""Prepared batches of one record, each with its patient."""


def records_of(run: Run, stores: Path, split: str) -> tuple[Records, Recordings]:
    """Records of a split with a waveform, and how each was drawn."""
    config = read_config(run.directory, run.facts.files)
    store = store_of_run(run.facts.data.fingerprint, stores, config["data"], "--stores")
    names = ("n_patients", "seed", "second_cart")
    chosen = {name: config["data"][name] for name in names if name in config["data"]}
    cohort, recordings = draw_recordings(SyntheticConfig(**chosen, **config["data"]["rates"]))
    number = {study: row for row, study in enumerate(cohort.study_id.tolist())}
    records, numbers = [], []
    for batch in run.batches(store, split, 1):
        if batch.has_waveform.all():
            row = store.records.row(int(batch.rows[0]), named=True)
            with torch.no_grad():
                records.append((run.model.prepared(batch), row["patient"]))
            numbers.append(number[row["record"]])
    return records, recordings[np.array(numbers)]


def located(run: Run, finding: Finding, records: Records, inside: Any) -> dict[str, Any]:
    """Times of chance of each method and of both controls, over records with the finding."""
    model = run.model
    index = model.facts.class_names.index(finding.class_name)
    other = replace(model, method=deepcopy(model.method))
    shares: dict[str, list[float]] = {name: [] for name in (*EXPLANATIONS, "signal alone", "shuffled weights")}
    for k, ((batch, _), samples) in enumerate(zip(records, inside, strict=True)):
        for method in EXPLANATIONS:
            found = attribute(model, batch, index, method).waveform
            assert found is not None
            shares[method].append(share_inside(found, samples))
        distance = (batch.waveforms - baselines(model, batch)[0])[0].numpy()
        shares["signal alone"].append(share_inside(distance, samples))
        other.method.load_state_dict(model.method.state_dict())
        shuffle(other, torch.Generator().manual_seed(k))
        random = attribute(other, batch, index, EXPLANATIONS[0]).waveform
        assert random is not None
        shares["shuffled weights"].append(share_inside(random, samples))
    patients = np.array([patient for _, patient in records])
    time = np.array([samples.mean() for samples in inside])
    ratios = {name: times_of_chance(np.array(values), time, patients) for name, values in shares.items()}
    learned = times_of_chance(np.array(shares[EXPLANATIONS[0]]), np.array(shares["shuffled weights"]), patients)
    print(f"{finding.name} ({finding.class_name}): {len(records)} records of {len(np.unique(patients))} patients;"
          f" {finding.segment} takes {time.mean():.1%} of time")  # fmt: skip
    for name, ratio in ratios.items():
        print(f"  {name:<22} {np.mean(shares[name]):6.1%} of it there, {shown(ratio)} times its share of time")
    print(f"  integrated gradients put {shown(learned)} times as much there as with shuffled weights")
    facts = {"n": len(records), "time_share": time.mean(), "over_shuffled": asdict(learned)}
    return facts | {"ratios": {name: asdict(one) for name, one in ratios.items()}}


def sane(model: SavedModel, records: Records, method: str) -> dict[str, Any]:
    """Sanity checks of the most probable class of each record."""
    gaps, passed, signed, absolute = [], [], [], []
    gains: dict[str, list[float]] = {}
    owner: dict[str, list[Any]] = {}
    for k, (batch, patient) in enumerate(records):
        with torch.no_grad():
            index = int(log_odds(model.method(batch).logits, model.facts.task)[0].argmax())
        found = attribute(model, batch, index, method)
        whole = completeness(found)
        gaps.append(abs(whole.total - whole.difference))
        passed.append(whole.passes)
        random = randomise(model, batch, index, method, found, seed=k)
        signed.append(float(np.mean(random.signed)))
        absolute.append(float(np.mean(random.absolute)))
        for curves in deletion_and_insertion(model, batch, index, found, seed=k):
            for way in ("deletion", "insertion") if curves.rises else ("deletion",):
                gains.setdefault(f"{way} of {curves.half}", []).append(getattr(curves, f"{way}_gain"))
                owner.setdefault(f"{way} of {curves.half}", []).append(patient)
    patients = np.array([patient for _, patient in records])
    facts: dict[str, Any] = {"n": len(records)}
    if method == "integrated_gradients":
        facts |= {"complete": float(np.mean(passed)), "median_gap": np.median(gaps), "largest_gap": max(gaps)}
        print(f"  completeness           {np.mean(passed):.0%} within tolerance, median gap {np.median(gaps):.4f} nats,"
              f" largest {max(gaps):.3f}")  # fmt: skip
    for name, values in (("rank correlation", signed), ("without signs", absolute)):
        facts[name] = asdict(mean_of(values, patients))
        print(f"  {name:<22} {shown(mean_of(values, patients), 3)} with shuffled weights")
    for name, values in gains.items():
        facts[name] = asdict(mean_of(values, np.array(owner[name])))
        said = f"{shown(mean_of(values, np.array(owner[name])), 3)} better than random orders, {len(values)} records"
        print(f"  {name:<22} {said}")
    return facts


def mean_of(values: list[float], patients: Any) -> Estimate:
    """Mean with its 95 % interval over patients."""
    [weights] = patient_weights(patients, 2000, 0, at_once=2000)
    mean = float(np.mean(values))
    return Estimate(mean, *interval_around(mean, (np.array(values) @ weights) / weights.sum(axis=0)))


def shown(estimate: Estimate, digits: int = 2) -> str:
    """An estimate in words."""
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def main() -> None:
    """Measure, print the tables, print JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--stores", type=Path, default=Path("stores"))
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--records", type=int, default=100, help="most records of a finding")
    parser.add_argument("--checked", type=int, default=20, help="records of the sanity checks")
    what = "what the sanity checks look at"
    parser.add_argument("--methods", nargs="+", choices=EXPLANATIONS, default=EXPLANATIONS, help=what)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for folder in arguments.runs:
        run = load_run(folder)
        records, recordings = records_of(run, arguments.stores, arguments.split)
        print(f"\n{run.method}, seed {run.seed}, recipe {run.facts.recipe}: SYNTHETIC data, {arguments.split} split")
        of_run: dict[str, Any] = {}
        for finding in FINDINGS:
            if finding.class_name not in run.model.facts.class_names or "ecg" not in run.model.method.inputs_at_test:
                continue
            has = np.flatnonzero(shows(finding, recordings.states))[: arguments.records]
            if not len(has):
                print(f"{finding.name}: no record has it")
                continue
            segments = segments_of(recordings[has])
            store = run.model.facts.store
            inside = at_rate(segments, finding, store.rate_hz, store.n_times)
            of_run[finding.name] = located(run, finding, [records[k] for k in has], inside)
        for method in arguments.methods:
            print(f"sanity of {method}, {arguments.checked} records:")
            of_run[method] = sane(run.model, records[: arguments.checked], method)
        results[f"{run.method}, seed {run.seed}"] = of_run
    facts = {"benchmark": "attribution", "machine": platform.machine(), "torch": torch.__version__}
    print(json.dumps({**facts, "results": results}, default=float))


if __name__ == "__main__":
    main()
