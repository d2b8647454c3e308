"""Facts of an evaluation on another store than the run's: what was measured on, and how it was brought to the model."""

from pydantic import Field

from ecgmm.runs.facts import LabelFacts
from ecgmm.runs.reading import Count, Name, Names, Schema


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
