import numpy as np
import psutil
import pytest
import torch
from numpy.typing import NDArray

from ecgmm.data.batches.residency import DeviceWaveforms, HostWaveforms, Waveforms, place_waveforms
from ecgmm.errors import ConfigError

CPU = torch.device("cpu")
USED = np.array([7, 600, 2, 899])
WANTED = np.array([899, 2, 2, 600])


@pytest.fixture
def store_waveforms(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.int16]:
    """A memory map whose values name row and sample, of more rows than are copied at once."""
    path = tmp_path_factory.mktemp("store") / "waveforms.npy"
    np.save(path, np.arange(900 * 12 * 5, dtype=np.int32).reshape(900, 12, 5).astype(np.int16))
    waveforms: NDArray[np.int16] = np.load(path, mmap_mode="r")
    return waveforms


@pytest.mark.parametrize("residency", ["disk", "memory", "device"])
def test_wherever_they_are_the_rows_are_those_of_the_store(store_waveforms: NDArray[np.int16], residency: str) -> None:
    placed: Waveforms = (
        DeviceWaveforms(store_waveforms, USED, CPU)  # a GPU differs in the device only
        if residency == "device"
        else place_waveforms(store_waveforms, USED, residency, CPU)
    )
    placed.announce(WANTED)
    gathered = placed.gather(WANTED)
    assert gathered.dtype == torch.int16
    assert gathered.tolist() == store_waveforms[WANTED].tolist()
    gathered.zero_()  # a batch is a copy
    assert placed.gather(WANTED).tolist() == store_waveforms[WANTED].tolist()


def test_every_row_can_be_in_use(store_waveforms: NDArray[np.int16]) -> None:
    rows = np.random.default_rng(0).permutation(900)
    for placed in (place_waveforms(store_waveforms, rows, "memory", CPU), DeviceWaveforms(store_waveforms, rows, CPU)):
        assert np.array_equal(placed.gather(np.arange(900)).numpy(), store_waveforms)


def test_in_memory_the_file_is_not_needed_any_more(tmp_path_factory: pytest.TempPathFactory) -> None:
    steps = np.arange(12 * 4, dtype=np.int16).reshape(4, 12, 1)
    placed = place_waveforms(steps, np.array([3, 1]), "memory", CPU)
    steps[:] = 0
    assert placed.gather(np.array([1])).flatten().tolist() == list(range(12, 24))


def test_announcing_reads_exactly_the_rows(store_waveforms: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr("os.posix_fadvise", lambda file, start, length, advice: calls.append((start, length)))
    HostWaveforms(store_waveforms).announce(np.array([0, 5]))
    header = store_waveforms.offset  # type: ignore[attr-defined]  # of a memory map
    assert calls == [(header, 120), (header + 5 * 120, 120)]


def test_what_does_not_fit_into_memory_is_refused(
    store_waveforms: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()._replace(available=4 * 120)  # four rows, of which a fifth stays free
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    with pytest.raises(ConfigError, match=r"data\.residency=disk"):
        place_waveforms(store_waveforms, USED, "memory", CPU)
    assert place_waveforms(store_waveforms, USED[:3], "memory", CPU).n_leads == 12


def test_a_gpu_is_needed_to_hold_them_there(store_waveforms: NDArray[np.int16]) -> None:
    with pytest.raises(ConfigError, match=r"data\.residency=memory"):
        place_waveforms(store_waveforms, USED, "gpu", CPU)


def test_a_row_that_was_not_copied_is_never_another_one(store_waveforms: NDArray[np.int16]) -> None:
    for placed in (place_waveforms(store_waveforms, USED, "memory", CPU), DeviceWaveforms(store_waveforms, USED, CPU)):
        with pytest.raises(AssertionError, match="not copied"):
            placed.gather(np.array([7, 8]))
