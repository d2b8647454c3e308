"""What ``--help`` and the reference say comes from the comments of ``conf/``, and no key is without one."""

from collections.abc import Callable

import pytest

from ecgmm.configuration import CONF_DIR, options
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.explained import ADDED_GROUPS, choices_explained, explained
from ecgmm.settings.help_page import help_page
from ecgmm.settings.reference import reference
from ecgmm.settings.sentences import sentences_of

Command = Callable[..., int]
OF_TRANSFORMERS = ("architecture", "config")


@pytest.mark.slow  # Hydra looks through all its plugins before it prints
@pytest.mark.parametrize("name", ENTRIES)
def test_help_says_how_a_command_is_typed_what_it_does_and_what_each_key_means(
    name: str, command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    assert command(name, "--help") == 0
    page = capsys.readouterr().out
    assert page.startswith(f"python -m ecgmm.{name} ")
    own = explained(name)
    words = " ".join(page.split())
    assert own.text in words
    for key in own.keys:
        assert key.sentence in words
        assert key.value is None or f"{key.name}={key.value[:20]}" in words
    for group, choice in own.choices.items():
        assert f"\n  {group}={choice}\n" in page
        assert all(f" {other}" in page for other in options(group) if other != choice)
    assert all(len(line) <= 90 for line in page.splitlines()[len(own.usage) :])


def test_help_is_of_the_choices_on_the_command_line_and_keeps_dollars(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", "method=k_merl", "+experiment=profile", "seed=7", "--help") == 0
    page = capsys.readouterr().out
    assert "\n  method.ecg_encoder.width=${sizes.${size}.width}\n" in page
    assert "\n  profile.steps=30\n" in page
    assert "\n  seed=7\n" in page


@pytest.mark.parametrize("columns", [20, 80, 120, 300])
def test_help_is_80_to_120_columns_wide(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    widest = max(map(len, help_page("evaluate").splitlines()[1:]))
    assert 70 < widest <= min(max(columns, 80), 120)


def test_every_key_of_every_command_and_choice_has_a_sentence() -> None:
    groups = {group for name in ENTRIES for group in explained(name).choices}
    compositions = [(name, list[str]()) for name in ENTRIES]
    compositions += [
        ("train", [f"{group}={choice}"]) for group in groups - {"recipe", "size"} for choice in options(group)
    ]
    for name, overrides in compositions:
        sentence = ""
        for key in explained(name, overrides).keys:
            parent, _, last = key.name.rpartition(".")
            is_of_others = parent.startswith("sources.") or parent.rpartition(".")[2] in OF_TRANSFORMERS
            if key.value is None or key.name in groups or is_of_others:
                continue
            # Keys that only make sense together share one sentence: that above the first of them.
            assert key.sentence or (sentence and last in ("val", "test")), (key.name, overrides)
            sentence = key.sentence or sentence


def test_every_file_says_what_it_is() -> None:
    for group in {*(group for name in ENTRIES for group in explained(name).choices), *ADDED_GROUPS["train"]}:
        assert all(choices_explained(group).values()), group
    for name in ENTRIES:
        own = sentences_of(CONF_DIR / f"{name}.yaml")
        assert own.text
        assert own.usage


def test_the_reference_has_a_row_for_every_key_with_its_range_and_default() -> None:
    page = reference()
    assert "| `seed` | `42` | a whole number from 0 to 4294967295 | Seed of weights, batch order," in page
    assert "| `method.lambda_cons` | `0.1` | a number from 0 to 1e+06 | Weight of the consistency loss" in page
    assert "| `resnet34` | ResNet1d-34 in the layout of MERL" in page
    for name in ENTRIES:
        keys = {key.name for key in explained(name).keys if key.value is not None} - {"recipe", "size"}
        assert all(f"| `{key}` |" in page for key in keys)
    cells = [line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("| `")]
    assert set(cells) == {3, 5}
