"""Parts of a model card about the model and its data: plain sentences, and tables as other pages have them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from omegaconf import OmegaConf

from ecgmm.leads import LEADS
from ecgmm.reporting import report_contents
from ecgmm.reporting.card_licences import licence_of_data, licences_of_weights
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run

FEW_RECORDS = 50
"""Positive test records below which a class is called rare here: its intervals are wide."""
_SOURCES = {
    "report": "read from the report that belongs to the recording",
    "own_report": "read from the reports of the store by the user's own table",
    "annotation": "given by people who looked at the recordings",
    "icd": "codes of hospital diagnoses, which are no reading of the recording",
    "simulation": "known, since the recordings are simulated",
    "other": "of another origin, as the user says",
    "unknown": "of an origin that nobody told the program",
}


@dataclass(frozen=True)
class Part:
    """One section of a card.

    Attributes:
        title: Heading.
        sentences: Paragraphs.
        points: A list below them.
        tables: Tables below it.
    """

    title: str
    sentences: Sequence[str] = ()
    points: Sequence[str] = ()
    tables: Sequence[Section] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the run has nothing to say here."""
        return not (self.sentences or self.points or self.tables)


def what_it_is(run: Run) -> Part:
    """Method, inputs and outputs."""
    facts = run.facts
    kind = "one class a recording" if facts.task == "single_label" else "any number of classes a recording"
    sees = {"ecg": "the 12-lead waveform", "text": "the report of the recording"}
    inputs = " and ".join(sees[name] for name in facts.inputs_at_test) or "neither waveform nor report"
    return Part(
        "What it is",
        [
            f"A diagnostic classifier of 12-lead electrocardiograms, developed and tested in one run of ecgmm: method"
            f" {facts.method} ({facts.reference}; fidelity: {facts.fidelity}). When it predicts it sees {inputs}; it"
            f" gives a probability for {len(facts.labels.classes)} classes, {kind}:"
            f" {', '.join(facts.labels.classes)}.",
            f"{facts.n_parameters:,} parameters, {facts.n_trainable_parameters:,} of them trained.",
        ],
    )


def intended_use(run: Run) -> Part:
    """Who may use it for what, and what speaks against more."""
    facts, data = run.facts, run.facts.data
    rare = [f"{row.name} ({row.n})" for row in run.metrics.per_class if row.n < FEW_RECORDS]
    limits = [
        "Tested on recordings of the source that it learnt from; other devices, hospitals and populations may differ.",
        "One run with one seed: intervals cover other patients, not training again.",
    ]
    if data.synthetic:
        limits.insert(0, "Learnt from and tested on SYNTHETIC recordings: nothing here holds for patients.")
    if facts.leaky:
        limits.insert(0, "The labels come from the report that the model reads: the numbers measure that leak.")
    if rare:
        limits.append(f"Classes with fewer than {FEW_RECORDS} positive test records: {', '.join(rare)}.")
    if run.metrics.absent_classes:
        limits.append(f"Never tested, for want of a test record: {', '.join(run.metrics.absent_classes)}.")
    if facts.label_noise is not None:
        limits.append(
            f"Labels of training were made wrong on purpose ({facts.label_noise.kind}, {facts.label_noise.rate})."
        )
    if not run.evaluations:
        limits.append("No evaluation on another store is in the run.")
    if {"ecg", "text"} <= set(facts.inputs_at_test):
        checked = "" if run.metrics.doubtful_above is not None else "not "
        limits.append(
            "A recording without a report is predicted from its waveform. Whether a report belongs to the recording is"
            f" {checked}checked."
        )
    return Part(
        "Intended use and limits",
        [
            "For research on methods by people who can read the numbers below. It is not a medical device: no study in"
            " care was made, and it must not be used for diagnosis, triage or treatment.",
            "The model gives a probability for a recording of poor quality too: look at the signal first.",
        ],
        limits,
    )


def data(run: Run) -> Part:
    """Source, fingerprint, preparation and licence."""
    facts, config = run.facts.data, run.config
    licence, cite = licence_of_data(facts.name)
    length_s, mode = (OmegaConf.select(config, f"data.window.{name}") for name in ("length_s", "mode"))
    window = "not stated" if length_s is None else f"{length_s:g} s ({mode or 'mode not stated'})"
    highpass_hz, limit_mv = (OmegaConf.select(config, f"waveform.{name}") for name in ("highpass_hz", "limit_mv"))
    limits = {} if run.facts.quality is None else run.facts.quality.limits
    lines = [
        ("source", facts.name + (", SYNTHETIC" if facts.synthetic else "")),
        ("fingerprint of the store", facts.fingerprint),
        ("leads", ", ".join(LEADS)),
        ("sampling rate", "not stated" if facts.rate_hz is None else f"{facts.rate_hz:g} Hz"),
        ("window", window),
        ("samples limited to", "not stated" if limit_mv is None else f"{limit_mv:g} mV"),
        ("high-pass", "none" if highpass_hz is None else f"{highpass_hz:g} Hz"),
        ("missing samples", "bridged by straight lines; a lead without a sample is flat"),
        ("scale", "z-scores by the mean and standard deviation of each lead in the training split"),
        ("limits of quality", ", ".join(f"{name} {value}" for name, value in limits.items()) or "none"),
        ("origin of the reports", run.facts.text_origin),
        ("licence", licence),
        ("to cite", cite),
    ]
    return Part("Data", tables=[Section("Data", ("What", "In this run"), lines)])


def participants(run: Run) -> Part:
    """Flow of the participants; runs of earlier versions did not count them."""
    tables = report_contents.participant_tables([run])
    if not tables:
        return Part("Participants")
    flow = "From the records that the source lists to those that each split uses; a row is a window of a record."
    split = "Training chose the weights, validation the epoch, temperature and thresholds, test gave the numbers."
    return Part("Participants", [flow, split], tables=[replace(tables[0], title="Participants")])


def labels(run: Run) -> Part:
    """Label set, where it is read from, and what it leaves out."""
    facts = run.facts.labels
    source = _SOURCES.get(facts.source, facts.source)
    sentences = [f"Label set {facts.name} ({facts.digest or 'no digest'}), {source}. Targets: {run.facts.targets}."]
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in facts.dropped.items() if count)
    if dropped:
        sentences.append(f"Records that it leaves out: {dropped}.")
    return Part("Labels", sentences)


def leak_audit(run: Run) -> Part:
    """Whether labels and text come from one statement of the truth."""
    facts = run.facts
    verdict = (
        "LEAK: the labels come from the very report that the model reads, and allow_leaky=true accepted it."
        if facts.leaky
        else "No leak was found by origin: the model does not read the statements that its labels were read from."
    )
    return Part(
        "Leak audit",
        [
            f"{verdict} Labels: {facts.labels.source}; reports: {facts.text_origin}; text policy: {facts.text_policy};"
            f" inputs at test: {', '.join(facts.inputs_at_test) or 'none'}.",
            "The check compares origins. What a report gives away in other words is measured by ecgmm audit, whose"
            " result is no part of a run.",
        ],
    )


def training(run: Run) -> Part:
    """Settings that differ from the paper's, balance of classes, hardware and time."""
    facts = run.facts
    epoch = "solved at once" if facts.seconds_per_epoch is None else f"{facts.seconds_per_epoch:,.1f} s an epoch"
    versions = {name: facts.versions.get(name, "unknown") for name in ("ecgmm", "torch")}
    sentences = [
        f"Recipe {facts.recipe}, size {facts.size}, seed {facts.seed}, criterion {facts.criterion},"
        f" {facts.train_fraction:.0%} of the training patients, sampling {facts.sampling}.",
        f"{facts.precision} on {facts.hardware}: {epoch}, {facts.wall_time_s:,.0f} s in all,"
        f" {facts.peak_memory_mb:,.0f} MB at most. Commit {facts.commit or 'unknown'}, ecgmm {versions['ecgmm']}, torch"
        f" {versions['torch']}.",
    ]
    return Part("Training", sentences, tables=[report_contents.deviations([run])])


def licences(run: Run) -> Part:
    """Licence of the weights."""
    chosen = "The licence of these weights is for their publisher to choose, within the terms of data and towers."
    return Part("Licence of the weights", [chosen], licences_of_weights(run))


def how_to_use(run: Run) -> Part:
    """Where model and code are."""
    return Part(
        "How to use it",
        [
            "ecgmm (Apache-2.0) computes predictions: ecgmm predict for a recording, ecgmm.load_run in Python. The"
            " folder model of the run holds weights, vocabularies and all that prepares an input; vocabularies are"
            " words of reports, so look at the terms of the data before passing them on.",
        ],
    )
