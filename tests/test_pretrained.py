"""Pre-trained models from a folder, the cache or the hub, and what is said where there is none."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from transformers import AutoModel, AutoTokenizer

from ecgmm import pretrained
from ecgmm.errors import ConfigError
from ecgmm.pretrained import load_pretrained

KEY = "text_encoder.name_or_path"


class _Library:
    """Stands for a class of transformers; fails as it is told, once without and once with the hub."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked: list[dict[str, Any]] = []

    def from_pretrained(self, name: str, **options: Any) -> str:
        self.asked.append(options)
        if self.errors:
            raise self.errors.pop(0)
        return name


def wrapped(kind: type[Exception]) -> OSError:
    """As transformers wraps errors of the hub."""
    error = OSError("You are trying to access something")
    # The kinds that are asked for here take a response, which Exception does not.
    error.__cause__ = kind("401 Client Error", response=httpx.Response(401, request=httpx.Request("GET", "http://x")))  # type: ignore[call-arg]
    return error


def refusal(library: _Library, name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_pretrained(library, KEY, name)
    message = str(caught.value)
    assert message.startswith(f"{KEY}={name} ")
    assert "pretrained.name_or_path=" in message
    assert "\n" not in message
    return message


def test_the_cache_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "hub_answers", lambda: pytest.fail("the hub is not asked"))
    library = _Library()
    assert load_pretrained(library, KEY, "bert", dtype="float32") == "bert"
    assert library.asked == [{"local_files_only": True, "trust_remote_code": False, "dtype": "float32"}]


def test_without_a_network_the_library_is_not_asked_again() -> None:
    """The test suite has no network, so the hub does not answer."""
    library = _Library(OSError("not in the cache"))
    assert "hf download emilyalsentzer/Bio_ClinicalBERT --local-dir" in refusal(
        library, "emilyalsentzer/Bio_ClinicalBERT"
    )
    assert len(library.asked) == 1


def test_where_the_hub_answers_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "hub_answers", lambda: True)
    library = _Library(OSError("not in the cache"))
    assert load_pretrained(library, KEY, "bert") == "bert"
    assert library.asked[1] == {"trust_remote_code": False}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (wrapped(GatedRepoError), "consent to its licence"),
        (wrapped(RepositoryNotFoundError), "neither a folder nor a name on the hub"),
        (OSError("something\nelse"), "cannot be loaded (OSError: something)"),
        (KeyError("model_type"), "cannot be loaded (KeyError"),
    ],
)
def test_what_the_hub_refuses(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "hub_answers", lambda: True)
    assert words in refusal(_Library(OSError("not in the cache"), error), "meta-llama/Llama-2-7b-hf")


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "a/b/c", "../x", "", "a b"])
def test_what_can_be_no_name_on_the_hub_is_not_looked_for_there(name: str) -> None:
    assert "neither a folder nor a name on the hub" in refusal(_Library(OSError("no")), name)


FOLDERS: dict[str, dict[str, bytes]] = {
    "empty": {},
    "another thing": {"notes.txt": b"x"},
    "no JSON": {"config.json": b"{"},
    "no kind of model": {"config.json": b"{}"},
    "an unknown kind": {"config.json": b'{"model_type": "nothing"}'},
    "no weights": {"config.json": b'{"model_type": "bert"}'},
    "weights cut short": {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"\xff\x00\x00"},
    "empty weights": {"config.json": b'{"model_type": "bert"}', "model.safetensors": b""},
    "garbage for weights": {"config.json": b'{"model_type": "bert"}', "pytorch_model.bin": b"garbage"},
    "code of its own": {"config.json": b'{"model_type": "x", "auto_map": {"AutoModel": "a.B", "AutoConfig": "a.C"}}'},
    "garbage for a tokeniser": {"config.json": b'{"model_type": "bert"}', "tokenizer.json": b"\x00"},
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_holds_no_model_is_named(kind: str, tmp_path: Path) -> None:
    for name, content in FOLDERS[kind].items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match="holds no model that can be loaded") as caught:
        load_pretrained(AutoTokenizer if "tokeniser" in kind else AutoModel, KEY, str(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_too_little_memory_is_not_a_damaged_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too little memory"):
        load_pretrained(_Library(MemoryError()), KEY, str(tmp_path))
