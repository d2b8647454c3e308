"""Compare a store or a saved model with its digests: ``python -m ecgmm.verify store=stores/synthetic-... run=...``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


def _kind(folder: str) -> str:
    """The setting that a folder is for."""
    from pathlib import Path

    return "run" if (Path(folder).expanduser() / "run.json").is_file() else "store"


@command_line.hydra_main("verify", _kind, _kind)
def main(config: DictConfig) -> None:
    """Print a line for what is sound; what is not ends the command with a sentence and exit code 2."""
    check("verify", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.errors import ConfigError

    if config.store is None and config.run is None:
        raise ConfigError("there is nothing to verify; give store=... or run=...")
    if config.store is not None:
        from ecgmm.data.store.verification import verify_store

        say(*verify_store(Path(config.store)))
    if config.run is not None:
        from ecgmm.training.artefact import load_method

        folder = Path(config.run) / "model"
        load_method(folder)
        say(f"{folder} is sound: its files are whole and fit one another")


if __name__ == "__main__":
    command_line.run(main)
