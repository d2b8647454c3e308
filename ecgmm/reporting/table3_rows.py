"""The five rows of the paper's Table 3: what was built, and the measure without and with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from omegaconf import OmegaConf

from ecgmm.errors import UserError
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import calibration_scorer
from ecgmm.evaluation.metrics import HEADLINE, Scorer, joint_scorer, make_scorer
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_estimate
from ecgmm.reporting.robustness_scores import Condition, Row, difference, paired_change, rows_of
from ecgmm.reporting.robustness_sections import grouped
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.measuring import Fitted
from ecgmm.runs.metrics import Metrics, read_named_evaluations
from ecgmm.runs.predictions import average_windows, labels_and_probabilities, read_evaluated
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import KINDS

BUILT_METHOD = "evidence_fusion"
FOREIGN = ("foreign_report", "foreign_report_other_class", "statement_negated", "statement_opposite")
POOR = ("report_missing", "statements_left_out", "typing_errors", "abbreviations", "summary_only", "other_wording")
SECOND_CART, ADAPTED = "second_cart", "second_cart_adapted"
"""Names of the evaluations on another cart, without and with adaptation."""
_ORDINARY = ("torch.nn.CrossEntropyLoss", "torch.nn.BCEWithLogitsLoss")


@dataclass(frozen=True)
class Line:
    """A row of Table 3.

    Attributes:
        limitation: As the paper has it.
        direction: The paper's direction.
        built: What was built for it.
        measure: What is measured, and with which runs.
        without: Without what was built; None where runs are missing.
        with_it: With it.
        gap: With minus without.
        meaning: What that means to a clinician; where runs are missing, which.
    """

    limitation: str
    direction: str
    built: str
    measure: str
    without: Estimate | None
    with_it: Estimate | None
    gap: Estimate | None
    meaning: str


def lines(runs: Sequence[Run], n_resamples: int, seed: int) -> list[Line]:
    """The five rows, each from the runs that are there."""
    noisy = [run for run in runs if _noise(run) is not None]
    ordinary = [run for run in runs if _noise(run) is None]
    return [
        _of_suite(
            ordinary,
            (n_resamples, seed),
            ("Alignment errors of waveform and report", "Inconsistency detection, sample-wise weights"),
            "consistency weighted by the agreement of both halves, evidence that adds, an inconsistency score",
            "the report is another patient's or contradicts the record",
            FOREIGN,
        ),
        _of_suite(
            ordinary,
            (n_resamples, seed),
            ("Missing reports and poor text", "Training with missing modalities and noisy text"),
            "a head and a loss for each half, training with missing, exchanged and thinned reports",
            "the report is missing, thinned, misspelt, abbreviated or worded otherwise",
            POOR,
        ),
        _of_devices(ordinary, (n_resamples, seed)),
        _of_suite(
            ordinary,
            (n_resamples, seed),
            ("Missing leads and noise", "Completion of leads, augmentation with noise"),
            "training with lost leads and noise at the electrodes, completion of leads",
            "leads are lost or exchanged, or the waveform is noisy, filtered or scaled",
            tuple(name for name, kind in KINDS.items() if kind.modality == "waveform"),
        ),
        _of_labels(noisy, (n_resamples, seed)),
    ]


def _of_suite(
    runs: Sequence[Run],
    resampling: tuple[int, int],
    names: tuple[str, str],
    built: str,
    what: str,
    kinds: Sequence[str],
) -> Line:
    """A row of the suite: AUROC of the paper's method and of what was built, mean over kinds and their strengths."""
    try:
        rows = {row.method: row for row in reversed(rows_of(runs, None, *resampling)) if row.is_plain} if runs else {}
    except UserError as error:
        return _missing(names, built, str(error))
    absent = [label for label in (REFERENCE_METHOD, BUILT_METHOD) if label not in rows]
    if absent:
        return _missing(names, built, f"no run of {' or '.join(absent)} has met the suite of disturbances")
    without, with_it = rows[REFERENCE_METHOD], rows[BUILT_METHOD]
    conditions = _shared(without, with_it, kinds)
    if not conditions:
        return _missing(names, built, "no run has met these kinds of disturbances")
    first, second = with_it.mean(conditions), without.mean(conditions)
    gap = difference(first, second)
    measure = f"AUROC, mean over {len(grouped(conditions))} kinds in which {what}: {REFERENCE_METHOD} | {BUILT_METHOD}"
    sides = (replicated_estimate(HEADLINE, second), replicated_estimate(HEADLINE, first))
    meaning = (
        f"When {what}, the right finding is ranked above a wrong one in {sides[1].value:.0%} of comparisons instead of"
        f" {sides[0].value:.0%}."
    )
    return Line(*names, built, measure, *sides, Estimate(gap.value, gap.low, gap.high), meaning)


def _shared(one: Row, other: Row, kinds: Sequence[str]) -> list[Condition]:
    return [condition for condition in one.conditions if condition[0] in kinds and condition in other.conditions]


def _of_devices(runs: Sequence[Run], resampling: tuple[int, int]) -> Line:
    """Calibration error on another cart, as the model is and adapted to it without labels."""
    names = ("Devices and conditions of recording", "Domain-robust training, adaptive calibration")
    built = "adaptation to another cart without its labels"
    found = [(run, evaluations) for run in runs if {SECOND_CART, ADAPTED} <= set(evaluations := _evaluations(run))]
    methods = [run.method for run, _ in found]
    method = next((name for name in (BUILT_METHOD, REFERENCE_METHOD, *methods) if name in methods), None)
    if method is None:
        return _missing(names, built, f"no run holds evaluation/{SECOND_CART}.json and {ADAPTED}.json")
    chosen = [(run, evaluations) for run, evaluations in found if run.method == method]
    sides = []
    for name in (SECOND_CART, ADAPTED):
        frames = [average_windows(read_evaluated(run.directory, name, by[name])) for run, by in chosen]
        scorers = [
            _scorer(by[name], labels_and_probabilities(frame, by[name].classes, by[name].task))
            for frame, (_, by) in zip(frames, chosen, strict=True)
        ]
        sides.append(replicate(scorers, frames[0]["patient"].to_numpy(), *resampling, keys=("ece",)))
    without, with_it = (replicated_estimate("ece", side) for side in sides)
    measure = f"Calibration error on records of another cart, {method}: as it is | adapted"
    meaning = (
        f"On another cart's recordings a stated probability is off by {100 * without.value:.1f} points on average,"
        f" after adaptation by {100 * with_it.value:.1f}."
    )
    return Line(*names, built, measure, without, with_it, paired_change(sides[1], sides[0], "ece"), meaning)


def _evaluations(run: Run) -> dict[str, Metrics]:
    return read_named_evaluations(run.directory)


def _scorer(metrics: Metrics, arrays: tuple[np.ndarray, np.ndarray]) -> Scorer:
    thresholds = Fitted.of(metrics).thresholds
    values = None if thresholds is None else thresholds.values
    of_table2 = make_scorer(*arrays, metrics.classes, metrics.task, values)
    return joint_scorer([of_table2, calibration_scorer(*arrays, metrics.task, with_chance=True)])


def _of_labels(runs: Sequence[Run], resampling: tuple[int, int]) -> Line:
    """AUROC on clean labels after training on wrong ones, with the ordinary loss and with the best other.

    The other loss is the one with the highest AUROC on validation.
    """
    names = ("Subjective and incomplete labels", "Uncertainty of labels, soft supervision")
    built = "losses that take labels for uncertain, soft labels, a finder of suspicious labels"
    groups: dict[tuple[str, str, float], dict[str, list[Run]]] = {}
    for run in runs:
        kind, rate = _noise(run) or ("", 0.0)
        groups.setdefault((run.method, kind, rate), {}).setdefault(_loss(run), []).append(run)
    whole = {key: by for key, by in groups.items() if len(by) > 1 and any(loss in by for loss in _ORDINARY)}
    if not whole:
        return _missing(names, built, "no runs were trained on disturbed labels with two losses (label_noise.kind)")
    method, kind, rate = key = max(whole, key=lambda key: (key[2], key[0], key[1]))
    by_loss = whole[key]
    ordinary = next(loss for loss in _ORDINARY if loss in by_loss)
    best = max((loss for loss in by_loss if loss not in _ORDINARY), key=lambda loss: _validated(by_loss[loss]))
    sides: list[Replicates] = [
        replicate([run.scorer() for run in by_loss[loss]], by_loss[loss][0].patients, *resampling, keys=(HEADLINE,))
        for loss in (ordinary, best)
    ]
    without, with_it = (replicated_estimate(HEADLINE, side) for side in sides)
    gap = difference(sides[1], sides[0])
    shown = [loss.rpartition(".")[2] for loss in (ordinary, best)]
    measure = f"AUROC of {method} after training with {rate:.0%} of labels wrong ({kind}): {shown[0]} | {shown[1]}"
    meaning = (
        f"Where {rate:.0%} of the diagnoses to learn from are wrong, the right finding is ranked above a wrong one in"
        f" {with_it.value:.0%} of comparisons instead of {without.value:.0%}."
    )
    return Line(*names, built, measure, without, with_it, Estimate(gap.value, gap.low, gap.high), meaning)


def _noise(run: Run) -> tuple[str, float] | None:
    """Kind and rate of wrong labels that a run was trained on; None where they are as they were read."""
    kind = OmegaConf.select(run.config, "label_noise.kind")
    return None if kind in (None, "none") else (str(kind), float(OmegaConf.select(run.config, "label_noise.rate")))


def _loss(run: Run) -> str:
    return str(OmegaConf.select(run.config, "task.criterion._target_"))


def _validated(runs: Sequence[Run]) -> float:
    return float(np.mean([float(run.metrics["val/auroc_macro"]) for run in runs]))


def _missing(names: tuple[str, str], built: str, why: str) -> Line:
    return Line(*names, built, "", None, None, None, f"Not measured: {why}.")
