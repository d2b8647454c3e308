"""Files of an explanation: page, figures, and every number."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ecgmm.explaining.drawing import curves_figure, sheet_figure
from ecgmm.explaining.explanation import Explanation
from ecgmm.explaining.page import render
from ecgmm.explaining.sanity import Sanity, area
from ecgmm.files import write_json, write_whole
from ecgmm.leads import LEADS
from ecgmm.plots.look import save_figure
from ecgmm.runs.facts import RunFacts

NAME = "explanation"
PAGE, SHEET = f"{NAME}.html", (f"{NAME}.pdf", f"{NAME}.png")
WAVEFORM, WORDS, ANSWERS = "waveform.npz", "words.parquet", "answers.parquet"
_CURVES = ("deletion", "insertion", "random_deletion", "random_insertion")
CHECKS = ("sanity.json", "sanity.pdf", "sanity.png")


def save(explanation: Explanation, facts: RunFacts, folder: Path, sanity: Sanity | None = None) -> list[Path]:
    """Write an explanation.

    Args:
        explanation: What to write.
        facts: Of the run.
        folder: Where to; made where it is not there. Files of an earlier explanation in it are replaced.
        sanity: Its checks, where they were made.

    Returns:
        Page, sheet and values of samples where there is a waveform, values of words where they have some, answers, and
        the checks. Their owner alone may read them: they show the record, and the page and both tables its report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PAGE, *SHEET, WAVEFORM, WORDS, ANSWERS, *CHECKS):
        (folder / name).unlink(missing_ok=True)  # what this one lacks would seem to be its own
    page = folder / PAGE
    head = {"Method": facts.method, "Data of the run": facts.data.name, "Recipe": facts.recipe}
    head |= {"Size": facts.size, "Seed": str(facts.seed)}
    write_whole(page, render(explanation, head, facts.data.synthetic, sanity).encode())
    written = [page]
    if explanation.attribution.waveform is not None:
        written += [*save_figure(sheet_figure(explanation), folder / NAME), _save_waveform(explanation, folder)]
    if explanation.attribution.words is not None:
        path = folder / WORDS
        pl.DataFrame({"token": explanation.tokens, "value": explanation.attribution.words}).write_parquet(path)
        written.append(path)
    written.append(folder / ANSWERS)
    _answers(explanation).write_parquet(written[-1])
    if sanity is not None:
        path = folder / CHECKS[0]
        write_json(path, _numbers(sanity))
        curves = curves_figure(sanity.curves, explanation.class_name)
        written += [path, *save_figure(curves, folder / "sanity")]
    for path in written:
        path.chmod(0o600)
    return written


def _save_waveform(explanation: Explanation, folder: Path) -> Path:
    path = folder / WAVEFORM
    np.savez_compressed(
        path,
        attribution=np.asarray(explanation.attribution.waveform),
        signals_mv=np.asarray(explanation.signals_mv),
        rate_hz=np.array(explanation.rate_hz),
        leads=np.array(LEADS),
        class_name=np.array(explanation.class_name),
        log_odds=np.array(explanation.attribution.log_odds),
        baseline_log_odds=np.array(explanation.attribution.baseline_log_odds),
    )
    return path


def _answers(explanation: Explanation) -> pl.DataFrame:
    """A row an answer: what was left out, probability of each class, log-odds of each class, gate."""
    rows = []
    for one in explanation.answers:
        left_out = explanation.statements[int(one.which)] if one.kind == "without statement" else one.which
        shares = {f"p_{name}": share for name, share in zip(explanation.class_names, one.probabilities, strict=True)}
        odds = {f"log_odds_{name}": odd for name, odd in zip(explanation.class_names, one.log_odds, strict=True)}
        rows.append({"given": one.kind, "left_out": left_out, **shares, **odds, "gate": one.gate})
    return pl.DataFrame(rows, schema_overrides={"gate": pl.Float64})


def _numbers(sanity: Sanity) -> dict[str, Any]:
    random, whole = sanity.randomisation, sanity.completeness
    curves = [
        {
            "half": one.half,
            "passes": one.passes,
            "rises": one.rises,
            "deletion_area": float(area(one.deletion)),
            "insertion_area": float(area(one.insertion)),
            **{name: getattr(one, name).tolist() for name in _CURVES},
        }
        for one in sanity.curves
    ]
    return {
        "randomisation": {**asdict(random), "interval": random.interval, "passes": random.passes},
        "curves": curves,
        "completeness": None if whole is None else {**asdict(whole), "passes": whole.passes},
    }
