"""``run.json``: method, data, labels and settings of a run, what made it, and the digests of its files.

Beside it the facts of an evaluation on another store, which stand with its metrics.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, write_json
from ecgmm.runs.participants import Participants
from ecgmm.runs.reading import Classes, Count, Name, Names, Number, Schema, Share, Written, json_of, read_file

RUN = "run.json"
CROSS_ENTROPY = "cross-entropy"
"""What a run was trained with unless it says otherwise."""
SCHEMA_VERSION = 2
"""Of ``run.json``, and with it of the run directory."""

MOST_BYTES = 64 << 20
"""Largest size of ``run.json``, ``metrics.json`` and ``history.csv``."""
Task = Literal["single_label", "multi_label"]
Inputs = list[Annotated[str, Field(pattern="^(ecg|text)$")]]


class RunState(Schema):
    """The fields that ``run.json`` has from the beginning of a run to its end."""

    config_digest: str
    finished: bool
    files: dict[str, Written] = Field(default_factory=dict)


class LabelFacts(Schema):
    """The label set, and how many records it leaves out by reason."""

    name: str
    source: str
    digest: str = ""
    classes: Classes
    dropped: dict[str, Count] = Field(default_factory=dict)


class LabelNoiseFacts(Schema):
    """How labels of training and validation were made wrong on purpose; their numbers are in ``participants``."""

    kind: str
    rate: Share
    pairs: list[list[str]]


class QualityFacts(Schema):
    """Limits on the quality of waveforms, and the records that each leaves out, by split."""

    limits: dict[str, Any]
    left_out: dict[str, dict[str, Count]]


class ReadoutFacts(Schema):
    """A further prediction of the method."""

    inputs_at_test: Inputs
    leaky: bool


class SplitFacts(Schema):
    """Size of a split."""

    split: str
    records: Count
    patients: Count


class DataFacts(Schema):
    """The store that a run was trained on."""

    name: str
    fingerprint: str
    synthetic: bool
    rate_hz: Number | None = None
    splits: list[SplitFacts] = Field(default_factory=list)
    participants: Participants | None = None


class InitFacts(Schema):
    """Weights that a run began with in place of random ones: where from, and the names that matched and that did not.

    Of long lists of names the first thousand are kept; the numbers count all.
    """

    source: Literal["run", "file"]
    name: str
    sha256: str
    data: str | None = None
    prefix: str = ""
    frozen: bool
    n_weights: Count
    n_matched: Count
    n_left_over: Count
    n_missing: Count
    n_new: Count
    matched: list[str]
    left_over: list[str]
    missing: list[str]
    new: list[str]


class Hardware(Schema):
    """The machine."""

    machine: str
    cpu_cores: int | None
    cpu_threads: int
    gpu: str | None

    def __str__(self) -> str:
        return f"{self.gpu or 'no GPU'}, {self.machine} CPU with {self.cpu_threads} of {self.cpu_cores} cores"


class RunDescription(Schema):
    """Content of ``run.json`` before training begins; runs of earlier versions lack the fields that have a default."""

    schema_version: int
    config_digest: str = ""
    method: str
    inputs_at_test: Inputs
    reference: str
    fidelity: str
    recipe: str
    seed: Count
    task: Task
    targets: str = "hard"
    train_fraction: Share
    fraction_seed: Count | None = None
    label_fraction: Share | None = None
    labelled: SplitFacts | None = None
    labels: LabelFacts
    text_policy: str
    text_at_test: str = "report"
    sampling: str = "uniform"
    quality: QualityFacts | None = None
    label_noise: LabelNoiseFacts | None = None
    criterion: str = CROSS_ENTROPY
    held_out: str | None = None
    text_origin: str = "unknown"
    leaky: bool
    size: str
    ablation: str | None = None
    stages: Literal["joint", "two"]
    two_stages: bool
    learns_from_reports: bool = True
    readouts: dict[str, ReadoutFacts]
    data: DataFacts
    precision: str
    n_parameters: Count
    n_trainable_parameters: Count
    init: InitFacts | None = None


class RunFacts(RunDescription):
    """Content of ``run.json`` of a finished run."""

    commit: str | None
    versions: dict[str, str]
    hardware: Hardware
    seconds_per_epoch: Number | None
    wall_time_s: Number
    peak_memory_mb: Number
    finished: Literal[True]
    files: dict[str, Written] = Field(default_factory=dict)


class PatientFacts(Schema):
    """The search for patients of the run's training and validation in another store.

    Attributes:
        ids_compared: Whether ids of patients were compared: both stores are of one source.
        contents_compared: Whether recordings were compared, sample by sample: both stores have one rate, length and
            scale.
        dropped_patients: Patients of the store who were found and left out.
        dropped_records: Their rows.
    """

    ids_compared: bool
    contents_compared: bool
    dropped_patients: Count = 0
    dropped_records: Count = 0

    @property
    def checked(self) -> bool:
        """Whether anything was compared; else such patients may be there."""
        return self.ids_compared or self.contents_compared


class ExternalFacts(Schema):
    """Field ``external`` of a file of ``evaluation/``.

    Attributes:
        store: Name of the store's folder.
        source: Name of its source.
        fingerprint: Of the store.
        synthetic: Whether its recordings are simulated.
        split: The split, or ``all``.
        selection: Which records take part, by their number of classes.
        labels: Its label set with the classes of the store, and the rows of the split that it leaves out by reason.
        class_map: Class of the model by class of the store, where names differ.
        only_model: Classes of the model that the store does not have; no metric looks at them.
        only_store: Classes of the store that the model does not have.
        patients: The search for patients of the run.
        without_report: Rows that were predicted without a report.
    """

    store: Name
    source: Name
    fingerprint: str
    synthetic: bool
    split: str
    selection: str
    labels: LabelFacts
    class_map: dict[str, str] = Field(default_factory=dict)
    only_model: Names
    only_store: Names
    patients: PatientFacts
    without_report: Count


def write_description(directory: Path, description: RunDescription) -> None:
    """Write ``run.json`` of a run that begins."""
    write_json(directory / RUN, {**description.plain(), "finished": False})


def read_state(directory: Path) -> RunState | None:
    """``run.json`` of a run that may not be finished; None where there is none.

    Raises:
        DataError: If it cannot be used.
    """
    path = inside(directory, RUN)
    return RunState.read(json_of(path, read_file(directory, RUN, MOST_BYTES)), path) if path.exists() else None


def read_facts(directory: Path) -> RunFacts | None:
    """``run.json`` of a run; None where the run is not finished.

    Raises:
        DataError: If it cannot be used, or is of another version.
    """
    path = inside(directory, RUN)
    content = json_of(path, read_file(directory, RUN, MOST_BYTES))
    if content.get("finished") is not True:
        return None
    if content.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{printable(path)} has schema_version {printable(content.get('schema_version'))} and this program reads"
            f" {SCHEMA_VERSION}; train the run again with overwrite=true, or move it away"
        )
    return RunFacts.read(content, path)
