"""Wording of carts: every finding firm, hedged and vague, in the wording of MIMIC-IV-ECG's machine statements.

``{R}``, ``{r}`` and ``{U}`` stand for the region of the heart: capitalised, lower and upper case. Each tuple holds
wordings to choose from at random.
"""

from typing import NamedTuple

from ecgmm.data.synthetic import second_cart
from ecgmm.data.synthetic.state import CHAMBER, CONDUCTION, ST_T


class Wording(NamedTuple):
    """Wordings of one finding: said plainly, with a hedge, or so vaguely that the finding is not named."""

    firm: tuple[str, ...]
    hedged: tuple[str, ...]
    vague: tuple[str, ...]


_VAGUE_QRS = ("Poor R wave progression - probable normal variant", "Abnormal R-wave progression, late transition")
_VAGUE_T = ("Borderline repolarization abnormality", "Minor T wave changes")
_VAGUE_CONDUCTION = ("rSr'(V1) - probable normal variant", "Leftward axis")
_VAGUE_VOLTAGE = ("High QRS voltage - probable normal variant", "Borderline left axis deviation")

OLD_INFARCT = Wording(
    ("{R} infarct - age undetermined", "{R} infarct, old", "Old {r} infarct", "{R} infarct, age indeterminate"),
    ("Possible {r} infarct - age undetermined", "Cannot rule out {r} infarct - age undetermined",
     "Consider {r} infarct", "Probable {r} infarct - age undetermined"),
    _VAGUE_QRS,
)  # fmt: skip
ACUTE_INFARCT = Wording(
    ("{R} infarct - possibly acute", "*** {U} INFARCT - POSSIBLY ACUTE ***", "{R} infarct, acute", "Acute {r} infarct"),
    ("{R} ST elevation, CONSIDER ACUTE INFARCT", "Possible acute {r} infarct",
     "{R} ST elevation - cannot rule out myocardial injury"),
    ("{R} ST elevation - possible early repolarization", "{R} ST elevation may be a normal variant for age"),
)  # fmt: skip
ST_T_WORDING = {
    "ischemia": Wording(
        ("{R} ST-T changes suggest myocardial injury/ischemia", "{R} ST-T changes suggest myocardial ischemia",
         "Abnormal T, consider ischemia, {r} leads"),
        ("{R} ST-T changes may be due to myocardial ischemia", "{R} T wave changes may be due to myocardial ischemia",
         "{R} ST changes may be due to hypertrophy and/or ischemia"),
        ("{R} T wave changes are borderline", *_VAGUE_T),
    ),
    "nonspecific_t": Wording(
        ("{R} T wave changes are nonspecific", "Nonspecific T wave changes", "Nonspecific T abnormalities, {r} leads"),
        ("{R} T wave changes are borderline abnormal", "Borderline T abnormalities, {r} leads"),
        _VAGUE_T,
    ),
    "nonspecific_st": Wording(
        ("{R} ST changes are nonspecific", "Nonspecific ST-T changes", "Nonspecific ST depression, {r} leads"),
        ("{R} ST-T changes are borderline abnormal", "Borderline ST depression, {r} leads"),
        _VAGUE_T,
    ),
    "long_qt": Wording(("Prolonged QT interval", "Long QTc interval"), ("Borderline prolonged QT interval",), _VAGUE_T),
}  # fmt: skip
CONDUCTION_WORDING = {
    "first_degree_avb": Wording(
        ("1st degree A-V block", "First degree A-V block", "Prolonged PR interval"),
        ("Borderline 1st degree A-V block",),
        ("Borderline first degree A-V block - probable normal variant",),
    ),
    "incomplete_rbbb": Wording(
        ("Incomplete right bundle branch block",),
        ("RSR' in V1 or V2, right VCD or RVH", "Possible RV conduction delay"),
        _VAGUE_CONDUCTION,
    ),
    "rbbb": Wording(
        ("Right bundle branch block", "RBBB"), ("Conduction defect of RBBB type", "Probable right bundle branch block"),
        _VAGUE_CONDUCTION,
    ),
    "lbbb": Wording(
        ("Left bundle branch block", "LBBB"), ("IVCD, consider atypical LBBB", "Conduction defect of LBBB type"),
        _VAGUE_CONDUCTION,
    ),
    "lafb": Wording(
        ("Left anterior fascicular block", "Left axis deviation - anterior fascicular block"),
        ("Possible left anterior fascicular block", "LAD, consider left anterior fascicular block"),
        _VAGUE_CONDUCTION,
    ),
    "lpfb": Wording(
        ("Left posterior fascicular block", "Right axis deviation - left posterior fascicular block"),
        ("Possible left posterior fascicular block",), _VAGUE_CONDUCTION,
    ),
    "ivcd": Wording(
        ("Intraventricular conduction defect", "Nonspecific intraventricular conduction delay", "Extensive IVCD"),
        ("Borderline intraventricular conduction delay",), _VAGUE_CONDUCTION,
    ),
}  # fmt: skip
CHAMBER_WORDING = {
    "lvh": Wording(
        ("Left ventricular hypertrophy", "LVH with secondary repolarization abnormality", "LVH with ST-T changes"),
        ("Possible left ventricular hypertrophy", "LVH by voltage", "Consider left ventricular hypertrophy",
         "Probable left ventricular hypertrophy"),
        _VAGUE_VOLTAGE,
    ),
    "rvh": Wording(
        ("Right ventricular hypertrophy", "RVH with secondary ST-T changes"),
        ("Consider right ventricular hypertrophy", "Possible right ventricular hypertrophy"),
        ("Abnormally tall R wave in V1",),
    ),
    "lae": Wording(
        ("Left atrial abnormality", "Left atrial enlargement"),
        ("Possible left atrial abnormality", "Consider left atrial abnormality"), ("Abnormal P waves",),
    ),
    "rae": Wording(
        ("Right atrial enlargement", "Right atrial abnormality"),
        ("Possible right atrial abnormality", "Consider right atrial enlargement"), ("Abnormal P waves",),
    ),
}  # fmt: skip
assert set(ST_T_WORDING) == set(ST_T)
assert set(CONDUCTION_WORDING) == set(CONDUCTION)
assert set(CHAMBER_WORDING) == set(CHAMBER)

IN_RHYTHM_LINE = "1st degree A-V block"
"""A finding that ends like this joins the line of a sinus rhythm: "Sinus rhythm with 1st degree A-V block"."""
RHYTHM_LINES = {
    "sinus": ("Sinus rhythm",),
    "sinus_bradycardia": ("Sinus bradycardia",),
    "sinus_tachycardia": ("Sinus tachycardia",),
    "sinus_arrhythmia": ("Sinus arrhythmia", "Sinus rhythm with sinus arrhythmia"),
    "atrial_fibrillation": ("Atrial fibrillation",),
    "atrial_flutter": ("Atrial flutter", "Atrial flutter with variable A-V block"),
    "paced": ("Ventricular pacing", "Ventricular-paced rhythm", "Demand ventricular pacing"),
}
RESPONSES = {"rapid": ("with rapid ventricular response", "with uncontrolled ventricular response"),
             "slow": ("with slow ventricular response",)}  # fmt: skip
ATRIAL_BEATS = {
    "few": ("PAC(s)", "PACs", "occasional PACs"),
    "many": ("frequent PACs", "frequent supraventricular extrasystoles"),
}
VENTRICULAR_BEATS = {
    "few": ("PVC(s)", "PVCs", "multifocal PVCs"),
    "many": ("frequent PVCs", "frequent multifocal PVCs"),
}

LEFT_AXIS, RIGHT_AXIS = ("Left axis deviation",), ("Right axis deviation",)
LOW_VOLTAGE_LINES = (
    "Low QRS voltages in limb leads",
    "Low voltage, extremity leads",
    "Low QRS voltages in precordial leads",
)
EARLY_REPOLARIZATION_LINES = ("Anterolateral ST elevation - possible early repolarization",
                              "Lateral ST elevation suggests early repolarization")  # fmt: skip
TECHNICAL_LINES = (
    "--- Warning: Data quality may affect interpretation ---",
    "*** report made without knowing patient's age ***",
    "Age not entered, assumed to be  50 years old for purpose of ECG interpretation",
    "Baseline wander in lead(s) V2",
    "Artifact in lead(s) I,II,aVR",
    "LEAD(S) UNSUITABLE FOR ANALYSIS: V1",
    "Pacer detection suspended due to external noise-review advised",
)

SUMMARIES: dict[str, dict[str, tuple[str, ...]]] = {
    "line": {"normal": ("Normal ECG",), "borderline": ("Borderline ECG",), "abnormal": ("Abnormal ECG",)},
    "summary": {
        "normal": ("Summary: NORMAL ECG", "Summary: NORMAL ECG EXCEPT FOR RATE"),
        "borderline": ("Summary: BORDERLINE ECG",),
        "abnormal": ("Summary: ABNORMAL ECG",),
    },
    "second": second_cart.SUMMARIES,
}
"""The dialects of the closing line: two of the first make of cart, and that of the second."""
