"""Show a demonstration page on this machine: ``python -m ecgmm.serve run=outputs/train/default``."""

from ecgmm.commands import command_line


@command_line.command("serve", "run")
def main(run: str, port: int, coverage: float) -> None:
    """Serve the page of a run at a local address until it is stopped; nothing is stored or sent."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.serving.server import serve

    serve(Path(run), port, coverage)


if __name__ == "__main__":
    command_line.run(main)
