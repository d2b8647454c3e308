"""What every method's settings ask for is known before it takes memory."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR

FROM_DATA = {
    "n_classes": 5,
    "vocabulary_size": 100,
    "n_statements": 30,
    "n_findings": 10,
    "rate_hz": 100,
    "lead_std_mv": [0.2] * 12,
}


@pytest.mark.parametrize("method", sorted(path.stem for path in (CONF_DIR / "method").glob("*.yaml")))
def test_the_shapes_of_a_method_are_known_without_its_weights(method: str) -> None:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", [f"method={method}"])
    config.from_data = FROM_DATA
    settings = OmegaConf.to_container(config.method, resolve=True)
    with torch.device("meta"):
        described = construct(settings).state_dict()
    built = construct(settings).state_dict()
    assert {name: tensor.shape for name, tensor in described.items()} == {
        name: tensor.shape for name, tensor in built.items()
    }
    assert all(tensor.device.type == "meta" for tensor in described.values())
