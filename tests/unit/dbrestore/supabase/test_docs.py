"""docs/clouds/supabase.md says which calls are made: those of the code, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from archive.supabase import READS
from dbrestore.supabase.api import WRITES

PAGE = Path(__file__).parents[4] / "docs/clouds/supabase.md"


def test_the_page_lists_every_call() -> None:
    listed = re.findall(r'^ +"((?:GET|POST|PATCH|DELETE) [^"]+)"', PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(READS | WRITES)
