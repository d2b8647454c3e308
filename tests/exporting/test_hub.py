"""Bundles go to the hub whole, private and without words of reports, and come back by commit, compared and not run."""

import logging
from pathlib import Path

import pytest

import ecgmm
from ecgmm.errors import ConfigError, DataError
from tests.exporting.hub import Hub, hub


def test_a_bundle_goes_to_the_hub_and_back(made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bundle = ecgmm.load_bundle(made)
    with hub() as server, caplog.at_level(logging.INFO, "ecgmm"):
        commit = bundle.push_to_hub("me/model", endpoint=server.endpoint)
        assert server.private == {"me/model": True}
        sent = {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}
        assert server.commits[commit] == sent
        assert "to me/model (private): README.md, example.safetensors, " in caplog.text
        again = ecgmm.from_hub("me/model", commit, tmp_path / "fetched", endpoint=server.endpoint)
    assert again.predict(report="Sinus rhythm") == bundle.predict(report="Sinus rhythm")
    assert {str(path.relative_to(again.directory)) for path in again.directory.rglob("*") if path.is_file()} == set(
        sent
    )
    assert list(tmp_path.iterdir()) == [again.directory]


def pushed(made: Path, server: Hub) -> str:
    return ecgmm.load_bundle(made).push_to_hub("me/model", endpoint=server.endpoint)


def test_what_was_changed_on_the_hub_is_refused(made: Path, tmp_path: Path) -> None:
    with hub() as server:
        commit = pushed(made, server)
        server.commits[commit]["README.md"] = b"another"
        with pytest.raises(DataError, match=r"README\.md is not what bundle\.json says"):
            ecgmm.from_hub("me/model", commit, tmp_path / "fetched", endpoint=server.endpoint)
        del server.commits[commit]["run.json"]
        with pytest.raises(DataError, match="on the hub lacks a file of a bundle"):
            ecgmm.from_hub("me/model", commit, tmp_path / "fetched", endpoint=server.endpoint)
    assert not list(tmp_path.iterdir())


def test_only_what_the_manifest_names_is_fetched(made: Path, tmp_path: Path) -> None:
    with hub() as server:
        commit = pushed(made, server)
        server.commits[commit]["model/modeling.py"] = b"raise SystemExit"
        ecgmm.from_hub("me/model", commit, tmp_path / "fetched", endpoint=server.endpoint)
        assert not [path for path in server.asked if "modeling.py" in path]


def test_a_name_that_can_move_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="revision=main is no commit of 40 hexadecimal digits"):
        ecgmm.from_hub("me/model", "main", tmp_path / "fetched", endpoint="http://127.0.0.1:9")


def test_a_repository_that_is_not_there_or_public_is_told(made: Path, tmp_path: Path) -> None:
    with hub() as server:
        with pytest.raises(ConfigError, match="the hub refuses me/model"):
            ecgmm.from_hub("me/model", "0" * 40, tmp_path / "fetched", endpoint=server.endpoint)
        server.private["me/model"] = False
        with pytest.raises(ConfigError, match="me/model is there and public; push with private=False"):
            pushed(made, server)
        assert not server.commits


def test_words_of_reports_are_not_sent(made: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecgmm.exporting import hub as ours

    opened = ecgmm.load_bundle(bundle)
    monkeypatch.setattr(ours, "check_bundle", lambda folder: opened.manifest.model_copy(update={"report_words": 3}))
    with hub() as server:
        with pytest.raises(ConfigError, match="3 words and 0 statements of training reports, which do not leave"):
            opened.push_to_hub("me/model", endpoint=server.endpoint)
        assert not server.asked
