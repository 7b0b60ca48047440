"""The plugin can read object stores of Google's although Pulumi's SDK is in the same process."""

from __future__ import annotations

import subprocess
import sys


def test_the_plugin_can_load_googles_driver_beside_pulumi() -> None:
    code = "import dbrestore.server, gcsfs, google.cloud.storage; print('both')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout, ran.returncode) == ("both\n", 0), ran.stderr
