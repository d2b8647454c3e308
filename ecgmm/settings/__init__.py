"""Every key of ``conf/``, what it may be, and the check of it before anything slow is imported.

See docs/reference/settings.md.
"""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ecgmm.errors import ConfigError
from ecgmm.settings.checking import Walk, check_node, refuse
from ecgmm.settings.composing import compose
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.lookup import specs_at
from ecgmm.settings.relations import RELATIONS
from ecgmm.settings.targets import TARGETS

__all__ = ["TARGETS", "check_at", "check_node", "check_plain", "check_saved", "checked", "compose"]


def checked(entry: str, config: DictConfig, *, whole: bool = True) -> DictConfig:
    """Settings of a command in their own form (paths, lists); what does not fit is refused.

    Args:
        entry: A command that has settings, as ``entries.ENTRIES`` lists them.
        config: As it was composed; not changed.
        whole: Whether keys that have to be given must be there; those that a sweep sets are not before its jobs.

    Returns:
        A copy without Hydra's own settings.

    Raises:
        ConfigError: Naming the key, its value, and what it must be.
        MissingMandatoryValue: If a key that has to be given is not.
    """
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    raw = OmegaConf.to_container(own)
    assert isinstance(raw, dict)
    if raw.get("recipe") == "native" and raw.get("native") is None:  # nothing to resolve the recipe's numbers with
        raise ConfigError(
            "recipe=native takes a method's own published settings and this method has none; choose recipe=paper"
        )
    resolved = OmegaConf.to_container(own, resolve=True, throw_on_missing=whole)
    changes = check_plain(entry, resolved)
    for key in sorted(changes, key=lambda key: not _is_written_at(raw, key)):  # what repeats another key comes after it
        if OmegaConf.select(own, key) != changes[key]:
            OmegaConf.update(own, key, changes[key])
    return own


def check_plain(entry: str, resolved: Any) -> dict[str, Any]:
    """Refuse settings of a command that do not fit.

    Args:
        entry: As for ``checked``.
        resolved: The settings in plain Python, interpolations resolved; not changed.

    Returns:
        Values that stand in another form than they were given in (paths, lists), by dotted key.

    Raises:
        ConfigError: As ``checked``.
    """
    walk = Walk(filled=False, entry=entry)
    read = walk.read(ENTRIES[entry], _without_other_sizes(resolved), "")
    for relation in RELATIONS.get(entry, ()):
        refuse(relation, read, "")
    return walk.changes


def _is_written_at(raw: Any, key: str) -> bool:
    """Whether a key holds a value of its own; what an interpolation repeats follows the original."""
    for part in key.split("."):
        if not isinstance(raw, Mapping):
            return False
        raw = raw[part]
    return not (isinstance(raw, str) and "${" in raw)


def check_at(key: str, value: Any, at: str | None = None) -> None:
    """Refuse a part of saved settings that does not fit, such as ``method`` or ``waveform`` of ``model.json``.

    Args:
        key: Where the part stands among the settings of training, such as ``text.max_tokens``.
        value: The part, plain Python, as it was saved with the store open.
        at: How a message calls it; the key unless told.

    Raises:
        ConfigError: As ``check_node``.
    """
    spec, *others = specs_at(ENTRIES["train"], key)
    assert all(other == spec for other in others), "the key has one meaning for every source and method"
    Walk(filled=True).read(spec, value, key if at is None else at)


def check_saved(content: Any, at: str) -> None:
    """Refuse a run's saved configuration (``config.yaml``, plain Python) that does not fit the settings of training.

    Keys that a run of an earlier version lacks may be missing; of what is built, all keys are there.

    Args:
        content: What the file holds.
        at: How a message calls it, such as ``config.yaml``.

    Raises:
        ConfigError: As ``check_node``.
    """
    Walk(filled=True, whole=False).read(ENTRIES["train"], _without_other_sizes(content), at)


def _without_other_sizes(settings: Any) -> Any:
    """The settings without the numbers of sizes that were not chosen, whose parts need not fit the chosen ones."""
    if not (isinstance(settings, Mapping) and isinstance(settings.get("sizes"), Mapping)):
        return settings
    return {
        **settings,
        "sizes": {name: part for name, part in settings["sizes"].items() if name == settings.get("size")},
    }
