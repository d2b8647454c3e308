"""An explanation and its checks in sentences, for the terminal and for the page; none holds text of the report."""

from typing import NamedTuple

import numpy as np

from ecgmm.explaining.counterfactuals import REPORT_ALONE, WAVEFORM_ALONE
from ecgmm.explaining.explanation import Explanation
from ecgmm.explaining.sanity import N_DRAWS, N_ORDERS, Curves, Sanity, area, random_interval
from ecgmm.leads import LEADS


class Verdict(NamedTuple):
    """Outcome of a check: its name, whether it passes, and the numbers in words."""

    name: str
    passes: bool
    words: str

    def __str__(self) -> str:
        """One line."""
        return f"{'passed' if self.passes else 'NOT passed'}: {self.name}. {self.words}"


def in_words(it: Explanation) -> list[str]:
    """What counted for the answer, line by line."""
    said = [
        f"{it.class_name} has probability {it.probability:.3f}, log-odds {it.attribution.log_odds:+.2f}",
        *halves(it),
    ]
    if it.attribution.waveform is not None:
        sums = it.attribution.waveform.sum(axis=1)
        strongest = np.argsort(-np.abs(sums), kind="stable")[:3]
        leads = ", ".join(f"{LEADS[k]} {sums[k]:+.2f}" for k in strongest)
        unit = "nats" if it.method == "integrated_gradients" else "nats, summed over its samples"
        said.append(f"The leads that count most: {leads} {unit}.")
    for number, lost in enumerate(it.statement_losses, start=1):
        said.append(f"Without statement {number} of the report the log-odds change by {-lost:+.2f}.")
    return said


def halves(it: Explanation) -> list[str]:
    """What the gate did, and how much of the answer comes from which half."""
    said = []
    if it.gate is not None and it.attribution.waveform is not None and it.statements:
        said.append(f"The gate gives the ECG the weight {it.gate:.2f} and the report {1 - it.gate:.2f}.")
    if it.inconsistency is not None:
        said.append(
            f"The inconsistency of ECG and report is {it.inconsistency:+.2f}: above 0 they speak against one another."
        )
    waveform, words = it.attribution.waveform, it.attribution.words
    if it.method == "integrated_gradients" and waveform is not None and words is not None:
        said.append(
            f"Of the log-odds of {it.class_name}, the ECG adds {waveform.sum():+.2f} nats and the report"
            f" {words.sum():+.2f}, counted from a flat ECG with a report of unknown words"
            f" ({it.attribution.baseline_log_odds:+.2f}) to this record ({it.attribution.log_odds:+.2f})."
        )
    for one in it.answers:
        if one.kind in (WAVEFORM_ALONE, REPORT_ALONE):
            best = max(range(len(it.class_names)), key=one.probabilities.__getitem__)
            said.append(
                f"With the {one.kind}, {it.class_name} would have probability"
                f" {one.probabilities[it.class_index]:.3f}, and the most probable class would be"
                f" {it.class_names[best]} ({one.probabilities[best]:.3f})."
            )
    return said


def verdicts(it: Explanation, sanity: Sanity) -> list[Verdict]:
    """Outcome of each check of an explanation."""
    random = sanity.randomisation
    low, high = random.interval
    found = [
        Verdict(
            "shuffled weights change the map",
            random.passes,
            f"Rank correlation {np.mean(random.signed):.3f} [{low:.3f}, {high:.3f}] over {N_DRAWS} networks whose"
            f" weights were shuffled; without signs {np.mean(random.absolute):.3f}, which amplitudes decide.",
        ),
        *(_of_curves(it, one) for one in sanity.curves),
    ]
    if sanity.completeness is not None:
        whole = sanity.completeness
        words = f"Their sum is {whole.total:+.4f} nats and the difference to explain {whole.difference:+.4f}."
        found.append(Verdict("the values add up", whole.passes, words))
    return found


def _of_curves(it: Explanation, one: Curves) -> Verdict:
    def against(way: str) -> str:
        low, high = random_interval(getattr(one, f"random_{way}"))
        return f"{float(area(getattr(one, way))):.3f} against {low:.3f} to {high:.3f}"

    nothing = f" Insertion is not judged: the baseline has {one.insertion[0]:.3f} of {one.insertion[-1]:.3f} already."
    return Verdict(
        f"deletion{' and insertion' * one.rises} of the {one.half} beat{'' if one.rises else 's'} random orders",
        one.passes,
        f"Area of deletion {against('deletion')}, of insertion {against('insertion')} (central 95 % of"
        f" {N_ORDERS} random orders; probability of {it.class_name}).{'' if one.rises else nothing}",
    )
