"""Signals that stop training: they stop all its processes, and are handled by us.

Lightning puts a handler of its own before ours, which in several processes tells them by a broadcast from inside the
handler: it waits for ever where they are in the middle of another one.
"""

import signal
import threading

import lightning
from lightning.pytorch.callbacks import Callback

from ecgmm.console.ending import Stopped


class StopTogether(Callback):
    """Callback that removes Lightning's signal handler, and ends the processes that this one started."""

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Remember the handler: Lightning's is not there yet."""
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the handler back."""
        self._put_back()

    def on_predict_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put the handler back."""
        self._put_back()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Pass the signal on."""
        launcher = trainer.strategy.launcher
        if isinstance(exception, Stopped) and launcher is not None:
            launcher.kill(signal.SIGTERM)

    def _put_back(self) -> None:
        if threading.current_thread() is threading.main_thread() and self._handler is not None:  # None: not Python's
            signal.signal(signal.SIGTERM, self._handler)
