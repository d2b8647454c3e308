"""Bundles on the Hugging Face hub: sent whole and private, fetched by commit, compared with their manifest."""

import logging
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ecgmm.errors import ConfigError, DataError, UserError, printable
from ecgmm.exporting.bundle import MANIFEST, check_bundle, manifest_of

log = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}")


def push(folder: Path, repository: str, private: bool, endpoint: str | None) -> str:
    """Send a bundle, and log what is sent: the files of its manifest and nothing else.

    Args:
        folder: The bundle.
        repository: ``owner/name``.
        private: Whether a repository that is made is private.
        endpoint: Address of the hub; None for the library's own choice.

    Returns:
        The commit.

    Raises:
        ConfigError: If the bundle holds words of training reports, or the hub refuses.
        DataError: If a file of the bundle is damaged.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    facts = check_bundle(folder)
    if facts.report_words or facts.report_statements:
        raise ConfigError(
            f"{printable(folder)} holds {facts.report_words} words and {facts.report_statements} statements of"
            " training reports, which do not leave the house; train with text.vocabulary=closed and export that run"
        )
    names = [*facts.files, MANIFEST]
    n_bytes = sum(known.bytes for known in facts.files.values())
    kind = "private" if private else "PUBLIC"
    log.info("sending %d files, %.2f MB, to %s (%s): %s", len(names), n_bytes / 1e6, repository, kind, ", ".join(names))
    api = HfApi(endpoint=endpoint)
    operations = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names]

    def send() -> str:
        api.create_repo(repository, private=private, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise ConfigError(f"{repository} is there and public; push with private=False, or to another name")
        message = f"Bundle of {facts.method}, ecgmm {facts.ecgmm}"
        return str(api.create_commit(repository, operations, commit_message=message).oid)

    return _asked(send, repository)


def fetch(repository: str, revision: str, folder: Path, endpoint: str | None) -> Path:
    """Fetch a bundle: its manifest, then the files that this names.

    Args:
        repository: ``owner/name``.
        revision: A commit.
        folder: The folder to make.
        endpoint: Address of the hub; None for the library's own choice.

    Returns:
        The folder.

    Raises:
        ConfigError: If the revision is no commit, the folder is there, or the hub refuses.
        DataError: If what it gives is no bundle, or a file of it is damaged.
    """
    from huggingface_hub import HfApi

    if not _COMMIT.fullmatch(revision):
        raise ConfigError(
            f"revision={printable(revision, 60)} is no commit of 40 hexadecimal digits; branches and tags can move, so"
            " give the commit that push_to_hub returned"
        )
    if folder.exists():
        raise ConfigError(f"{printable(folder)} is there already; name a folder that is not, or remove it")
    api = HfApi(endpoint=endpoint)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.partial-", dir=folder.parent) as made:
        fetched, whole = Path(made, "fetched"), Path(made, "whole")

        def get(name: str) -> None:
            _asked(lambda: api.hf_hub_download(repository, name, revision=revision, local_dir=fetched), repository)
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fetched / name, whole / name)  # without what the library keeps beside it

        get(MANIFEST)
        for name in manifest_of(whole).files:
            get(name)
        check_bundle(whole)
        whole.rename(folder)
    return folder


def _asked(work: Callable[[], str], repository: str) -> str:
    """Answer of the hub.

    Raises:
        ConfigError: If it refuses, or does not answer.
        DataError: If it has no such file.
    """
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return work()
    except UserError:
        raise
    except EntryNotFoundError:
        raise DataError(f"{printable(repository)} on the hub lacks a file of a bundle; push it again") from None
    except Exception as error:  # refused, timed out, no such host: each client of the library has its own classes
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ConfigError(
            f"the hub refuses {printable(repository)} ({printable(lines[0], 120)}); see to the name, the revision, and"
            " `hf auth login`"
        ) from None
