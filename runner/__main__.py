"""The command of a pod."""

from __future__ import annotations

import sys

from runner.pod import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
