"""Leads without signal are found as by a look at every sample."""

import torch

from ecgmm.signal.normalise import is_constant, is_flat


def test_leads_are_flat_if_no_sample_differs_wherever_it_is() -> None:
    signals = torch.randn(3, 4, 300, generator=torch.Generator().manual_seed(0))
    signals[0, 1:] = 2.5
    signals[0, 1, 299], signals[0, 2, 100] = 2.0, torch.nan
    signals[2, 0, :299] = 0.0
    assert is_flat(signals).nonzero().tolist() == [[0, 3]]
    assert torch.equal(is_flat(signals), is_constant(signals))
    assert is_flat(torch.zeros(2, 5)).all()
