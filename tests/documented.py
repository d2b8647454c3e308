"""Every command that README, CONTRIBUTING and the site show, and the reason why some of them are not run by a test."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
PROGRAMS = (
    "python",
    "ecgmm",
    "make",
    "pip",
    "pre-commit",
    "pytest",
    "torchrun",
    "srun",
    "wandb",
    "git",
    "chmod",
    "eval",
)
NOT_RUN = {
    r"make \w": "a target of the Makefile: test_documentation.py finds it there, CI runs it",
    r"pip |pre-commit ": "changes the environment, from a package index",
    r"ecgmm download ": "needs the network; tests/test_download.py has a server of its own",
    r"python -m benchmarks\.": "measures for minutes; tests/benchmarks runs what can be run small",
    r"ecgmm serve ": "serves until it is stopped; tests/serving/test_page.py starts it and ends it",
    r"ecgmm export .*\.onnx": "ten seconds; tests/exporting/test_formats.py writes one, and other formats are run here",
    r"ecgmm \w+ data=code_15 ": "needs h5py, an extra; tests/data/sources/test_code_15.py",
    r"srun |torchrun ": "needs several machines; tests/training/lightning/test_ddp_run.py starts two processes",
    r"ecgmm train trainer\.devices=2": "two processes; tests/training/lightning/test_ddp_run.py",
    r"ecgmm train method=(meit|ecg_doctor) recipe=native": "half a minute at 500 Hz; tests/training runs both rows",
    r"ecgmm train method=meit trainer\.devices=2": "two processes; tests/training/lightning/test_ddp_run.py",
    r"(WANDB_\w+=\w+ )?wandb ": "needs W&B's server; tests/dashboard runs it against a server of its own",
    r"ecgmm dashboard (?!.*--dry-run)": "needs W&B's server; tests/reporting/test_dashboard.py",
    r"ecgmm \w+ .*second_cart": (
        "minutes; tests/training/test_adaptation.py and tests/data/synthetic/test_second_cart.py do it with little data"
    ),
    r"ecgmm train .*augmentation=style": "minutes; tests/signal/test_style.py",
    r"ecgmm \w+ .*labels=table": "needs the reader's own labels; tests/training/test_own_labels.py writes some",
    r"ecgmm train .*(labels=ptb_xl_|experiment=ptb_xl_)": (
        "needs the published scp_statements.csv; tests/training/test_label_sets.py writes a small one"
    ),
    r"ecgmm train .*init\.weights=": "needs a public file; tests/models/test_published_encoders.py writes its like",
    r"ecgmm robustness .*data\.seed=1042": "needs a second tree; tests/disturbing runs the suite on a run's own store",
    r"ecgmm (train -m method=meit,.*name=writing|written_reports )": (
        "several trainings; tests/writing/test_written_reports.py runs it on small ones"
    ),
    r"ecgmm train .*targets=soft": "needs uncertain labels; tests/training/test_uncertain_labels.py has some",
    r"ecgmm train .*method=(merl|masked_reconstruction)": "seconds each; tests/models and tests/training have them",
    r"ecgmm train .*data\.seed=7": "another tree, which in small lacks a class; the same method is trained without",
    r"ecgmm train .*trainer\.max_epochs=30": "a minute; the same with fewer epochs is run",
    r"ecgmm prepare .*(data\.readers=32|rates_hz=|n_patients=2000|iv-ecg-1\.0\.zip|ptb-xl/1\.0\.3$)": (
        "another form of one that is run; tests/data/sources reads archives and both rates, and with many readers"
    ),
    r"ecgmm train logger(=none|=tensorboard$|=mlflow .*|\..*)$": "tests/dashboard; one of each logger is run here",
    r"ecgmm train .*(consistency=|criterion=|label_noise\.|half_weight=|ablation=|max_missing_share=)": (
        "settings of a run like others here; tests/training/test_experiments.py and those of each part try them"
    ),
    r"ecgmm train (method=meit|method=gated_fusion ecg_encoder=.*)$": "rows like others here; tests/models trains all",
    r"ecgmm train data=ptb_xl .*method=ecg_only$": "the same without method=ecg_only is run",
    r"ecgmm train data=mimic_iv_ecg .*labels=superclass text\.policy=masked$": "the same without the labels is run",
    r"ecgmm train recipe=quick task=multilabel .*data\.n_patients=600 ": "the same on PTB-XL is run",
    r"ecgmm (predict|explain) run=\S+ record=\S+ 'report=Sinus rhythm\. Left": "the same with a shorter report is run",
    r"ecgmm robustness .*strengths=\[3,5\]": "the same with all strengths is run",
    r"eval ": "changes the shell; tests/commands asks for completions",
    r"ecgmm (train \+experiment=label_review|suspicious_labels )": (
        "four trainings; tests/integrity/test_suspicious_labels.py makes a small review"
    ),
    r"ecgmm (zero_shot|retrieval) |ecgmm train \+experiment=unseen_classes": (
        "needs runs of contrastive rows; tests/shared_space/test_commands.py trains one"
    ),
    r"ecgmm (leads |(train|robustness) .*fewer_leads)": (
        "needs all strengths of the kind; tests/disturbing meets kinds with a run, tests/reporting/test_leads.py draws"
    ),
    r"ecgmm (few_labels |train \+experiment=few_labels)": (
        "a long sweep; tests/training/test_stages.py trains one of its runs, tests/reporting/test_few_labels.py draws"
    ),
    r"ecgmm (train \+experiment=(tuning|table2_tuned)|tuning) ?": (
        "hours; tests/commands/test_halving.py and tests/reporting/test_tuning.py search and choose at small size"
    ),
    r"ecgmm (evaluate|table2) outputs/(table2_tuned|five) ": "needs the runs of the tuned table",
    r"ecgmm (evaluate|table2) outputs/table2 .*(data\.seed=1042|fresh)": (
        "needs a second tree; tests/training/test_external_evaluation.py evaluates runs on one"
    ),
    r"ecgmm (train \+experiment=without_report |table2 .* outputs/withheld )": (
        "nine trainings; tests/training/test_run.py withholds a report; tests/reporting names such rows"
    ),
    r"ecgmm label_noise ": "needs the runs of a long sweep; tests/reporting/test_label_noise.py",
    r"pytest ": "a part of the test suite",
    r"ecgmm train \+experiment=(search|profile|\w+ seed=42\b|table2 (name|recipe)=)": (
        "minutes; tests/training/test_experiments.py starts every experiment, and its shorter forms are run here"
    ),
}

_FENCE = re.compile(r"^ *```+ *(\w*)")
_ASSIGNMENT = re.compile(r"^(?:[A-Z_]+=\S+ )+")


def code_lines(text: str) -> list[str]:
    """Lines of the fenced and indented blocks of a Markdown text, continued ones joined and without their indent."""
    lines: list[str] = []
    fenced = False
    shell = True
    before = ""
    for line in text.replace("\\\n", " ").splitlines():
        if opening := _FENCE.match(line):
            shell = opening[1] in ("", "bash", "sh", "console")
            fenced = not fenced
        indented = line.startswith("    ") and (not before.strip() or before.startswith("    "))
        if shell if fenced else indented:
            lines.append(line.strip())
        before = line
    return lines


def commands_of(text: str) -> list[str]:
    """The commands among the code lines of a text, without comments; further words in one blank each."""
    commands = []
    for line in code_lines(text):
        command = re.sub(r"\s+#.*$", "", line.removeprefix("$ "))
        program = _ASSIGNMENT.sub("", command).partition(" ")[0]
        if program in PROGRAMS:
            commands.append(re.sub(r"\s+", " ", command).strip())
    return commands


def all_commands() -> list[str]:
    """Each command of all documents once."""
    return sorted({command for path in DOCUMENTS for command in commands_of(path.read_text(encoding="utf-8"))})


def inline_commands() -> list[str]:
    """Commands that stand between backticks in a sentence."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    spans = {span.replace("\n", " ") for text in texts for span in re.findall(r"`([^`]+)`", text)}
    return sorted(re.sub(r"\s+", " ", span) for span in spans if re.match(r"python -m \w|ecgmm \w", span))


def reason_not_to_run(command: str) -> str | None:
    """Why no test runs a command; None for one that is run."""
    return next((reason for pattern, reason in NOT_RUN.items() if re.match(pattern, command)), None)


def name_and_arguments(command: str) -> tuple[str, list[str]]:
    """Name and arguments of ``ecgmm name …``; the name is empty where the list of commands is asked for."""
    words = shlex.split(_ASSIGNMENT.sub("", command))
    return (words[1], words[2:]) if len(words) > 1 else ("", [])
