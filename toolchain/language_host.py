"""A Pulumi language host for Python: runs a project's ``__main__.py`` for an engine we built ourselves.

Pulumi's releases bring their own host; the engine's Go module does not hold it, so this one lies
beside an engine that came from there. It serves the LanguageRuntime service of Pulumi's
``language.proto`` with the SDK's own inline-program server, in the project's environment.
Run as a script by ``pulumi-language-python``; it imports nothing of Reforge.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.errors import RunError
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

PARENT_CHECK_SECONDS = 0.25


class ProgramHost(LanguageServer):
    """Runs the project's program in this process."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(self._run_program)
        self._engine_address = engine_address
        self._entry_point = "__main__.py"

    def Handshake(self, request: Any, context: Any) -> Any:
        """Nothing to agree on: the engine's address came with our arguments."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """No version: it belongs to the engine beside it."""
        return plugin_pb2.PluginInfo()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        """None told: requirements.lock is the list."""
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        """Nothing to install: the project's environment is made by ``make venv``."""
        return iter(())

    def Run(self, request: Any, context: Any) -> Any:
        """Run the program; an error it ended with has been shown by then, so the engine adds no words."""
        if not request.args:
            request.args.append(self._engine_address)
        folder = request.info.program_directory or request.pwd or os.getcwd()
        self._entry_point = os.path.normpath(os.path.join(folder, request.info.entry_point, "__main__.py"))
        os.chdir(request.pwd or folder)
        sys.path.insert(0, os.path.dirname(self._entry_point))
        response = super().Run(request, context)  # type: ignore[no-untyped-call]
        return language_pb2.RunResponse(bail=True) if response.error else response

    def _run_program(self) -> None:
        try:
            runpy.run_path(self._entry_point, run_name="__main__")
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"The program failed:\n{_program_traceback(error)}") from error


def _program_traceback(error: Exception) -> str:
    """The traceback from the program's first frame on: ours and runpy's say nothing to its author."""
    frames = traceback.extract_tb(error.__traceback__)
    shown = [frame for frame in frames if frame.filename != __file__ and "runpy" not in frame.filename]
    lines = traceback.format_list(shown) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()


def engine_address(arguments: Sequence[str]) -> str:
    """The engine's gRPC address: the last argument that is no option; empty where none is given."""
    return next((one for one in reversed(arguments) if not one.startswith("-")), "")


def main() -> None:
    """Serve on a free loopback port, print it for the engine, end with a signal or with the engine."""
    engine = os.getppid()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(ProgramHost(engine_address(sys.argv[1:])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while not ended.wait(PARENT_CHECK_SECONDS) and os.getppid() == engine:
        pass
    os._exit(0)  # the engine waits for our end: no time for interpreter and gRPC shutdown


if __name__ == "__main__":
    main()
