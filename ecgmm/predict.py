"""Classify one record: ``python -m ecgmm.predict run=outputs/train/default record=path/40689238 report="..."``."""

from ecgmm.commands import command_line


@command_line.command("predict", "run", "record", "report")
def main(run: str, record: str | None, report: str | None) -> None:
    """Print class probabilities, the gate if the method has one, and its explanation in words.

    Warnings about the prediction go to standard error.
    """
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.predicting.prediction import predict_record
    from ecgmm.runs.loading import load_model

    prediction = predict_record(load_model(Path(run)), None if record is None else Path(record), report)
    for name, value in prediction.numbers.items():
        say(f"{name:<24} {value:.3f}")
    say(*prediction.words)
    say(*(f"note: {note}" for note in prediction.notes), to_stderr=True)


if __name__ == "__main__":
    command_line.run(main)
