"""Command lines: what is written for a path or a text is what arrives, and what cannot be read is cured."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import example, given
from hypothesis import strategies as st

from ecgmm import plan
from ecgmm.configuration import CONF_DIR
from ecgmm.settings.arguments import readable
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.lookup import known_keys
from ecgmm.settings.messages import hydra_sentence
from ecgmm.settings.resolvers import run_name
from ecgmm.training.evaluation_choice import Choice

HOME = os.path.expanduser("~")  # noqa: PTH111 (as text)
Command = Callable[..., int]


def arrives(argument: str) -> object:
    """The value that Hydra reads after the conversion."""
    (text,) = readable([argument])
    return OverridesParser.create().parse_override(text).value()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("record=40689238", "40689238"),
        ("record=00123", "00123"),
        ("record=1e5", "1e5"),
        ("record=true", "true"),
        ("record=null", None),
        ("record=./null", "./null"),
        ("name=2024_11_29", "2024_11_29"),
        ("paths.stores=2024", "2024"),
        ("logger.project=7", "7"),
        ("run=outputs/train/method=concat,recipe=quick", "outputs/train/method=concat,recipe=quick"),
        ("run='outputs/a=b,c'", "outputs/a=b,c"),
        ('run="a,b"', "a,b"),
        ("run=a\\,b", "a,b"),
        ("data.root=a (1)/ptb", "a (1)/ptb"),
        ("data.root=Ärzte/[x]{y}", "Ärzte/[x]{y}"),
        ("data.root=~/ptb", f"{HOME}/ptb"),
        ("data.root='~/ptb'", f"{HOME}/ptb"),
        ("data.root=a~b/~c", "a~b/~c"),
        ("hydra.run.dir=~/x", f"{HOME}/x"),
        ("pretrained.name_or_path=~/bert", f"{HOME}/bert"),
        ("report=42", "42"),
        ("report=Sinus rhythm, rate 72.", "Sinus rhythm, rate 72."),
        ("report=ST-Hebung möglich", "ST-Hebung möglich"),
        ('report=patient\'s "own" words; 100 % = all!', 'patient\'s "own" words; 100 % = all!'),
        ("report=Sinus rhythm.\nLeft axis deviation.", "Sinus rhythm.\nLeft axis deviation."),
        ("report=~ 72/min", "~ 72/min"),
        ("url=https://example.org/a?b=c,d", "https://example.org/a?b=c,d"),
        ("seed=5", 5),
        ("ecg_encoder.channels=[8,16]", [8, 16]),
        ("data.folds=null", None),
        ("text_encoder.config={a: 1}", {"a": 1}),
    ],
)
def test_a_path_and_a_text_arrive_as_written(argument: str, value: object) -> None:
    assert arrives(argument) == value


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\'\""), min_size=1))
@example("a=b,c [d] {e} (f) ~ % ; ! # ä\t\n")
def test_any_text_arrives_as_written(text: str) -> None:
    if text.strip().lower() == "null" or text != text.strip():
        return  # null is a value of its own, and Hydra strips blanks where it needs no quotes
    assert arrives(f"report={text}") == text


@pytest.mark.parametrize(
    "argument",
    [
        "run=outputs/train/default",
        "paths.outputs=/tmp/out",
        "text_encoder.name_or_path=../models/bert",
        "method=concat",
    ],
)
def test_what_hydra_reads_rightly_stays_untouched(argument: str) -> None:
    assert readable([argument]) == [argument]  # and so do the names of run directories


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-m", "run='outputs/t/a=1,b'", "leads=[II],[I,II]"], ["-m", "run='outputs/t/a=1,b'", "leads=[II],[I,II]"]),
        (["-m", "run=a,b"], ["-m", "run=a,b"]),
        (["-m", "run=~/a,~/b c"], ["-m", f"run='{HOME}/a','{HOME}/b c'"]),
        (["-m", "run='~/a,b',c"], ["-m", f"run='{HOME}/a,b',c"]),
        (["-m", "record=1,2"], ["-m", "record='1','2'"]),
        (["-m", "method=concat,mean"], ["-m", "method=concat,mean"]),
        (["-m", "method=glob(*)"], ["-m", "method=glob(*)"]),
        (["-m", "+ablation=paper,cosine"], ["-m", "+ablation=paper,cosine"]),
        (["+experiment=table2", "data.root=~/x"], ["+experiment=table2", f"data.root='{HOME}/x'"]),
        (["trainer.limit_train_batches=5"], ["++trainer.limit_train_batches=5"]),
        (["+optimizer.fused=true"], ["++optimizer.fused=true"]),
        (["--config-dir", "conf", "--cfg", "job"], ["--config-dir", "conf", "--cfg", "job"]),
    ],
)
def test_sweeps_keep_their_commas(arguments: list[str], expected: list[str]) -> None:
    assert readable(arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["+experiment=lambda_sweep,ablation"],
        ["-m", "+experiment=lambda_sweep,ablation"],
        ["+experiment=[lambda_sweep,ablation]"],
        ["+experiment=choice(lambda_sweep,ablation)"],
        ["+experiment=glob(*)"],
        ["+experiment=lambda_sweep", "+experiment=ablation"],
        ["++experiment=lambda_sweep,ablation"],
    ],
)
@pytest.mark.parametrize("module", ["train", "plan"])
def test_two_experiments_are_refused(
    arguments: list[str], module: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(module, *arguments) == 2
    assert "give one experiment a command" in capsys.readouterr().err


def test_a_run_is_named_after_what_it_does() -> None:
    assert run_name(["seed=1", "method=mean", "seed=2"]) == run_name(["method=mean", "seed=2"])
    assert run_name(readable(["name=2024_11_29", "seed=2"])) == "seed=2"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([""], "cannot read ''; settings are written key=value"),
        (["seed=" + "9" * 5000], "cannot read 'seed=999"),
        (["paths.outputs="], "paths.outputs is ''; it must be a path"),
        (["data.root=~nobody-of-this-name/x"], "data.root is '~nobody-of-this-name/x'; it must be a path"),
        (["seed"], "cannot read 'seed'; settings are written key=value"),
        (["=5"], "cannot read '=5'; settings are written key=value"),
        (["batchsize=8"], "there is no setting batchsize; did you mean batch_size?"),
        (["optimizer.lrr=1"], "there is no setting optimizer.lrr; did you mean optimizer.lr?"),
        (["+batchsize=8"], "there is no setting batchsize; did you mean batch_size?"),
        (["+seed=8"], "seed is a setting already; leave out the + before it"),
        (["+method=concat"], "method has a choice already; leave out the + before it"),
        (["++method=concat"], "method has a choice already; leave out the + before it"),
        (["trainer.=1"], "cannot read 'trainer.=1'; settings are written key=value"),
        (["from_data=5"], "(text_encoder.vocabulary_size)"),
        (["seed=1,2"], "seed=1,2 are several values; put -m before it for a job of each"),
        (["ecg_encoder.channels=8,16"], "or write ecg_encoder.channels=[8,16] for a list"),
        (["method=fusion"], "method is 'fusion'; choose one of bag_of_statements, "),
        (["method=5"], "method is '5'; choose one of bag_of_statements, "),
        (["method=null"], "method is 'null'; choose one of bag_of_statements, "),
        (["method=[mean,concat]"], "method is '[mean,concat]'; choose one of bag_of_statements, "),
        (["recipe=[quick,paper]"], "recipe is '[quick,paper]'; choose one of native, "),
        (["+ablation=[cosine,vector_gate]"], "ablation is '[cosine,vector_gate]'; choose one of cosine, "),
        (["method=mean", "method.lambda_cons=1"], "method.lambda_cons is no setting here; it belongs to another"),
        (["experiment=table2"], "experiment is added to the settings; write +experiment=..."),
        (["seed=range(1,3)"], "seed=range(1,3) asks for several jobs; put -m before it"),
        (["hydra.mode=many"], "expected one of [RUN, MULTIRUN]"),
        (["hydra.jobs=1"], "there is no setting hydra.jobs"),
        (["hydra/launcher=none"], "hydra/launcher is 'none'; choose one of basic, "),
        (["seed=???"], "seed is not given; add seed=... to the command"),
    ],
)
def test_what_hydra_refuses_has_a_cure(
    arguments: list[str],
    sentence: str,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("train", *arguments) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    assert sentence in said
    assert "hydra.cc" not in said
    assert not list(tmp_path.iterdir()), "a refused command makes nothing"


MISTYPED = {
    "lr=1": "there is no setting lr; did you mean optimizer.lr?",
    "+lr=1": "there is no setting lr; did you mean optimizer.lr?",
    "optimizr.lr=1": "there is no setting optimizr.lr; did you mean optimizer.lr?",
    "method=gated_fusio": "method is 'gated_fusio'; choose one of bag_of_statements, ",
    "metod=concat": "there is no setting metod; did you mean method?",
    "data.n_patient=5": "there is no setting data.n_patient; did you mean data.n_patients?",
    "Seeds=1": "there is no setting Seeds; did you mean seed?",
    "++x=1": "there is no setting x; `--cfg job` behind the command lists all settings",
    "~nothere": "there is no setting nothere; `--cfg job` behind the command lists all settings",
}
TAKE_PATHS = (
    "evaluate",
    "robustness",
    "predict",
    "explain",
    "export",
    "serve",
    "statements",
    "verify",
    "suspicious_labels",
    "written_reports",
    "retrieval",
    "zero_shot",
)


@pytest.mark.parametrize("multirun", [[], pytest.param(["-m"], marks=pytest.mark.slow)], ids=["run", "multirun"])
@pytest.mark.parametrize("module", [*ENTRIES, "plan"])
def test_a_mistyped_key_is_refused_by_every_command_before_it_does_anything(
    module: str,
    multirun: list[str],
    command: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = {
        "evaluate": ["run=a"],
        "robustness": ["run=a"],
        "predict": ["run=a"],
        "explain": ["run=a"],
        "export": ["run=a", "out=b"],
        "serve": ["run=a"],
        "statements": ["file=a"],
        "suspicious_labels": ["folder=a"],
        "written_reports": ["run=a"],
        "retrieval": ["run=a"],
        "zero_shot": ["run=a"],
    }.get(module, [])
    has = known_keys("train" if module == "plan" else module)
    for mistyped, sentence in MISTYPED.items():
        assert command(module, *multirun, mistyped, *needed) == 2, mistyped
        (said,) = capsys.readouterr().err.splitlines()
        meant = sentence.partition("did you mean ")[2].rstrip("?")
        if mistyped == "method=gated_fusio" and "method" not in has:
            assert said.startswith(f"error: {module} has no setting method; it belongs to another command")
        elif mistyped == "~nothere" and module in TAKE_PATHS:
            assert "~nothere" in said  # a path without its key
        elif meant and meant not in has:
            assert said.startswith(f"error: {sentence.partition(';')[0]}; ")
        else:
            assert said.startswith(f"error: {sentence}")
    assert not list(tmp_path.iterdir()), "a refused command makes nothing"


@pytest.mark.parametrize("value", ["1e-3;", "a b=c", "a'b", 'a"b', "a]", "~", "x=", "a\\", "ä ö", "$(ls)", "!x"])
def test_the_cure_of_what_cannot_be_read_can_be_pasted(value: str) -> None:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"), pytest.raises(HydraException) as refused:
        compose("train", [f"optimizer.lr={value}", "method=("])  # the second makes sure of a parse error
    if f"optimizer.lr={value}" not in str(refused.value):
        return
    sentence = hydra_sentence(refused.value)
    (pasted,) = shlex.split(sentence.rpartition("for the shell: ")[2])
    assert OverridesParser.create().parse_override(pasted).value() == value


def test_a_plan_checks_every_job(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("plan", "-m", "optimizer.lr=0.1,nan") == 2
    assert "optimizer.lr is nan; it must be" in capsys.readouterr().err


def test_a_search_of_several_runs_splits_as_before() -> None:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        jobs = plan.split(readable(["+experiment=lambda_sweep", "data.root=a b"]))
        assert len(jobs) == 24
        assert {compose("train", job).data.root for job in (jobs[0], jobs[-1])} == {"a b"}


def test_evaluate_takes_several_runs_and_sets_of_leads_as_the_makefile_gives_them(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, ...]] = []
    evaluation, summary = ModuleType("evaluation"), ModuleType("summary")
    # Stand-ins: a module declares nothing of what it is given.
    evaluation.evaluate_run = lambda *given: (seen.append(given) or {}, None)  # type: ignore[attr-defined,func-returns-value]
    summary.print_metrics = lambda metrics, file: None  # type: ignore[attr-defined]  # modules
    summary.print_external = lambda metrics: None  # type: ignore[attr-defined]  # modules
    monkeypatch.setitem(sys.modules, "ecgmm.training.evaluation", evaluation)
    monkeypatch.setitem(sys.modules, "ecgmm.training.summary", summary)
    run = "outputs/table2/method=k_merl,seed=1"
    assert command("evaluate", "-m", f"run='{run}'", "leads=[II],[I,II]", f"paths.outputs={tmp_path}") == 0
    assert command("evaluate", "-m", run, "leads=[II],[I,II]", f"paths.outputs={tmp_path}") == 0
    choices = [Choice(split="test", leads=leads, allow_leaky=False) for leads in (["II"], ["I", "II"])]
    assert seen == 2 * [(Path(run), None, choice, Path("stores")) for choice in choices]


@pytest.mark.parametrize(
    ("sweep", "mark"),
    [
        (("-m", "method=merl,ecg_clip"), "++"),
        (("+experiment=unseen_classes",), ""),
        (("+experiment=unseen_classes", "method=merl,ecg_clip"), ""),
        (("+experiment=table2_tuned", "+tuned=merl,ecg_clip"), "++"),
    ],
)
def test_a_setting_of_a_swept_choice_is_set_in_each_job(sweep: tuple[str, ...], mark: str) -> None:
    """Hydra composes what jobs share with the default method, which has no such setting."""
    *_, unseen = readable([*sweep, "method.unseen_classes=[MI,CD]"])
    assert unseen == f"{mark}method.unseen_classes=choice([MI,CD])"


@pytest.mark.parametrize("sweep", [("-m", "seed=1,2"), ("+experiment=table2", "method=merl"), ("+experiment=tuning",)])
def test_a_setting_of_one_choice_is_shared_by_all_jobs(sweep: tuple[str, ...]) -> None:
    *_, unseen = readable([*sweep, "method.unseen_classes=[MI,CD]"])
    assert unseen == "++method.unseen_classes=[MI,CD]"


def test_what_an_experiment_sweeps_is_replaced_and_not_swept_as_well() -> None:
    """Hydra tells keys of a sweep apart by their mark, so each value of one would be paired with each of the other."""
    *_, unseen, ablation = readable(["+experiment=unseen_classes", "method.unseen_classes=[MI],[CD]", "seed=1,2"])
    assert unseen == "method.unseen_classes=[MI],[CD]"
    assert ablation == "seed=1,2"
    assert readable(["+experiment=ablation", "ablation=paper"])[1] == "+ablation=paper"
