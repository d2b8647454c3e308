"""First look at a store: its rows, a recording on paper, statements and labels (SYNTHETIC data)."""

# %% Prepare 300 synthetic patients at 100 Hz; a second call opens what is there.
import ecgmm

store = ecgmm.prepare("synthetic", rate_hz=100, n_patients=300)
store

# %% One row per recording: ids, split, quality, what the cart measured.
print(store.records.select("split", "has_waveform", "quality", "noise_mv").describe())

# %% A recording: millivolts [12, T], the statements of its report, its labels.
record = store.record(17)
print(record, record.millivolts.shape, record.leads)
print(record.statements)
print(record.labels("superclass"), record.labels("rhythm"))

# %% On clinical paper: 25 mm/s, 10 mm/mV.
figure = ecgmm.plot(record)
figure.savefig("record.png", dpi=100)
figure

# %% Stores of this folder.
for listed in ecgmm.stores():
    print(listed.name, listed.source, listed.n_records, listed.rate_hz)
