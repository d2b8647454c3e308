"""Compare a store or a saved model with its digests: ``python -m ecgmm.verify store=stores/synthetic-... run=...``."""

from ecgmm.commands import command_line


def _kind(folder: str) -> str:
    """The setting that a folder is for."""
    from pathlib import Path

    from ecgmm.settings.kinds import home_expanded

    return "run" if (Path(home_expanded(folder)) / "run.json").is_file() else "store"


@command_line.command("verify", _kind, _kind)
def main(store: str | None, run: str | None) -> None:
    """Print a line for what is sound; what is not ends the command with a sentence and exit code 2."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.errors import ConfigError

    if store is None and run is None:
        raise ConfigError("there is nothing to verify; give store=... or run=...")
    if store is not None:
        from ecgmm.data.store.verification import verify_store

        say(*verify_store(Path(store)))
    if run is not None:
        from ecgmm.runs.loading import load_model

        load_model(Path(run))
        say(f"{Path(run) / 'model'} is sound: its files are whole and fit one another")


if __name__ == "__main__":
    command_line.run(main)
