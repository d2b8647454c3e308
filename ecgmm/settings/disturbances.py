"""Catalogue of the suite of disturbances: kinds, what each does, and its five strengths in millivolts, words or shares.

``ecgmm.disturbing`` makes the disturbances, tables and figures read here what they are called.
"""

from typing import Literal, NamedTuple

Modality = Literal["waveform", "report", "both"]
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
N_STRENGTHS = 5


class Kind(NamedTuple):
    """A kind of disturbance.

    Attributes:
        number: Key of its stream of random numbers; it stays as it is.
        modality: What is disturbed.
        strengths: Five, from the weakest to the strongest.
        unit: Of the strengths.
        what: What happens to a record.
    """

    number: int
    modality: Modality
    strengths: tuple[float, float, float, float, float]
    unit: str
    what: str


_TIME, _RECORDS = "share of the recording", "share of records"

KINDS: dict[str, Kind] = {
    "single_lead_lost": Kind(1, "waveform", SHARES, _TIME, "one lead at random is lost for a stretch"),
    "limb_leads_lost": Kind(2, "waveform", SHARES, _TIME, "the six limb leads are lost for a stretch"),
    "chest_leads_lost": Kind(3, "waveform", SHARES, _TIME, "V1 to V6 are lost for a stretch"),
    "only_lead_ii": Kind(4, "waveform", SHARES, _TIME, "all leads but II are lost for a stretch"),
    "random_leads_lost": Kind(5, "waveform", (1, 3, 6, 9, 11), "leads", "so many leads at random are lost throughout"),
    "arms_exchanged": Kind(6, "waveform", SHARES, _RECORDS, "electrodes of right and left arm are exchanged"),
    "leg_exchanged": Kind(7, "waveform", SHARES, _RECORDS, "electrodes of left arm and left leg are exchanged"),
    "v1_v2_exchanged": Kind(8, "waveform", SHARES, _RECORDS, "electrodes V1 and V2 are exchanged"),
    "muscle_noise": Kind(
        9, "waveform", (0.02, 0.05, 0.1, 0.2, 0.4), "mV", "noise above 20 Hz at each electrode, root mean square"
    ),
    "mains": Kind(10, "waveform", (0.02, 0.05, 0.1, 0.2, 0.5), "mV", "hum of 50 Hz at each electrode, amplitude"),
    "drift": Kind(
        11, "waveform", (0.1, 0.25, 0.5, 1, 2), "mV", "a sine of 0.05 to 0.5 Hz at each electrode, amplitude"
    ),
    "motion": Kind(
        12, "waveform", (0.25, 0.5, 1, 2, 4), "mV", "three jolts of 0.1 to 0.5 s, each at one electrode, amplitude"
    ),
    "gaps": Kind(13, "waveform", (0.05, 0.1, 0.2, 0.4, 0.6), _TIME, "samples of all leads are missing for a stretch"),
    "clipping": Kind(14, "waveform", (2, 1, 0.6, 0.4, 0.25), "mV", "what lies beyond is cut off"),
    "gain_too_low": Kind(15, "waveform", (0.8, 0.65, 0.5, 0.35, 0.25), "factor", "all leads are too small"),
    "gain_too_high": Kind(16, "waveform", (1.25, 1.5, 2, 3, 4), "factor", "all leads are too large"),
    "calibration": Kind(
        17, "waveform", (0.05, 0.1, 0.2, 0.35, 0.5), "largest error", "I, II and V1 to V6 each have a gain of their own"
    ),
    "monitor_band": Kind(
        18, "waveform", (40, 35, 30, 25, 20), "Hz", "the band of a monitor: from 0.5 Hz up to this corner"
    ),
    "high_pass": Kind(19, "waveform", (0.5, 0.67, 1, 2, 3), "Hz", "what is slower is filtered out, without a shift"),
    "sampling_rate": Kind(20, "waveform", (80, 60, 50, 40, 25), "Hz", "recorded at this rate, then brought back"),
    "short_window": Kind(21, "waveform", (8, 6, 5, 3.5, 2), "s", "only the middle was recorded, zeros stand around it"),
    "lead_order": Kind(
        22,
        "waveform",
        (1, 2, 3, 4, 5),
        "order",
        "a header in another order is not heeded: aVF before aVL, II before I, Cabrera's limb leads, V6 to V1, chest"
        " before limb leads",
    ),
    "fewer_leads": Kind(
        24,
        "waveform",
        (6, 4, 3, 2, 1),
        "leads",
        "only so many leads were recorded: the limb leads; I, II, III, V2; I, II, V2; I, II; II",
    ),
    "waveform_missing": Kind(23, "waveform", SHARES, _RECORDS, "there is no waveform"),
    "report_missing": Kind(31, "report", SHARES, _RECORDS, "there is no report"),
    "foreign_report": Kind(32, "report", SHARES, _RECORDS, "the report is another patient's"),
    "foreign_report_other_class": Kind(
        33, "report", SHARES, _RECORDS, "the report is another patient's, whose classes are others"
    ),
    "statements_left_out": Kind(
        34, "report", (0.1, 0.25, 0.5, 0.75, 0.9), "share of statements", "each is left out by chance"
    ),
    "statement_negated": Kind(35, "report", SHARES, _RECORDS, "one statement of a finding is negated"),
    "statement_opposite": Kind(
        36,
        "report",
        SHARES,
        _RECORDS,
        "one statement of a finding becomes its opposite: a finding of another class for a normal one, a normal one for"
        " the others",
    ),
    "typing_errors": Kind(
        37, "report", (0.05, 0.1, 0.2, 0.4, 0.6), "share of words", "a letter is lost, doubled, exchanged or wrong"
    ),
    "abbreviations": Kind(38, "report", SHARES, "share of words", "words and terms that have one are abbreviated"),
    "summary_only": Kind(
        39, "report", SHARES, _RECORDS, "only the closing line is left (the last, where there is none)"
    ),
    "other_wording": Kind(
        40, "report", SHARES, "share of statements", "findings in the words of another cart, as the rule table has them"
    ),
    "cut_after_words": Kind(41, "report", (20, 12, 8, 5, 3), "words", "the report ends after so many words"),
    "previous_report": Kind(
        42, "report", SHARES, _RECORDS, "the report is that of the same patient's previous recording"
    ),
    "foreign_report_and_noise": Kind(
        51, "both", SHARES, _RECORDS, "another patient's report, and muscle noise of 0.02, 0.05, 0.1, 0.2, 0.4 mV"
    ),
    "thinned_report_and_lost_leads": Kind(
        52,
        "both",
        (0.1, 0.25, 0.5, 0.75, 0.9),
        "share of statements",
        "statements are left out, and 1, 3, 6, 9, 11 leads at random are lost",
    ),
}
"""All kinds by name, in the order of tables."""

HITS_RECORDS = frozenset(
    name for name, kind in KINDS.items() if kind.unit == _RECORDS and kind.modality in ("waveform", "report")
)
"""Kinds whose strengths hit more records and do the same to each: a record is as it was, or as at full strength."""

ROBUSTNESS = "robustness"
"""Folder of a run directory with what it predicts under disturbances."""
CLEAN = "clean"
"""Name of what is not disturbed, beside the kinds."""
