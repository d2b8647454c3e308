"""Rank labels of the training patients by doubt: ``python -m ecgmm.suspicious_labels folder=outputs/label_review``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("suspicious_labels", "folder")
def main(folder: str, n_shown: int, paths: DictConfig) -> None:
    """Write a table of all labels and a page of the most suspicious into the folder, and print what was found."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.console.terminal import say
    from ecgmm.integrity.suspicious_labels import PAGE, review_labels, write_review

    review = review_labels(Path(folder))
    write_review(review, Path(folder), Path(paths.stores), n_shown)
    say(f"{int(review.table['suspicious'].sum()):,} of {review.table.height:,} labels are suspicious")
    if review.precision is not None:
        found = f"of the {review.n_disturbed:,} most suspicious {100 * review.precision:.1f} % are among them"
        say(f"{review.n_disturbed:,} labels were made wrong on purpose; {found}")
    say(Path(folder) / PAGE)


if __name__ == "__main__":
    command_line.run(main)
