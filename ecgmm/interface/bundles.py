"""Bundles: models that have left their run, from a folder or from the Hugging Face hub."""

from dataclasses import dataclass, field
from pathlib import Path

from ecgmm.exporting import hub
from ecgmm.exporting.bundle import CARD, BundleFacts, check_bundle, check_example, read_run
from ecgmm.interface.runs import Run


@dataclass(frozen=True, repr=False)
class Bundle(Run):
    """A run without predictions, settings and history: ``predict``, ``model``, ``metrics`` and ``export`` work.

    Attributes:
        manifest: What the bundle says of itself.
    """

    manifest: BundleFacts = field(kw_only=True)

    def __repr__(self) -> str:
        return f"<ecgmm.Bundle: {self.method}, {len(self.classes)} classes, {self.directory.name}>"

    @property
    def card(self) -> str:
        """The model card, in Markdown."""
        return (self.directory / CARD).read_text(encoding="utf-8")

    def push_to_hub(self, repository: str, *, private: bool = True, endpoint: str | None = None) -> str:
        """Send the bundle to the Hugging Face hub, and log what is sent.

        Args:
            repository: ``owner/name``, made where it is not there.
            private: Whether a repository that is made is private.
            endpoint: Address of the hub; None takes ``HF_ENDPOINT``, or the public one.

        Returns:
            The revision, a commit, which ``from_hub`` takes.

        Raises:
            ConfigError: If the bundle holds words of training reports, or the hub refuses.
            DataError: If a file of the bundle is damaged.
        """
        return hub.push(self.directory, repository, private, endpoint)


def load_bundle(folder: str | Path) -> Bundle:
    """Open a bundle after comparing every file with ``bundle.json``, and its example with what the model answers here.

    Nothing in it is run, and neither training code nor data are needed.

    Raises:
        DataError: If a file is missing, damaged or not named there, or the example comes out otherwise.
    """
    manifest = check_bundle(Path(folder))
    opened = read_run(Path(folder))
    bundle = Bundle(opened.directory, opened.facts, opened.metrics, manifest=manifest)
    check_example(bundle.directory, bundle.model, bundle.temperature)
    return bundle


def from_hub(repository: str, revision: str, folder: str | Path, *, endpoint: str | None = None) -> Bundle:
    """Fetch a bundle from the Hugging Face hub and open it as ``load_bundle`` does; nothing else of it is fetched.

    Args:
        repository: ``owner/name``.
        revision: The commit that ``push_to_hub`` returned, in 40 hexadecimal digits: names that can move are refused.
        folder: Folder to make for it.
        endpoint: Address of the hub; None takes ``HF_ENDPOINT``, or the public one.

    Raises:
        ConfigError: If the revision is no commit, the folder is there, or the hub refuses.
        DataError: If what it gives is no bundle, or a file of it is damaged.
    """
    return load_bundle(hub.fetch(repository, revision, Path(folder), endpoint))
