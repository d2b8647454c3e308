"""Names and words from files reach a terminal, a log, a table, a page or a figure as text and as nothing else."""

import csv
import io
import logging
import logging.config
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from ecgmm.auditing.statement_coverage import print_coverage
from ecgmm.auditing.tables import print_audit
from ecgmm.configuration import CONF_DIR
from ecgmm.console.plain_console import PlainConsole
from ecgmm.console.terminal import say
from ecgmm.data.preparation.manifest import print_summary
from ecgmm.data.store.splits import SPLITS
from ecgmm.errors import printable
from ecgmm.plots import confusion_matrix, gate_histograms, roc_and_pr_curves
from ecgmm.plots.page import templates
from ecgmm.reporting import few_labels, figure4, gates, leads, reliability, report, table2
from ecgmm.reporting.escaping import csv_text, latex_text, markdown_text
from ecgmm.reporting.result_file import ResultTable
from ecgmm.runs.metrics import Metric, Metrics
from ecgmm.training.summary import print_metrics
from tests.reporting import simulated_runs
from tests.reporting.simulated_runs import write_run, write_study_run
from tests.reporting.test_report import Page

ESCAPE = "\x1b]0;OWNED\x07\x1b[2Jx\x9b31m\u202eb\r\n\x00"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://evil.invalid")'
LATEX = r"\input{/etc/passwd}%$x^2_&#{}~"
MARKDOWN = "[click](http://evil.invalid) `code` | cell | ![i](x) [a]: b"
MATHS = r"$\frac{$ and $\undefined$"
MARKUP = "[bold red]red[/] [link=http://evil.invalid]x[/link] :smile:"
HOSTILE = [FORMULA + ESCAPE, SCRIPT + MARKDOWN, LATEX, MATHS, MARKUP]
ALL = " ".join([*HOSTILE, MARKDOWN])
OF_RUNS = [FORMULA, *HOSTILE[1:]]
"""A run that holds control characters is refused (ecgmm.runs); the others are words like any."""
ALL_OF_RUNS = " ".join([*OF_RUNS, MARKDOWN])
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def assert_plain(text: str) -> None:
    assert CONTROL.search(text) is None, ascii(CONTROL.findall(text)[:5])


# Terminal and log


def test_say_prints_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    say(ALL, Path("a\x1bb"))
    say(ALL, to_stderr=True)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert len(told.err.splitlines()) == 1
    assert_plain(told.out + told.err)
    assert r"\x1b]0;OWNED\x07" in told.out


@pytest.mark.parametrize(
    "text", ["url=http://alice:s3cret@host/x", "'ftp://s3cret@host'", "a://b:s3c@s3cret@c b", "http://a:{s3cret@h"]
)
def test_no_password_of_an_address_is_printed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(text)
    assert "s3c" not in capsys.readouterr().out
    assert printable("http://host/@a b@c") == "http://host/@a b@c"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_console_shows_text_as_it_stands(name: str) -> None:
    from rich.table import Table

    text = io.StringIO()
    console = PlainConsole(file=text, width=300, force_terminal=False)
    table = Table(title=name)
    table.add_column(name)
    table.add_row(name)
    console.print(table)
    console.print(name)
    assert_plain(text.getvalue())
    shown = name.replace(ESCAPE, "")
    assert text.getvalue().count(shown) == 4


@pytest.mark.parametrize("kind", ["job_logging", "hydra_logging"])
def test_a_log_line_is_one_line_and_a_traceback_keeps_its_lines(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = OmegaConf.to_container(OmegaConf.load(CONF_DIR / "hydra" / kind / "stderr.yaml"))
    assert isinstance(settings, dict)
    before = logging.root.handlers[:]
    try:
        logging.config.dictConfig({str(key): value for key, value in settings.items()})
        logging.getLogger("ecgmm.test").warning("a %s", ALL)
        try:
            raise RuntimeError(ALL)
        except RuntimeError:
            logging.getLogger("ecgmm.test").exception("failed")
    finally:
        logging.root.handlers[:] = before
    lines = capsys.readouterr().err.splitlines()
    assert_plain("\n".join(lines))
    assert lines[0].startswith("a =HYPERLINK")
    assert lines[2].startswith("Traceback")


def counts() -> dict[str, int]:
    return dict.fromkeys(SPLITS, 7)


def test_what_prepare_prints(capsys: pytest.CaptureFixture[str]) -> None:
    labels = {"source": ALL, "counts": {name: counts() for name in HOSTILE}, "unlabelled": counts(), "notes": {ALL: 3}}
    manifest = {
        "source": {"name": ALL},
        "rate_hz": 500,
        "kept": 1,
        "readers": {ALL: 1},
        "lead_origins": {ALL: 1},
        "dropped": {ALL: 2},
        "without_waveform": 0,
        "text": {ALL: 1},
        "unreadable": {ALL: 4},
        "split": {"counts": counts()},
        "labels": {ALL: labels},
    }
    print_summary(manifest)
    assert_plain(capsys.readouterr().out)


def test_what_audit_prints(capsys: pytest.CaptureFixture[str]) -> None:
    area = {"value": 0.9, "low": 0.8, "high": 1.0}
    audit: dict[str, Any] = {
        "store": {"name": ALL},
        "labels": {"name": ALL, "source": ALL, "version": ALL, "classes": HOSTILE},
        "task": ALL,
        "classes": {name: counts() for name in HOSTILE},
        "dropped": {ALL: 1},
        "patients": {"in_several_splits": 0, "all": 1},
        "waveforms": {"in_several_splits": 0, "rows": 1},
        "reports": {"in_several_splits": 0, "rows": 1, "distinct": 1},
        "look_up": {"seen": 1, "test": 1, "seen_with_label": 1, "right": 1},
        "probes": [
            {"input": ALL, "text_policy": ALL, "auroc_macro": area, "auroc": dict.fromkeys(HOSTILE, 0.9)},
        ],
        "verdicts": [{"level": "LEAK", "about": ALL, "reason": ALL, "action": ALL}],
    }
    print_audit(audit, PlainConsole(width=200))
    many = [f"{ALL}{number}" for number in range(9)]
    audit["labels"]["classes"], audit["probes"][0]["auroc"] = many, dict.fromkeys(many, 0.9)
    print_audit(audit, PlainConsole(width=200))
    print_coverage([ALL, "sinus rhythm"])
    assert_plain(capsys.readouterr().out)


def test_what_train_and_evaluate_print(capsys: pytest.CaptureFixture[str]) -> None:
    measured = {f"test/{ALL.replace('/', '')}": Metric(value=0.9, low=0.8, high=1.0)}
    print_metrics(Metrics.model_construct(measured=measured, absent_classes=HOSTILE), Path(ALL))
    told = capsys.readouterr().out
    assert_plain(told)
    assert "0.800 - 1.000" in told


# Files


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("\t=1", r"'\t=1"),
        ("\r=1", r"'\r=1"),
        ("-1_000", "'-1_000"),
        ("-0.1", "-0.1"),
        ("+5", "+5"),
        ("-1e-05", "-1e-05"),
        (".5", ".5"),
        ("a=b", "a=b"),
        ("", ""),
        ("–", "–"),
    ],
)
def test_a_cell_is_no_formula_and_a_number_stays_one(text: str, cell: str) -> None:
    assert csv_text(text) == cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("<!-- x -->", "&lt;!-- x --&gt;"),
        ("</td>", "&lt;/td&gt;"),
        ("<http://evil>", "&lt;http://evil&gt;"),
        ("[x](http://evil)", r"[x\](http://evil)"),
        ("[x][y]", r"[x\][y]"),
        ("[x]: y", r"[x\]: y"),
        ("a|b", r"a\|b"),
        ("`a`", r"\`a\`"),
        (r"\`a\`", r"\\\`a\\\`"),
        ("a\nb", r"a\\nb"),
        ("p < 0.05, <0.001", "p < 0.05, <0.001"),
        ("**0.9** [+0.1, +0.2]", "**0.9** [+0.1, +0.2]"),
        ("gated_fusion", "gated_fusion"),
    ],
)
def test_markdown_is_words(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("%$&#_{}", r"\%\$\&\#\_\{\}"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"),
        ("[1ex]", "{}[1ex]"),
        ("*", "{}*"),
        ("a\nb", r"a\textbackslash{}nb"),
        ("**0.9**", r"\textbf{0.9}"),
    ],
)
def test_latex_is_words(text: str, shown: str) -> None:
    assert latex_text(text) == shown


@given(st.text(max_size=50))
def test_whatever_a_name_is(name: str) -> None:
    for shown in (csv_text(name), markdown_text(name), latex_text(name)):
        assert_plain(shown)
        assert "\n" not in shown
    assert re.search(r"<[A-Za-z/!?]|\]\(", markdown_text(name)) is None
    unescaped = re.sub(r"\\\\|\\[|`]", "", markdown_text(name))
    assert not {"|", "`"} & set(unescaped)
    left = re.sub(r"\\[%$&#_{}]|\\text\w+\{\}|\$\^?[^$]*\$|\\textbf\{.*?\}|\{\}", "", latex_text(name))
    assert not set("%$&#") & set(left)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs whose every name is hostile, in a folder that is as well."""
    monkeypatch.setattr(simulated_runs, "CLASSES", OF_RUNS)
    root = tmp_path / f"<img src=x onerror=alert(1)>=1+1{ESCAPE[:-1].replace('/', '')}"
    data = {
        "name": ALL_OF_RUNS,
        "fingerprint": "ab12cd34ef56" + "0" * 52,
        "synthetic": True,
        "splits": [{"split": "test", "records": 400, "patients": 200}],
    }
    facts: dict[str, Any] = {
        "reference": ALL_OF_RUNS,
        "commit": ALL_OF_RUNS,
        "recipe": ALL_OF_RUNS,
        "size": ALL_OF_RUNS,
        "precision": ALL_OF_RUNS,
        "fidelity": ALL_OF_RUNS,
        "versions": {ALL_OF_RUNS: ALL_OF_RUNS},
        "data": data,
        "labels": {"name": ALL_OF_RUNS, "source": ALL_OF_RUNS, "classes": OF_RUNS},
        "hardware": {"machine": ALL_OF_RUNS, "cpu_cores": 2, "cpu_threads": 1, "gpu": ALL_OF_RUNS},
    }
    for method in ("ecg_only", "gated_fusion"):
        write_run(root / f"{method}{ESCAPE[:20]}", method, 1, **facts)
    return root


def test_table_2_of_hostile_runs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table2.main([str(runs), "--resamples", "20"]) == 0
    told = capsys.readouterr()
    assert_plain(told.out + told.err)
    files = {suffix: (runs / f"table2.{suffix}").read_text(encoding="utf-8") for suffix in ("md", "csv", "tex")}
    for text in files.values():
        assert_plain(text)
    assert "<script" not in files["md"]
    assert "<img" not in files["md"]
    assert re.search(r"(?<!\\)\]\(", files["md"]) is None
    assert r"\input" not in files["tex"]
    cells = [cell for line in csv.reader(io.StringIO(files["csv"])) for cell in line]
    assert f"'{FORMULA}" in "".join(cells)
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell and not re.fullmatch(r"-?[\d.e-]+", cell)]


def test_the_page_of_hostile_runs(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    assert report.main([str(runs), "--out", str(out), "--resamples", "20"]) == 0
    text = out.read_text(encoding="utf-8")
    assert_plain(text)
    page = Page(text)
    assert page.all("script") == []
    assert [image for image in page.all("img") if not image["src"].startswith("data:image/")] == []
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.text
    for image in page.images:
        assert b"<script" not in image
    assert_plain(capsys.readouterr().out)


@pytest.mark.parametrize("collector", [gates, reliability, figure4])
def test_figures_of_hostile_runs(
    collector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulated_runs, "CLASSES", OF_RUNS)
    for fraction in (0.1, 1.0):
        folder = tmp_path / f"{fraction}{ESCAPE[:20]}"
        facts: dict[str, Any] = {"recipe": ALL_OF_RUNS, "commit": ALL_OF_RUNS, "ablation": ALL_OF_RUNS}
        write_study_run(folder, "gated_fusion", 1, fraction=fraction, name="fraction_sweep", **facts)
        if collector is not figure4:
            break
    assert collector.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert_plain(told.out + told.err)
    (caption,) = (tmp_path / "out").glob("*.txt")
    assert_plain(caption.read_text(encoding="utf-8"))


@pytest.mark.parametrize("collector", [leads, few_labels])
def test_what_has_nothing_to_show_says_so_without_control_characters(
    runs: Path, capsys: pytest.CaptureFixture[str], collector: Any
) -> None:
    assert collector.main([str(runs)]) == 2
    told = capsys.readouterr()
    assert told.err
    assert_plain(told.out + told.err)


@pytest.mark.parametrize("cell", [ALL, "=1+1", "<script>"])
def test_small_tables_of_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str) -> None:
    ResultTable([cell], ["method", "value"], [[cell, "1"]]).save(tmp_path, "small")
    told = capsys.readouterr()
    assert_plain(told.out + told.err)
    text = (tmp_path / "small.md").read_text(encoding="utf-8")
    assert_plain(text)
    assert "<script" not in text
    written = (tmp_path / "small.csv").read_text(encoding="utf-8").splitlines()
    lines = list(csv.reader(line for line in written if not line.startswith("#")))
    assert {len(line) for line in lines} == {2}
    assert not [one for line in lines for one in line if one.startswith("=")]


def test_a_template_shows_words(tmp_path: Path) -> None:
    (tmp_path / "a.jinja").write_text(
        '<p title="{{ name }}">{{ name }}</p><b>{{ bold }}</b><pre>{{ lines }}</pre>{{ n }}'
    )
    template = templates(tmp_path, {}).get_template("a.jinja")
    text = template.render(name=ALL, bold=Markup("<i>\x1b</i>"), lines="a\nb", n=7)
    assert_plain(text)
    page = Page(text)
    assert page.all("script") == []
    assert page.all("p")[0]["title"].endswith(MARKDOWN)
    assert text.endswith("<b><i>\\x1b</i></b><pre>a\nb</pre>7")


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_class_names_in_figures(kind: str) -> None:
    names = [ESCAPE, "<script>x", r"$\frac{$ $\undefined$", "a$b"]
    rng = np.random.default_rng(0)
    labels, n = rng.integers(0, len(names), 60), len(names)
    figures: list[Figure] = [
        confusion_matrix(np.ones((n, n), int), names),
        roc_and_pr_curves(labels, rng.dirichlet(np.ones(n), size=60), names),
        gate_histograms(rng.random(60).astype(np.float32), labels, names),
    ]
    for figure in figures:
        figure.set_layout_engine("none")  # as fast as can be
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=30)
        if kind == "svg":
            Tree.fromstring(content.getvalue())
            assert_plain(content.getvalue().decode())


@pytest.mark.parametrize("collector", [table2, report, gates, leads])
def test_control_characters_of_a_run_are_refused_in_plain_words(
    collector: Any, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(runs / "one more", "gated_fusion", 2, commit=ESCAPE)
    more = [] if collector in (table2, leads) else ["--out", str(tmp_path / "out")]
    assert collector.main([str(runs), *more]) == 2
    told = capsys.readouterr()
    assert_plain(told.out + told.err)
    assert "holds text that no run writes" in told.err
