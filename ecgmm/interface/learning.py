"""Building and training methods on a store."""

from pathlib import Path

from omegaconf import DictConfig

from ecgmm.data.store.store import PATH_MARK, Store
from ecgmm.interface.runs import Run, load_run
from ecgmm.interface.settings import overrides_of, settings_of
from ecgmm.models.method import Method
from ecgmm.settings.resolvers import run_name
from ecgmm.training.build import set_up
from ecgmm.training.run import train_run


def build(method: str, store: Store, **settings: object) -> Method:
    """Build a method for a store, bound to its words and classes, with the fresh weights of the seed.

    Args:
        method: Name of the method, a file of ``conf/method``.
        store: An open store.
        settings: Any setting of ``python -m ecgmm.train``, as in ``labels="rhythm"`` or ``method__lambda_cons=0.5``.

    Raises:
        ConfigError: If a setting does not exist or is out of its range, or the store does not hold what it asks for.
    """
    return set_up(_composed(store, {"method": method, **settings}), store).fresh_method()


def train(store: Store, method: str = "gated_fusion", directory: str | Path | None = None, **settings: object) -> Run:
    """Train, evaluate and save one run; a finished one is opened, an interrupted one goes on where it stopped.

    Args:
        store: An open store.
        method: Name of the method, a file of ``conf/method``.
        directory: Run directory; None names it by the settings, as the command does: ``outputs/train/<settings>``.
        settings: Any setting of ``python -m ecgmm.train``, as in ``recipe="quick"`` or ``trainer__max_epochs=3``.
            No logger is told unless ``logger="wandb"`` or another one is among them.

    Raises:
        ConfigError: If a setting does not exist or is out of its range, or the number would measure a leak.
    """
    given = {"method": method, "logger": "none", **settings}
    config = _composed(store, given)
    if directory is None:
        directory = Path(config.paths.outputs) / config.name / run_name(overrides_of(given))
    metrics = train_run(set_up(config, store), Path(directory))
    if config.page and metrics is not None:  # None in processes beside the first
        from ecgmm.reporting import run_page  # with matplotlib, which takes a second to import

        run_page.leave(Path(directory))
    return load_run(directory)


def _composed(store: Store, settings: dict[str, object]) -> DictConfig:
    """Settings of training on a store; those of ``data`` are the ones that it was prepared with."""
    prepared = store.manifest["parameters"]
    data = {key: value for key, value in prepared.items() if key != "name" and not str(value).startswith(PATH_MARK)}
    data["store"] = store.path
    source = store.manifest["source"]["name"]
    return settings_of("train", [f"data={source}", *overrides_of(data, "data"), *overrides_of(settings)])
