"""Programs that a check starts: what they get, and that nothing of them stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from problem import Problem
from tests.support.servers import wait_until
from validation.programs import Program, running, wait_for

URL = "postgresql://app@127.0.0.1/x"


def python(code: str, **more: object) -> Program:
    return Program.model_validate({"command": [sys.executable, "-c", code], **more})


def gone(pid: int) -> bool:
    """Whether the process is gone, or is dead and only not yet waited for by init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_program_gets_the_url_and_no_secret_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "secret")
    code = "import os; print(os.environ['DB'], os.environ['A'], 'PULUMI_CONFIG_PASSPHRASE' in os.environ)"
    with running(python(code, **{"url-variable": "DB", "environment": {"A": "b"}}), URL) as program:
        wait_until(lambda: program.exit_code is not None)
        assert program.log == [f"{URL} b False"]


def test_its_whole_process_group_is_ended_even_on_failure_and_against_its_will(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("validation.programs._GRACE", 0.2)
    stubborn = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\nif child: print(os.getpid(), child, flush=True)\ntime.sleep(600)"
    )
    pids: list[str] = []

    def fail_meanwhile() -> None:
        with running(python(stubborn), URL) as program:
            pids.extend(wait_until(lambda: program.log)[0].split())
            raise KeyError

    with pytest.raises(KeyError):
        fail_meanwhile()
    assert len(pids) == 2
    for pid in pids:
        wait_until(lambda pid=pid: gone(int(pid)), what=f"the end of {pid}")  # type: ignore[misc]


def test_a_program_that_cannot_start_is_named() -> None:
    with (
        pytest.raises(Problem, match="/no/such/program could not be started: No such file"),
        running(Program(command=["/no/such/program"]), URL),
    ):
        pass


def test_how_it_ended_is_told_with_its_last_lines() -> None:
    with running(python("import sys; print('one'); sys.exit('two')"), URL) as program:
        wait_until(lambda: program.exit_code is not None)
        assert program.ended().startswith("exit code 1; its last lines: ")
        assert "two" in program.ended()


def test_waiting_ends_at_its_deadline() -> None:
    assert not wait_for(lambda: False, 0.05)
    assert wait_for(lambda: os.getpid() > 0, 0.05)
