"""Random artefacts of recording, in training only: what recordings of a ward or an ambulance have.

They precede the changes of ``Augmentation``, of which ``RobustAugmentation`` is a longer form. All but gaps and losses
arise at the electrodes, so that the laws of the limb leads hold afterwards.
"""

from typing import Any

import torch
from torch import Tensor

from ecgmm.leads import LEADS, N_LEADS
from ecgmm.signal.augment import Augmentation
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES, N_ELECTRODES, phase_shares, uniform, waves, white_noise
from ecgmm.signal.normalise import is_flat

MAINS_HZ = (50.0, 60.0)
BURST_S = (0.5, 5.0)
"""Length of a burst of muscle noise."""
DECAY_S = (0.2, 2.0)
"""Time constant with which an electrode that moved finds back."""
EXCHANGES = (("R", "L"), ("R", "F"), ("L", "F"), ("V1", "V2"))
"""Pairs of electrodes that are taken for one another most often."""

_ELECTRODES = ("R", "L", "F", *LEADS[6:])


class RobustAugmentation(Augmentation):
    """Artefacts, each with ``probability`` and up to its strength, before all that ``Augmentation`` does.

    Args:
        mains_mv: Largest amplitude of mains hum at each electrode, in mV.
        muscle_mv: Largest standard deviation of a burst of muscle noise at each electrode, in mV.
        motion_mv: Largest step of each electrode's potential as it moves, in mV; it decays exponentially.
        gap_s: Longest gap, of all leads at once, bridged as preparation bridges it.
        exchange: Chance of two exchanged electrodes (``EXCHANGES``), for each record.
        group_loss: Chance of each record to lose a group of leads: all limb leads, all chest leads, or all but one.
        changes: Arguments of ``Augmentation``.
    """

    exchanges: Tensor
    groups: Tensor

    def __init__(
        self,
        *,
        mains_mv: float,
        muscle_mv: float,
        motion_mv: float,
        gap_s: float,
        exchange: float,
        group_loss: float,
        **changes: Any,
    ) -> None:
        super().__init__(**changes)
        self.mains_mv = mains_mv
        self.muscle_mv = muscle_mv
        self.motion_mv = motion_mv
        self.gap_s = gap_s
        self.exchange = exchange
        self.group_loss = group_loss
        std_mv = torch.tensor(list(changes["lead_std_mv"]), dtype=torch.float32)
        per_mv = torch.where(std_mv > 0, 1 / std_mv, 0.0)
        exchanged = torch.stack([torch.eye(N_LEADS), *map(leads_after_exchange, EXCHANGES)])
        self.register_buffer("exchanges", per_mv[:, None] * exchanged * std_mv, persistent=False)
        self.register_buffer("groups", _groups(), persistent=False)

    def _changed(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        return super()._changed(self._with_artefacts(waveforms, generator), generator)

    def _with_artefacts(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        one = (len(waveforms), 1, 1)
        applied = uniform((4, *one), waveforms, generator) < self.probability
        mains, muscle, motion, gap = applied * uniform((4, *one), waveforms, generator)
        mixed = self._chosen_leads(waveforms, generator)
        burst = window(waveforms, self.rate_hz, BURST_S, generator)
        artefacts_mv = white_noise(waveforms, generator).mul_(burst * (muscle * self.muscle_mv))
        hum_hz = torch.where(uniform(one[:2], waveforms, generator) < 0.5, *MAINS_HZ)
        shares = phase_shares(waveforms, generator)
        hum = waves(hum_hz, self.rate_hz, waveforms.shape[-1])
        artefacts_mv.baddbmm_(mains * self.mains_mv * shares, hum)
        artefacts_mv += motion * self.motion_mv * self._steps(waveforms, generator)
        changed = torch.bmm(mixed, waveforms)
        kept = (~is_flat(changed)).to(changed.dtype)[..., None]
        changed.baddbmm_(self.leads_from_electrodes * kept, artefacts_mv)
        return self._with_gap(changed, gap * self.gap_s, generator)

    def _chosen_leads(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Draw ``[B, 12, 12]``: two electrodes exchanged, a group of leads lost, unless nothing would be left."""
        n_records = len(waveforms)
        is_exchanged, which, is_lost, group = uniform((4, n_records), waveforms, generator)
        place = 1 + (which * len(EXCHANGES)).long()
        mixed = self.exchanges[torch.where(is_exchanged < self.exchange, place, 0)]
        lost = (is_lost < self.group_loss)[:, None] & self.groups[(group * len(self.groups)).long()]
        live = (mixed != 0).to(waveforms.dtype) @ (~is_flat(waveforms)).to(waveforms.dtype)[..., None] > 0
        lost &= (live[..., 0] & ~lost).any(dim=1, keepdim=True)
        chosen: Tensor = mixed * ~lost[..., None]
        return chosen

    def _steps(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Draw steps at one moment, of own size at each electrode, with decay: ``[B, 9, T]``, within -1 and 1."""
        moment_s, decay = uniform((2, len(waveforms), 1, 1), waveforms, generator)
        size = 2 * uniform((len(waveforms), N_ELECTRODES, 1), waveforms, generator) - 1
        shortest_s, longest_s = DECAY_S
        time_s = torch.arange(waveforms.shape[-1], device=waveforms.device) / self.rate_hz
        since_s = time_s - moment_s * time_s[-1]
        falling = torch.exp(-since_s.clamp(min=0) / (shortest_s + decay * (longest_s - shortest_s))) * (since_s >= 0)
        steps: Tensor = size @ falling
        return steps

    def _with_gap(self, signals: Tensor, length_s: Tensor, generator: torch.Generator) -> Tensor:
        """Bridge a gap of all leads by straight lines; none where its length is 0."""
        last = signals.shape[-1] - 1
        n_samples = (length_s * self.rate_hz).round().clamp(max=last)
        start = (uniform((len(signals), 1, 1), signals, generator) * (last - n_samples)).floor()
        ends = torch.cat([start, start + n_samples], dim=2).long().expand(-1, signals.shape[1], -1)
        before, after = signals.gather(2, ends).split(1, dim=2)
        share = (torch.arange(last + 1, device=signals.device) - start) / n_samples.clamp(min=1)
        return torch.where((share > 0) & (share < 1), torch.lerp(before, after, share), signals)


def leads_after_exchange(pair: tuple[str, str]) -> Tensor:
    """Twelve leads, as they come out with two electrodes exchanged, of the true ones: ``[12, 12]``.

    Every lead becomes another one, or its negative: those of the chest refer to the mean of the limbs, which an
    exchange of two of them leaves as it is.
    """
    places = [_ELECTRODES.index(name) for name in pair]
    order = list(range(N_ELECTRODES))
    order[places[0]], order[places[1]] = places[1], places[0]
    exchanged = LEADS_FROM_ELECTRODES[:, order]
    same, opposite = ((exchanged[:, None] - sign * LEADS_FROM_ELECTRODES).abs().amax(dim=2) < 1e-6 for sign in (1, -1))
    return same.float() - opposite.float()


def window(like: Tensor, rate_hz: float, length_s: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Draw a stretch of each record that is 1, the rest 0: ``[B, 1, T]`` for ``like`` ``[B, 12, T]``."""
    start, length = uniform((2, len(like), 1, 1), like, generator)
    n_times = like.shape[-1]
    n_samples = (length_s[0] + length * (length_s[1] - length_s[0])) * rate_hz
    since = torch.arange(n_times, device=like.device) - start * (n_times - n_samples).clamp(min=0)
    inside: Tensor = (since >= 0) & (since < n_samples)
    return inside.to(like.dtype)


def _groups() -> Tensor:
    """Leads that are lost together, bool ``[36, 12]``: a third each the limbs', the chest's, all but one."""
    chest = torch.arange(N_LEADS) >= 6
    return torch.cat([(~chest).expand(N_LEADS, -1), chest.expand(N_LEADS, -1), ~torch.eye(N_LEADS, dtype=torch.bool)])
