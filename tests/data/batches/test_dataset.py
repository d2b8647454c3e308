import numpy as np
import torch
from numpy.typing import NDArray

from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.residency import HostWaveforms

N_ROWS, N_LEADS, N_TIMES = 6, 12, 8


def make_steps() -> NDArray[np.int16]:
    """Values that name row, lead and time."""
    row, lead, time = np.meshgrid(np.arange(N_ROWS), np.arange(N_LEADS), np.arange(N_TIMES), indexing="ij")
    return (row * 1000 + lead * 10 + time).astype(np.int16)


def make_dataset(rows: list[int]) -> RecordDataset:
    """Report r holds r + 1 tokens of id 10 + r; the last report is empty."""
    counts = np.array([1, 2, 3, 0], dtype=np.int32)
    tokens = np.zeros((4, 3), dtype=np.int32)
    statements = np.zeros((4, 2), dtype=np.int32)
    for report in range(3):
        tokens[report, : counts[report]] = 10 + report
        statements[report, 0] = 5 + report
    return RecordDataset(
        waveforms=HostWaveforms(make_steps()),
        rows=np.array(rows),
        has_waveform=np.arange(N_ROWS) != 2,
        report_of_row=np.array([0, 1, 2, -1, 1, 0]),
        token_ids=tokens,
        token_counts=counts,
        statement_ids=statements,
        targets=np.arange(N_ROWS),
        intervals=np.repeat(np.arange(N_ROWS, dtype=np.float32)[:, None], 7, axis=1),
    )


def test_a_batch_holds_what_its_rows_hold() -> None:
    batch = make_dataset([5, 3, 2]).batch(np.array([2, 0, 1]))
    assert batch.rows.tolist() == [2, 5, 3]
    assert batch.waveforms.dtype == torch.int16
    assert batch.waveforms[:, 4, 3].tolist() == [2043, 5043, 3043]
    assert batch.has_waveform.tolist() == [False, True, True]
    assert batch.labels.tolist() == [2, 5, 3]
    assert batch.intervals[:, 6].tolist() == [2, 5, 3]
    assert batch.token_ids.tolist() == [[12, 12, 12], [10, 0, 0], [0, 0, 0]]
    assert batch.token_mask.sum(dim=1).tolist() == [3, 1, 0]
    assert batch.has_report.tolist() == [True, True, False]
    assert batch.statement_ids[:, 0].tolist() == [7, 5, 0]


def test_tokens_are_padded_to_the_longest_of_the_batch_only() -> None:
    assert make_dataset([0, 5]).batch(np.array([0, 1])).token_ids.shape == (2, 1)


def test_a_batch_without_any_report_still_has_one_column() -> None:
    batch = make_dataset([3]).batch(np.array([0]))
    assert batch.token_ids.tolist() == [[0]]
    assert not batch.token_mask.any()


def test_the_table_for_closed_form_methods_has_all_rows_and_no_samples() -> None:
    table = make_dataset([4, 1]).without_waveforms()
    assert table.waveforms.shape == (2, 12, 0)
    assert table.rows.tolist() == [4, 1]


def test_without_reports_all_else_is_the_same() -> None:
    dataset = make_dataset([5, 3, 2])
    (batch,), (blind,) = dataset.batches(4), dataset.without_reports().batches(4)
    assert not blind.has_report.any()
    assert not blind.token_mask.any()
    assert blind.token_ids.shape == blind.statement_ids.shape == (3, 1)
    for name in ("waveforms", "has_waveform", "labels", "rows", "intervals"):
        assert torch.equal(getattr(blind, name), getattr(batch, name))


def test_batches_are_the_rows_in_order() -> None:
    assert [batch.rows.tolist() for batch in make_dataset([5, 3, 2]).batches(2)] == [[5, 3], [2]]
