"""Problems with a file, an answer or a server, short of what ends the download."""


class UnavailableError(Exception):
    """A file cannot be had; the text says why."""


class TransientError(UnavailableError):
    """An attempt failed in a way that another one may mend.

    Attributes:
        pause_s: Seconds that the server asks to wait, None where it does not.
    """

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class OutOfRangeError(TransientError):
    """The rest of a file was asked for, and the file is not that long."""


class StoppedError(Exception):
    """The download ends; a thread that waits or writes lets go."""
