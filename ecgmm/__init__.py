"""ecgmm: joint learning from 12-lead ECG waveforms and their reports."""

__version__ = "0.2.0.dev0"
