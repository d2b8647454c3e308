"""Words of a report: header, departures from the paper, configurations, provenance."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.dashboard.content import shown_settings
from ecgmm.data.sources.source import flatten
from ecgmm.reporting import findings
from ecgmm.reporting.chapters import Chapter, Part, tables_of
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.participants import lines_of
from ecgmm.runs.run import Run

_WORDS = {
    "seed": "seed",
    "batch_size": "batch size",
    "warmup_fraction": "warm-up, part of all steps",
    "optimizer.lr": "learning rate",
    "optimizer.weight_decay": "weight decay",
    "trainer.max_epochs": "epochs",
    "trainer.gradient_clip_val": "gradient norm clipped at",
    "data.rate_hz": "sampling rate (Hz)",
    "data.window.length_s": "window (s)",
    "text.max_tokens": "longest report (tokens)",
}


def by_experiment(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by the name of their experiment (``name`` of the configuration), in order of their path."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(str(run.config.name), []).append(run)
    return groups


def without_folders(message: str) -> str:
    """A message in which paths of this machine are only their last part."""
    return re.sub(r"(?<![\w.])/(?:[^\s/]+/)+", "", message)


def header(runs: Sequence[Run]) -> dict[str, str]:
    """Values that all runs have in common, or each of those that they have."""
    facts = [run.facts for run in runs]
    return {
        "Data": _distinct(f"{one.data.name} ({one.data.fingerprint[:12]})" for one in facts),
        "Labels": _distinct(f"{one.labels.name}, source: {one.labels.source}" for one in facts),
        "Recipe": _distinct(one.recipe for one in facts),
        "Size": _distinct(one.size for one in facts),
        "Task": _distinct(one.task for one in facts),
        "Precision": _distinct(one.precision for one in facts),
        "Seeds": _distinct(one.seed for one in facts),
        "Hardware": _distinct(one.hardware for one in facts),
        "Commit": _distinct(one.commit or "unknown" for one in facts),
        "Runs": f"{len(runs)} finished: "
        + ", ".join(f"{name} {len(group)}" for name, group in by_experiment(runs).items()),
    }


def deviations(runs: Sequence[Run]) -> Section:
    """Departures of runs from what the paper says (its Table 1 is ``recipe=paper``), and what it leaves open."""
    paper = flatten(cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(CONF_DIR / "recipe" / "paper.yaml"))))
    settings = [
        (words, str(paper[key]), _distinct(OmegaConf.select(run.config, key) for run in runs))
        for key, words in _WORDS.items()
    ]
    facts = [run.facts for run in runs]
    settings += [
        ("precision", "16-mixed", _distinct(one.precision for one in facts)),
        ("data", "mimic_iv_ecg", _distinct(one.data.name for one in facts)),
        ("report", "full", _distinct(one.text_policy for one in facts)),
        ("part of the training patients", "1.0", _distinct(one.train_fraction for one in facts)),
    ]
    departures = [(words, printed, here) for words, printed, here in settings if here != printed]
    return Section("Departures from the paper", ("What", "Paper", "These runs"), departures + left_open(runs))


def left_open(runs: Sequence[Run]) -> list[tuple[str, str, str]]:
    """What the paper does not say, and what runs do."""
    facts, n_seeds = [run.facts for run in runs], len({run.seed for run in runs})
    spread = "one seed" if n_seeds == 1 else f"{n_seeds} seeds"
    return [
        ("labels", "not stated", _distinct(f"{one.labels.name} from {one.labels.source}" for one in facts)),
        ("encoders", "examples, no sizes", f"size {_distinct(one.size for one in facts)}, see the configurations"),
        ("partition", "“pre-defined”, not published", "by patient, or the folds that come with the data"),
        ("epoch that is tested", "not stated", "best macro AUROC on validation"),
        ("averaging of metrics", "not stated", "macro means, each class against the rest"),
        ("spread", "single numbers", f"{spread}, 95 % intervals over resampled patients"),
    ]


def participant_tables(runs: Sequence[Run], stores: Path | None = None) -> list[Section]:
    """Flow of the participants, once for all runs that share it; runs of earlier versions did not count them.

    Args:
        runs: Finished runs.
        stores: Not needed: runs hold the numbers.
    """
    methods: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    head: tuple[str, ...] = ()
    for run in runs:
        flow = run.facts.data.participants
        if flow is not None:
            head = ("", "All", *(split.split for split in flow.splits))
            methods.setdefault(tuple(lines_of(flow)), []).append(run.method)
    return [
        Section("All numbers" if len(methods) == 1 else f"Participants of {_distinct(names)}", head, lines)
        for lines, names in methods.items()
    ]


def warnings(runs: Sequence[Run]) -> dict[str, str]:
    """What must stand above all else, by its first words."""
    words = {}
    if any(run.facts.data.synthetic for run in runs):
        words["SYNTHETIC data."] = "What stands here shows that the code works, not how a method does on patients."
    if any(one.facts.leaky for run in runs for one in (run, *run.readouts)):
        words[LEAK_MARK] = (
            "marks runs whose labels come from the report that the method also reads: their numbers measure the leak."
        )
    return words


def closing(runs: Sequence[Run], compared: Sequence[Run]) -> list[Chapter]:
    """The end of every page: departures from the paper, configurations, provenance.

    Args:
        runs: All of the page.
        compared: Those whose settings are held against the paper's.
    """
    departures = deviations(compared)
    n_departures = len(departures.lines) - len(left_open(compared))
    texts = [Part(name, text=text, folded=True) for name, text in configurations(runs).items()]
    overview = [Part("Experiments", experiments(runs), look="words")] if len(runs) > 1 else []
    return [
        Chapter(
            "departures",
            departures.title,
            f"{n_departures} settings are not those of the paper.",
            about="Settings of the paper that these runs do not share, and what the paper leaves open. Every gap is"
            " discussed in docs/understand/paper-against-code.md of the source.",
            parts=[Part("", departures, look="words")],
        ),
        Chapter(
            "configuration",
            "Configuration",
            about="Resolved settings of one run a method. To print them, open them first.",
            parts=texts,
        ),
        Chapter(
            "provenance",
            "Provenance",
            findings.of_cost(runs),
            parts=[*overview, *tables_of(provenance(runs), look="dense")],
        ),
    ]


def configurations(runs: Sequence[Run]) -> dict[str, str]:
    """Resolved configuration of the first run of each method as YAML, without folders of this machine."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.method, run)
    return {f"{method} ({run.directory.name})": _yaml(run) for method, run in sorted(first.items())}


def experiments(runs: Sequence[Run]) -> Section:
    """Runs, methods and time of each experiment."""
    lines = [
        (
            name,
            str(len(group)),
            _distinct(run.method for run in group),
            f"{sum(run.facts.wall_time_s for run in group) / 60:,.1f}",
            f"{max(run.facts.peak_memory_mb for run in group):,}",
        )
        for name, group in by_experiment(runs).items()
    ]
    return Section("Experiments", ("Experiment", "Runs", "Methods", "Minutes in all", "Peak memory (MB)"), lines)


def provenance(runs: Sequence[Run]) -> list[Section]:
    """Versions, and one line per run."""
    names = list(dict.fromkeys(name for run in runs for name in run.facts.versions))
    versions = [(name, _distinct(run.facts.versions.get(name, "–") for run in runs)) for name in names]
    lines = [
        (
            run.directory.name,
            str(run.config.name),
            run.facts.data.fingerprint[:12],
            str(run.facts.commit or "unknown"),
            str(run.facts.hardware),
            f"{run.facts.wall_time_s:,.1f}",
        )
        for run in runs
    ]
    head = ("Run", "Experiment", "Data", "Commit", "Hardware", "Wall time (s)")
    return [Section("Versions", ("Package", "Version"), versions), Section("Runs", head, lines)]


def _yaml(run: Run) -> str:
    resolved = cast(dict[str, Any], OmegaConf.to_container(run.config))
    return OmegaConf.to_yaml(shown_settings(resolved))


def _distinct(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(sorted(map(str, values))))
