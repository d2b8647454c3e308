"""Leads that are left out arrive at the method as missing ones do: zero throughout."""

import pytest
import torch

from ecgmm.errors import ConfigError
from ecgmm.leads import LEADS
from ecgmm.signal.only_leads import OnlyLeads
from ecgmm.signal.preparation import WaveformPreparation


def test_named_leads_stay_and_the_others_become_zero() -> None:
    steps = torch.randint(-500, 500, (2, 12, 100), generator=torch.Generator().manual_seed(0), dtype=torch.int16)
    before = steps.clone()
    prepare = WaveformPreparation([0.0] * 12, [1.0] * 12, 5.0, 100, 10.0, None)
    kept = prepare(OnlyLeads(["V1", "II"])(steps))
    whole = prepare(steps)
    for index, name in enumerate(LEADS):
        assert torch.equal(kept[:, index], whole[:, index] if name in ("II", "V1") else torch.zeros(2, 100)), name
    assert torch.equal(steps, before)


@pytest.mark.parametrize("leads", [[], ["II", "V7"]])
def test_unknown_or_no_leads_are_refused(leads: list[str]) -> None:
    with pytest.raises(ConfigError, match="name at least one of I, II"):
        OnlyLeads(leads)
