"""Which kernel of attention a training step takes."""

import pytest
import torch
from torch.backends.cuda import flash_sdp_enabled, math_sdp_enabled

from ecgmm.training.attention_kernel import attention_kernel


@pytest.mark.parametrize(("precision", "plain"), [(torch.bfloat16, True), (torch.float32, False)])
def test_plain_products_on_a_cpu_in_bfloat16_and_nowhere_else(precision: torch.dtype, plain: bool) -> None:
    before = flash_sdp_enabled()
    with torch.autocast("cpu", precision, enabled=precision == torch.bfloat16), attention_kernel(torch.device("cpu")):
        assert math_sdp_enabled()
        assert flash_sdp_enabled() == (before and not plain)
    assert flash_sdp_enabled() == before
    with torch.autocast("cpu", torch.bfloat16), attention_kernel(torch.device("cuda")):
        assert flash_sdp_enabled() == before
