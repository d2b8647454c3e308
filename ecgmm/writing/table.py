"""Numbers of written reports with their intervals: Markdown and CSV, without a word of any report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import Scorer, joint_scorer
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_difference_of, replicated_estimate
from ecgmm.evaluation.written_findings import LEAST_PATIENTS, OVERALL, findings_scorer
from ecgmm.evaluation.written_words import LONGEST_GRAM, words_scorer
from ecgmm.reporting.escaping import csv_text, markdown_text
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.text.tokenise import words_of
from ecgmm.writing.records import Report
from ecgmm.writing.systems import NEAREST, Comparison, System

COMPARED = "finding_f1"
_BOOTSTRAP_SEED = 0
_CLINICAL = {
    "finding_f1": "F1",
    "finding_precision": "Precision",
    "finding_recall": "Recall",
    "finding_f1_macro": "Macro F1",
    "hallucinated_per_report": "Hallucinated",
    "contradicted_per_report": "Contradicted",
}
_WORDING = {f"bleu_{n}": f"BLEU-{n}" for n in range(1, LONGEST_GRAM + 1)} | {
    "rouge_l": "ROUGE-L",
    "outside_vocabulary": "Own wording",
    "not_understood": "Not understood",
}
_SEPARATOR = " . "


@dataclass(frozen=True)
class WrittenReports:
    """A comparison, measured.

    Attributes:
        comparison: What is compared.
        replicates: Every metric of each system, by seed and in every resample.
        n_resamples: Patient resamples.
    """

    comparison: Comparison
    replicates: dict[str, Replicates]
    n_resamples: int

    @cached_property
    def values(self) -> dict[str, dict[str, Estimate]]:
        """Every metric of each system with its interval."""
        return {
            name: {key: replicated_estimate(key, one) for key in one.by_seed} for name, one in self.replicates.items()
        }

    @cached_property
    def gains(self) -> dict[str, Difference]:
        """F1 of what a run wrote minus that of the report that its own encoder retrieves."""
        pairs = {one.name: one.rival for one in self.comparison.systems if one.rival is not None}
        return {
            name: replicated_difference_of(COMPARED, self.replicates[name], self.replicates[rival])
            for name, rival in pairs.items()
        }

    def sections(self) -> list[Section]:
        """Findings, wording, and each finding."""
        return [
            self._section("Findings", _CLINICAL),
            Section(
                f"F1 of what is written minus that of the {NEAREST} by the same encoder",
                ("Row", "Difference (95 %)", "p"),
                [
                    (name, f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})", f"{gain.p_value:.3f}")
                    for name, gain in self.gains.items()
                ],
            ),
            self._section("Wording", _WORDING),
            self._by_finding(),
        ]

    def _section(self, title: str, heads: dict[str, str]) -> Section:
        lines = [(name, *(_cell(values[key]) for key in heads)) for name, values in self.values.items()]
        return Section(title, ("Row", *heads.values()), lines)

    def _by_finding(self) -> Section:
        names = [one.name for one in self.comparison.systems if one.rival is not None]
        names += [one.rival for one in self.comparison.systems if one.rival is not None]
        findings = [key for key in self.values[names[0]] if key.startswith("finding_f1/")]
        lines = [
            (key.partition("/")[2], *(_cell(self.values[name][key]) for name in names)) for key in sorted(findings)
        ]
        return Section(f"F1 of each finding that at least {LEAST_PATIENTS} patients have", ("Finding", *names), lines)

    def about(self) -> str:
        """Runs and records behind the numbers, SYNTHETIC where the records are."""
        runs, records = self.comparison.runs, self.comparison.records
        facts = runs[0].facts
        mark = "SYNTHETIC data: shows that the code works, not how a method does on patients. "
        seeds = ", ".join(map(str, sorted({run.seed for run in runs})))
        return (
            f"{mark * self.comparison.synthetic}{len(records.rows):,} records of {len(np.unique(records.patients)):,}"
            f" patients with a waveform and a report, split {self.comparison.split} of {self.comparison.store}; runs on"
            f" {facts.data.name} ({facts.data.fingerprint[:12]}), recipe {facts.recipe}, size {facts.size}, seeds"
            f" {seeds}. The report was withheld; 32 bits."
        )

    def notes(self) -> list[str]:
        """How to read the tables."""
        return [
            f"Values are means over seeds; 95 % intervals over {self.n_resamples:,} resamples of patients, with several"
            " seeds over training again too.",
            "Findings are those that the rule table reads in a report as at least probable and not denied; the name"
            " holds the region. References are whole reports, before any text policy hides a statement.",
            "Hallucinated: findings per report of which the reference does not speak at all. Contradicted: findings per"
            " report that one of both states and the other denies.",
            "Own wording: share of the written statements that no training report has. Not understood: share in which"
            " the rule table finds nothing.",
            f"'{NEAREST}': report of the training record with the highest cosine between waveform embeddings.",
            "ecg_doctor writes no text: its row is the findings that it tells, each in the most frequent training"
            " statement that states it.",
        ]

    def to_markdown(self) -> str:
        """All tables with their notes; reads in a terminal as well."""
        texts = ["# Reports written from the waveform alone", markdown_text(self.about())]
        for part in self.sections():
            texts += [f"## {markdown_text(part.title)}", markdown_table(part)]
        return "\n\n".join([*texts, "## How to read it", markdown_list(self.notes())]) + "\n"

    def to_csv(self) -> str:
        """One line for each row and metric, numbers unrounded."""
        systems = {one.name: one for one in self.comparison.systems}
        lines = [
            {
                "row": csv_text(name),
                "seeds": " ".join(map(str, systems[name].seeds)),
                "metric": key.partition("/")[0],
                "finding": csv_text(key.partition("/")[2]),
                "value": one.value,
                "low": one.low,
                "high": one.high,
            }
            for name, values in self.values.items()
            for key, one in values.items()
        ]
        lines += [
            {
                "row": csv_text(name),
                "seeds": " ".join(map(str, systems[name].seeds)),
                "metric": f"{COMPARED}_minus_nearest",
                "finding": "",
                "value": gain.value,
                "low": gain.low,
                "high": gain.high,
            }
            for name, gain in self.gains.items()
        ]
        return pl.DataFrame(lines).write_csv()


def measure(comparison: Comparison, n_resamples: int) -> WrittenReports:
    """Measure every system against the references."""
    patients = comparison.records.patients
    scorers = {one.name: _scorers(one, comparison) for one in comparison.systems}
    replicates = {name: replicate(some, patients, n_resamples, _BOOTSTRAP_SEED) for name, some in scorers.items()}
    return WrittenReports(comparison, replicates, n_resamples)


def _scorers(system: System, comparison: Comparison) -> list[Scorer]:
    references, patients = comparison.records.reports, comparison.records.patients
    words = _words(references)
    return [
        joint_scorer(
            [
                words_scorer(_words(reports), words),
                findings_scorer(reports, references, patients, comparison.vocabulary),
            ]
        )
        for reports in system.reports
    ]


def _words(reports: Sequence[Report]) -> list[list[str]]:
    return [words_of(_SEPARATOR.join(report)) for report in reports]


def _cell(one: Estimate) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


assert set(_CLINICAL) <= set(OVERALL)
