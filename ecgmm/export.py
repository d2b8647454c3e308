"""Export a model for use elsewhere: ``python -m ecgmm.export run=outputs/train/default format=onnx out=model.onnx``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("export", "run")
def main(run: str, format: str, out: str, report_words: str, paths: DictConfig) -> None:
    """Write the program or bundle, and print its size and how far it is from Python.

    What the user should know of it goes to standard error.
    """
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.exporting.export import export
    from ecgmm.runs.run import Run

    done = export(Run.open(Path(run)), format, Path(out), Path(paths.stores), report_words == "keep")
    say(done, *([] if done.comparison is None else [done.comparison]))
    say(*(f"note: {note}" for note in done.notes), to_stderr=True)


if __name__ == "__main__":
    command_line.run(main)
