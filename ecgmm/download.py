"""Download a source: ``python -m ecgmm.download data=mimic_iv_ecg data.root=/data/mimic-iv-ecg/1.0 ...``."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from ecgmm.building import construct
from ecgmm.commands import command_line
from ecgmm.console.terminal import say
from ecgmm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from ecgmm.data.download.mirror import Outcome
    from ecgmm.data.download.site import Site
    from ecgmm.data.sources.source import DataConfig

log = logging.getLogger(__name__)


@command_line.command("download")
def main(data: DictConfig, sources: DictConfig, url: str | None, connection: DictConfig, subset: int | None) -> None:
    """Bring the folder ``data.root`` to what the source's list of checksums says."""
    from ecgmm.data.download.site import Site  # slow imports, not needed by --help
    from ecgmm.locks import one_process

    source = sources.get(data.name)
    if source is None:
        raise ConfigError(f"data.name is {data.name}; choose data={' or data='.join(sources)}")
    settings: DataConfig = construct(data)
    site = Site(url or source.url, construct(connection))
    say(source.licence, f"Cite {source.cite}.")
    if settings.root is not None:
        root = Path(settings.root).expanduser()
        if root.is_file():
            raise ConfigError(f"data.root={settings.root} is a file; give the folder that the files are brought to")
        root.mkdir(parents=True, exist_ok=True)
    with one_process(settings.root_path, "downloads to"):
        outcome = _download(site, settings, subset)
    _report(outcome, settings.root_path)


def _download(site: "Site", settings: "DataConfig", subset: int | None) -> "Outcome":
    from ecgmm.data.download.fetch import fetch_list
    from ecgmm.data.download.mirror import mirror
    from ecgmm.data.download.subset import recordings_of

    root = settings.root_path
    list_file = fetch_list(site, root)
    if subset is None:
        return mirror(site, root, list_file, lambda path: True)
    tables = mirror(site, root, list_file, lambda path: "/" not in path)  # they say which patient has which recording
    if tables.problems:
        return tables
    recordings = recordings_of(settings, subset)
    log.info("the first %d patients have %d recordings", subset, len(recordings))
    outcome = mirror(site, root, list_file, lambda path: "/" not in path or path.rpartition(".")[0] in recordings)
    outcome.n_fetched += tables.n_fetched
    outcome.n_bytes += tables.n_bytes
    return outcome


def _report(outcome: "Outcome", root: Path) -> None:
    """Report the files that are complete, and list those that are not.

    Raises:
        DataError: If a file is missing or wrong.
    """
    from ecgmm.files import in_units

    for path, _, problem in outcome.problems:
        say(f"not there or not right: {path}: {problem}")
    n_right = outcome.n_wanted - len(outcome.problems)
    say(
        f"{n_right} files in {root} are as published; {outcome.n_fetched} of them ({in_units(outcome.n_bytes)}) are new"
    )
    if outcome.problems:
        raise DataError(f"{len(outcome.problems)} files cannot be had; give the same command again to try only these")


def with_subset(arguments: Sequence[str]) -> list[str]:
    """Replace ``--subset 100`` and ``--subset=100`` by Hydra's ``subset=100``."""
    given = list(arguments)
    for place, text in enumerate(given[:-1]):
        if text == "--subset":
            given[place : place + 2] = [f"subset={given[place + 1]}"]
            break
    return [text.removeprefix("--") if text.startswith("--subset=") else text for text in given]


if __name__ == "__main__":
    sys.argv[1:] = with_subset(sys.argv[1:])
    command_line.run(main)
