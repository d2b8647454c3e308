"""Which kernel of attention a step takes."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


def attention_kernel(device: torch.device) -> AbstractContextManager[None]:
    """Attention by plain products where the kernel of torch's choice is slow: on a CPU in bfloat16.

    The backward pass of its flash attention multiplies bfloat16 without the CPU's matrix instructions there, and takes
    14 times as long as in float32 (docs/engineering-log.md). On a GPU, and in float32, the choice is left to torch.

    Args:
        device: Where the step runs.
    """
    if device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
