"""Classify one record: ``python -m ecgmm.predict run=outputs/train/default record=path/40689238 report="..."``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


@command_line.hydra_main("predict", "run", "record", "report")
def main(config: DictConfig) -> None:
    """Print class probabilities, the gate if the method has one, and its explanation in words.

    Warnings about the prediction go to standard error.
    """
    check("predict", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.training.prediction import predict_record

    record = None if config.record is None else Path(config.record)
    prediction = predict_record(Path(config.run), record, config.report)
    for name, value in prediction.numbers.items():
        say(f"{name:<24} {value:.3f}")
    say(*prediction.words)
    say(*(f"note: {note}" for note in prediction.notes), to_stderr=True)


if __name__ == "__main__":
    command_line.run(main)
