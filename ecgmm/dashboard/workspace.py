"""Lay out the λ study, the fraction study and Table 2 in W&B: a workspace to explore in and a report to read."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgmm.console.ending import ended
from ecgmm.console.system_errors import first_sentence
from ecgmm.console.terminal import say
from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS

LAMBDA, FRACTION, METHOD = "method.lambda_cons", "train_fraction", "facts.method"
"""Keys of the runs' configuration that the studies vary; ``facts`` is the content of run.json."""

_STEP, _HEADLINE = "trainer/global_step", f"test/{HEADLINE}"
_HEALTH = (
    "val/ecg_projection_norm",
    "val/text_projection_norm",
    "val/ecg_projection_rank",
    "val/text_projection_rank",
    "val/projection_gap",
)
_WIDTH, _HEIGHT, _COLUMNS = 8, 7, 3  # of a panel, on the report's grid of 24 columns

_INTRODUCTION = (
    "One run is one training with one seed. Bars are means over seeds, their whiskers the standard deviation between"
    " seeds; the interval of a single run, over patients, stands in its summary as <metric>.low and <metric>.high."
    " Runs tagged synthetic come from simulated data and show that the code works, not how a method does on patients;"
    " runs tagged leaky read the report that their labels come from. Tests and corrected p-values are in the table of"
    " `ecgmm table2`, not here."
)
_TEXTS = {
    "λ study": (
        "Figure 3: what the strength λ of the consistency loss does. Read the AUROC together with the panels below it:"
        " where norms and ranks of the projections fall towards zero while train/loss_cons vanishes, the constraint is"
        " met by a collapse, not by agreement. λ = 0 has no place on the logarithmic axis; the bars show it."
    ),
    "Fraction study": (
        "Figure 4: the same training with part of the patients. Smaller parts are contained in larger ones. Compare"
        " methods at one fraction, and how steeply each rises."
    ),
    "Table 2": (
        "The eight metrics of Table 2 by method. Differences smaller than the whiskers are no differences; the run"
        " comparer shows in which settings two runs differ."
    ),
    "Training curves": (
        "Validation AUROC chooses the epoch that is tested. A training loss that falls while validation AUROC does is"
        " over-fitting; the learning rate rises in the warm-up and then follows a cosine to zero."
    ),
}


def library() -> tuple[Any, Any]:
    """Import what writes workspaces and reports.

    Raises:
        UserError: If the extra is not installed.
    """
    try:
        from wandb_workspaces import workspaces
        from wandb_workspaces.reports import v2 as reports
    except ImportError as error:
        raise UserError("wandb-workspaces is not installed; run pip install 'ecgmm[dashboard]'") from error
    return workspaces, reports


def panels(reports: Any) -> dict[str, list[Any]]:
    """The panels of each section; ``reports`` is the module of panels."""

    def bars(key: str, by: str, title: str) -> Any:
        grouped = {"groupby": reports.Config(by), "groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
        metric = reports.SummaryMetric(key)
        return reports.BarPlot(title=title, metrics=[metric], orientation="v", max_bars_to_show=50, **grouped)

    def points(by: str, title: str) -> Any:
        axes = {"x": reports.Config(by), "y": reports.SummaryMetric(_HEADLINE), "log_x": True}
        return reports.ScatterPlot(title=title, **axes)

    def lines(key: str, by: str) -> Any:
        grouped = {"groupby": reports.Config(by), "groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
        return reports.LinePlot(
            title=key, x=_STEP, y=[key], title_x="training step", max_runs_to_show=100, aggregate=True, **grouped
        )

    curves = ("val/auroc_macro", "train/loss_total", "train/loss_cls", "train/loss_cons", "train/learning_rate")
    sections = {
        "λ study": [
            bars(_HEADLINE, LAMBDA, "Test AUROC (macro) by λ"),
            points(LAMBDA, "Test AUROC (macro) against λ, each run"),
            bars("test/gate_mean", LAMBDA, "Gate α by λ (0 = report only, 1 = waveform only)"),
            lines("train/loss_cons", LAMBDA),
            *(lines(key, LAMBDA) for key in _HEALTH),
        ],
        "Fraction study": [
            bars(_HEADLINE, FRACTION, "Test AUROC (macro) by part of the training patients"),
            points(FRACTION, "Test AUROC (macro) against part of the training patients"),
            reports.ParallelCoordinatesPlot(
                title="Method, part of the training patients and test AUROC (macro) of each run",
                columns=[
                    reports.ParallelCoordinatesPlotColumn(metric=metric)
                    for metric in (reports.Config(METHOD), reports.Config(FRACTION), reports.SummaryMetric(_HEADLINE))
                ],
            ),
        ],
        "Table 2": [
            *(bars(f"test/{key}", METHOD, f"Test {key.replace('_', ' ')}") for key in TABLE2_METRICS),
            reports.RunComparer(diff_only="split"),
        ],
        "Training curves": [lines(key, METHOD) for key in curves],
    }
    for section in sections.values():
        _lay_out(reports, section)
    return sections


def _lay_out(reports: Any, section: list[Any]) -> None:
    for number, panel in enumerate(section):
        row, column = divmod(number, _COLUMNS)
        panel.layout = reports.Layout(x=column * _WIDTH, y=row * _HEIGHT, w=_WIDTH, h=_HEIGHT)


_SWEEPS = {
    "λ study": ("lambda_sweep", (LAMBDA,)),
    "Fraction study": ("fraction_sweep", (METHOD, FRACTION)),
    "Table 2": ("table2", (METHOD,)),
    "Training curves": ("table2", (METHOD,)),
}
"""The W&B group (name of the sweep) that a section of the report shows, and what its runs are grouped by."""


def build_workspace(entity: str, project: str) -> Any:
    """The workspace: every sweep, one section a study, which begins with how to read it."""
    workspaces, reports = library()
    sections: list[Any] = []
    for name, section in panels(reports).items():
        group, _ = _SWEEPS[name]
        text = f"{_TEXTS[name]}\n\nShow the runs of its sweep alone: filter by `Group = {group}`."
        section.insert(0, reports.MarkdownPanel(markdown=text))
        _lay_out(reports, section)
        sections.append(workspaces.Section(name=name, panels=section, is_open=not sections))
    metrics = [f"summary:test/{key}" for key in TABLE2_METRICS]
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name="ecgmm studies",
        sections=sections,
        settings=workspaces.WorkspaceSettings(x_axis=_STEP, max_runs=100),
        runset_settings=workspaces.RunsetSettings(
            filters=f"Metric('Group') in {sorted({group for group, _ in _SWEEPS.values()})}",
            pinned_columns=["run:group", "config:facts.value.method", "config:seed.value", *metrics],
        ),
    )


def build_report(entity: str, project: str) -> Any:
    """The report: each study with its own runs and how to read it."""
    _, reports = library()
    blocks = [reports.P(_INTRODUCTION), reports.TableOfContents()]
    for name, section in panels(reports).items():
        group, keys = _SWEEPS[name]
        runs = reports.Runset(  # of the report's own project; to name it here would ask the server for it
            name=group,
            filters=f"Metric('Group') == '{group}'",
            groupby=[f"config.{key}" for key in keys],
        )
        blocks += [reports.H1(name), reports.P(_TEXTS[name]), reports.PanelGrid(runsets=[runs], panels=section)]
    return reports.Report(
        entity=entity,
        project=project,
        title="ecgmm: λ study, fraction study, Table 2",
        description="Made by ecgmm dashboard",
        blocks=blocks,
        width="fluid",
    )


def specification(workspace: Any, report: Any) -> dict[str, Any]:
    """Both as W&B's server gets them, plain data for JSON."""
    specs = {name: made._to_model().spec for name, made in (("workspace", workspace), ("report", report))}
    return {name: json.loads(spec.model_dump_json(by_alias=True, exclude_none=True)) for name, spec in specs.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make workspace and report, or write down what would be made; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entity", required=True, help="W&B user or team that owns the project")
    parser.add_argument("--project", default="ecgmm", help="W&B project of the runs (default ecgmm, as logger.project)")
    parser.add_argument("--dry-run", action="store_true", help="write the specification to --out and send nothing")
    parser.add_argument("--out", type=Path, default=Path("figures/dashboard.json"), help="file of --dry-run")
    options = parser.parse_args(arguments)
    return ended(lambda: _make(options.entity, options.project, options.out, options.dry_run), first_sentence)


def _make(entity: str, project: str, out: Path, dry_run: bool) -> None:
    workspace, report = build_workspace(entity, project), build_report(entity, project)
    import wandb

    if dry_run or not wandb.login(prompt=False, verify=False):
        out.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(specification(workspace, report), indent=1, ensure_ascii=False)
        out.write_text(content + "\n", encoding="utf-8")
        say(out)
        if not dry_run:
            say("not logged in, nothing was sent; run `wandb login` and call this again", to_stderr=True)
        return
    try:
        for made in (workspace, report):
            made.save()
            say(made.url)
    except Exception as error:  # the library lets pass whatever its network and server raise
        raise UserError(f"W&B did not take the dashboard ({error}); check --entity, --project and the login") from error
