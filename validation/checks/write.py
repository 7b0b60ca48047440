"""Can the restored database be written to, and does it give back what was written?"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from validation.check import Result, WritingCheck, judged
from validation.connections import Connection
from validation.context import Context
from validation.statements import holds, inserted


class Write(WritingCheck):
    """``- write: {write: true, insert: INSERT ... RETURNING id, read: SELECT ... WHERE id = %(id)s}``.

    Rolled back, unless ``cleanup`` lists the statements that remove the row: then it is committed, read back
    on another connection, and cleaned.
    """

    insert: str
    read: str
    cleanup: list[str] = Field(default_factory=list)

    def run(self, context: Context) -> Result:
        complaints = self._committed(context) if self.cleanup else self._rolled_back(context)
        how = "committed, read back and cleaned" if self.cleanup else "written, read back and rolled back"
        return judged(f"a row was {how}", complaints, {"committed": bool(self.cleanup)})

    def _rolled_back(self, context: Context) -> list[str | None]:
        with context.writable() as connection:
            with connection.transaction(force_rollback=True):
                row = inserted(connection, self.insert)
                seen = holds(connection, self.read, row)
            return [None if seen else _UNREAD, self._left_over(connection, row)]

    def _committed(self, context: Context) -> list[str | None]:
        with context.writable() as connection:
            row = context.samples.insert(connection, self.insert, self.cleanup)
            try:
                with context.writable() as other:
                    seen = holds(other, self.read, row)
            finally:
                context.samples.remove(connection, self.cleanup, row)
            return [None if seen else _UNREAD, self._left_over(connection, row)]

    def _left_over(self, connection: Connection, row: dict[str, Any]) -> str | None:
        return f"the written row is still there: {row}" if holds(connection, self.read, row) else None


_UNREAD = "the row was written, but `read` does not find it"
