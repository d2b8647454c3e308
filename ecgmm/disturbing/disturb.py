"""A kind and a strength at work on all records; each record's result depends on its own stream alone."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ecgmm.disturbing import leads, signals
from ecgmm.disturbing.inputs import Disturbed, Inputs, Report
from ecgmm.disturbing.leads import Generators, Steps, hit
from ecgmm.disturbing.reports import REPORTS
from ecgmm.settings.disturbances import KINDS

_AT_ONCE = 256  # records: what that takes in float32 stays small beside the waveforms themselves
_LEADS: dict[str, Callable[[Steps, float, Generators], Steps]] = {
    "single_lead_lost": leads.lose_one_lead,
    "limb_leads_lost": partial(leads.lose_leads, leads=leads.LIMB_LEADS),
    "chest_leads_lost": partial(leads.lose_leads, leads=leads.CHEST_LEADS),
    "only_lead_ii": partial(leads.lose_leads, leads=leads.ALL_BUT_II),
    "random_leads_lost": leads.lose_random_leads,
    "fewer_leads": leads.keep_leads,
    "arms_exchanged": partial(leads.rearrange, leads=leads.ARMS),
    "leg_exchanged": partial(leads.rearrange, leads=leads.LEFT_ARM_AND_LEG),
    "v1_v2_exchanged": partial(leads.rearrange, leads=leads.V1_V2),
    "gaps": leads.leave_gap,
    "lead_order": leads.misread_order,
    "waveform_missing": leads.lose_waveform,
}
_HZ_BELOW_HALF_THE_RATE = {"mains": signals.MAINS_HZ, "muscle_noise": signals.MUSCLE_HZ}
_STRENGTH_BELOW_HALF_THE_RATE = ("monitor_band", "high_pass")


def cannot_meet(name: str, strength: float, rate_hz: float, length_s: float) -> str | None:
    """Reason why records of a rate and length cannot meet a disturbance; None where they can."""
    if name == "sampling_rate" and strength >= rate_hz:
        return f"{strength:g} Hz is not below the store's {rate_hz:g} Hz"
    if name == "short_window" and strength >= length_s:
        return f"the records have {length_s:g} s"
    highest_hz = strength if name in _STRENGTH_BELOW_HALF_THE_RATE else _HZ_BELOW_HALF_THE_RATE.get(name, 0)
    if highest_hz >= rate_hz / 2:
        return f"{highest_hz:g} Hz is not below half of the store's {rate_hz:g} Hz"
    return None


def disturb(inputs: Inputs, name: str, strength: float, seed: int) -> Disturbed:
    """Disturb all records.

    Args:
        inputs: The records.
        name: Of a kind.
        strength: One of the kind's.
        seed: Seed of the suite.
    """
    kind = KINDS[name]
    if name == "foreign_report_and_noise":
        rms_mv = KINDS["muscle_noise"].strengths[kind.strengths.index(strength)]
        report = disturb(inputs, "foreign_report", strength, seed)
        return _both(report, disturb(inputs, "muscle_noise", rms_mv, seed))
    if name == "thinned_report_and_lost_leads":
        n_leads = KINDS["random_leads_lost"].strengths[kind.strengths.index(strength)]
        report = disturb(inputs, "statements_left_out", strength, seed)
        return _both(report, disturb(inputs, "random_leads_lost", n_leads, seed))
    generators = inputs.generators(kind.number, seed)
    if kind.modality == "waveform":
        return _waveforms(inputs, name, strength, generators)
    return _reports(inputs, name, strength, generators)


def _both(report: Disturbed, waveform: Disturbed) -> Disturbed:
    return report._replace(waveforms=waveform.waveforms, changed=report.changed | waveform.changed)


def _waveforms(inputs: Inputs, name: str, strength: float, generators: Generators) -> Disturbed:
    def change(block: Steps, some: Generators) -> Steps:
        if name in _LEADS:
            return _LEADS[name](block, strength, some)
        return signals.changed(block, strength, some, inputs.rate_hz, inputs.mv_per_step, signals.SIGNALS[name])

    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(inputs.rows), _AT_ONCE)]
    waveforms = np.concatenate([change(inputs.waveforms[part], generators[part]) for part in parts])
    changed = np.concatenate([(waveforms[part] != inputs.waveforms[part]).any(axis=(1, 2)) for part in parts])
    has_waveform = None
    if name == "waveform_missing":
        has_waveform = inputs.has_waveform & ~changed
    return Disturbed(waveforms, has_waveform, None, changed)


def _reports(inputs: Inputs, name: str, strength: float, generators: Generators) -> Disturbed:
    other_class = None
    if name in REPORTS:
        made = [REPORTS[name](*one) for one in zip(inputs.reports, _repeat(strength, inputs), generators, strict=True)]
    elif name.startswith("foreign_report"):
        made, other_class = _foreign(inputs, hit(strength, generators), generators, name.endswith("other_class"))
    else:
        others = inputs.previous if name == "previous_report" else [[] for _ in inputs.reports]
        is_hit = hit(strength, generators)
        made = [
            other if chosen and other is not None else own
            for own, other, chosen in zip(inputs.reports, others, is_hit, strict=True)
        ]
    changed = np.array([one != own for one, own in zip(made, inputs.reports, strict=True)])
    return Disturbed(None, None, made, changed, other_class)


def _foreign(
    inputs: Inputs, is_hit: NDArray[np.bool_], generators: Generators, of_other_class: bool
) -> tuple[list[Report], NDArray[np.bool_]]:
    """Reports of other patients in place of those of the records that are hit, and whether their classes differ."""
    with_report = np.flatnonzero([bool(report) for report in inputs.reports])
    made, differs = list(inputs.reports), np.zeros(len(inputs.reports), bool)
    for index in np.flatnonzero(is_hit & np.array([bool(report) for report in inputs.reports])).tolist():
        for donor in generators[index].permutation(with_report):
            other_class = inputs.other_class(index, int(donor))
            if inputs.patients[donor] != inputs.patients[index] and (other_class or not of_other_class):
                made[index], differs[index] = inputs.reports[donor], other_class
                break
    return made, differs


def _repeat(strength: float, inputs: Inputs) -> list[float]:
    return [strength] * len(inputs.reports)
