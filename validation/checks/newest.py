"""Does the newest row fit the moment that the database was restored to?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from psycopg import sql

from validation.check import Check, Result, judged
from validation.connections import Connection
from validation.context import Context
from validation.values import ColumnName, Duration, TableName, identifier, in_units

_SAMPLE = 5  # newest values kept as facts, as the runbook looks at them


class Newest(Check):
    """``- newest: {table: hero_snapshots, column: created_at, within: 10m}``.

    The newest row must not be after the target time (``ahead`` allows for an application's clock) nor older
    than ``within`` before it. A column without a zone is read as UTC. Skipped when no target time is known.
    """

    table: TableName
    column: ColumnName
    within: Duration
    ahead: Duration = timedelta(0)

    def run(self, context: Context) -> Result:
        target = context.subject.target_time
        latest = self._latest(context.database)
        facts = {"latest": [moment.isoformat() for moment in latest]}
        if not latest:
            return judged(f"{self.table} is empty", [f"no row of {self.table} has a {self.column}"], facts)
        if target is None:
            summary = f"no target time given to compare with; the newest {self.column} is {_said(latest[0])}"
            return Result("skipped", summary, (), facts)
        newest = latest[0]
        return judged(
            f"the newest row of {self.table} is {in_units(abs(target - newest))} "
            f"{'before' if newest <= target else 'after'} the target",
            [self._complaint(newest, target)],
            facts,
        )

    def _complaint(self, newest: datetime, target: datetime) -> str | None:
        said = f"the newest {self.table}.{self.column} is {_said(newest)}"
        if newest > target + self.ahead:
            return f"{said}, after the target {_said(target)}: the restore went too far"
        if newest < target - self.within:
            early = f"more than {in_units(self.within)} before the target {_said(target)}"
            return f"{said}, {early}: rows are missing"
        return None

    def _latest(self, connection: Connection) -> list[datetime]:
        query = sql.SQL("SELECT {0} FROM {1} WHERE {0} IS NOT NULL ORDER BY {0} DESC LIMIT {2}").format(
            sql.Identifier(self.column), identifier(self.table), sql.Literal(_SAMPLE)
        )
        return [_moment(value) for (value,) in connection.execute(query)]


def _moment(value: datetime | date) -> datetime:
    if not isinstance(value, date):
        raise TypeError(f"the column holds {type(value).__name__}, not a date or time")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(sep=" ")
