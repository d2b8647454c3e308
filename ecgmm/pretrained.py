"""Pre-trained models and tokenisers: a folder, the cache of this machine, or the hub where it answers at once."""

import re
from pathlib import Path
from typing import Any

from ecgmm.console.system_errors import causes, first_sentence
from ecgmm.errors import ConfigError, printable

_HUB_NAME = re.compile(r"[\w\-]+(\.[\w\-]+)*(/[\w\-]+(\.[\w\-]+)*)?")
_LONGEST_WAIT_S = 5.0
_FOLDER = "pretrained.name_or_path=FOLDER"


def load_pretrained(loader: Any, key: str, name_or_path: str, **options: Any) -> Any:
    """Call a ``from_pretrained``; no code that comes with a model is run.

    The library itself asks the hub first, and without a network goes on asking for a minute.

    Args:
        loader: A class of ``transformers`` such as ``AutoModel``.
        key: Setting that gave the name.
        name_or_path: Hub name or local folder.
        options: For ``from_pretrained``.

    Raises:
        ConfigError: If there is no such model, it cannot be reached or loaded, or it is gated.
    """
    folder = Path(name_or_path or "no name").expanduser()  # an empty path is the folder we are in
    place = str(folder) if folder.exists() else name_or_path
    given = f"{key}={printable(name_or_path)}"
    try:
        return loader.from_pretrained(place, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # what a damaged file makes tokenizers, safetensors and torch raise has no common class
        if message := first_sentence(error):
            raise ConfigError(message) from error
        if folder.exists():
            raise ConfigError(
                f"{given} holds no model that can be loaded ({_reason(error)}); download it again, or give another"
                f" folder ({_FOLDER})"
            ) from error
    if not _HUB_NAME.fullmatch(name_or_path):
        raise ConfigError(f"{given} is neither a folder nor a name on the hub; give a downloaded model ({_FOLDER})")
    if not hub_answers():
        raise ConfigError(
            f"{given} is neither a folder nor in this machine's cache, and the hub does not answer; run `hf download"
            f" {name_or_path} --local-dir FOLDER` where there is a network, copy the folder here and give {_FOLDER}"
        )
    try:
        return loader.from_pretrained(place, trust_remote_code=False, **options)
    except Exception as error:  # as above
        raise ConfigError(f"{given} {_trouble(error, name_or_path)}") from error


def hub_answers() -> bool:
    """Whether the hub says anything within seconds."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=_LONGEST_WAIT_S)
    except Exception:  # refused, timed out, no such host, offline by HF_HUB_OFFLINE: each client has its own classes
        return False
    return True


def _trouble(error: Exception, name: str) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    kinds = [type(cause) for cause in causes(error)]
    if any(issubclass(kind, GatedRepoError) for kind in kinds):
        return (
            f"asks for consent to its licence: give it at https://huggingface.co/{name} and log in with `hf auth"
            f" login`, or give a downloaded model ({_FOLDER})"
        )
    if any(issubclass(kind, RepositoryNotFoundError) for kind in kinds):
        return f"is neither a folder nor a name on the hub (or a private one); give a downloaded model ({_FOLDER})"
    return first_sentence(error) or f"cannot be loaded ({_reason(error)}); give a downloaded model ({_FOLDER})"


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
