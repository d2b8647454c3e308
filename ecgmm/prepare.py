"""Prepare a store: ``python -m ecgmm.prepare [data=mimic_iv_ecg data.root=/data/mimic-iv-ecg/1.0] ...``."""

import hydra
from omegaconf import DictConfig

from ecgmm import command_line
from ecgmm.configuration import CONF_DIR


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="prepare")
def main(config: DictConfig) -> None:
    """Prepare the store that ``data`` describes, or show what the one that is there holds."""
    from hydra.utils import instantiate  # slow imports, not needed by --help

    from ecgmm.data.manifest import print_summary
    from ecgmm.data.preparation import prepare_store, store_path
    from ecgmm.data.store import Store

    settings = instantiate(config.data, _convert_="all")
    was_there = store_path(settings).exists()
    path = prepare_store(settings)
    if was_there:
        print_summary(Store.open(path).manifest)
    print(f"{path} {'was there already' if was_there else 'is complete'}")


if __name__ == "__main__":
    command_line.run(main)
