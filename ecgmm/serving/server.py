"""The server of the page: local addresses only, and no log of what was asked."""

import socket
import tempfile
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.errors import ConfigError
from ecgmm.runs.facts import read_facts
from ecgmm.runs.loading import load_model
from ecgmm.serving.examples import make_examples

HOST = "127.0.0.1"


def serve(run: Path, port: int, coverage: float) -> None:
    """Serve the page of a run until a signal stops it.

    Args:
        run: A finished run directory.
        port: Port; 0 takes a free one, which is said.
        coverage: Of the conformal sets.

    Raises:
        ConfigError: If the extra is not installed, or the port is taken.
        DataError: If the run has no model that can be loaded.
    """
    try:
        import multipart  # noqa: F401 (starlette reads forms with it)
        import starlette  # noqa: F401 (whether it is there)
        import uvicorn
    except ImportError:
        raise ConfigError("the page needs a server, which is not installed: pip install 'ecgmm[serve]'") from None
    from ecgmm.serving.app import application

    with tempfile.TemporaryDirectory(prefix="ecgmm-serve-") as folder:
        facts = read_facts(run)
        synthetic = facts is not None and facts.data.synthetic
        app = application(load_model(run), make_examples(Path(folder)), coverage, Path(folder), synthetic)
        settings = uvicorn.Config(app, host=HOST, port=port, log_level="error", access_log=False, server_header=False)
        with bound(port) as listening:
            say(f"http://{HOST}:{listening.getsockname()[1]}/ shows the page on this machine alone; Ctrl+C ends it")
            uvicorn.Server(settings).run(sockets=[listening])


def bound(port: int) -> socket.socket:
    """The socket that the server listens on.

    Raises:
        ConfigError: If the port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"port {port} cannot be had ({error.strerror}); choose another with port=...") from None
    return listening
