"""What differs between the ways to make an instance: from a base backup and WAL, from a dump."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from dbrestore.forecast import Forecast
from dbrestore.handler import Context, State
from dbrestore.postgres.cluster import Cluster
from dbrestore.postgres.inputs import InstanceInputs
from dbrestore.postgres.mark import Mark, Phase
from toolchain.accounts import Account
from toolchain.postgres import Binaries


class Making(ABC):
    """One way to make one instance. ``Instance`` owns folder, mark and clean-up; a way fills the folder.

    Called in this order: ``examine`` alone in a preview; else ``prove``, ``make`` and ``settle``.
    """

    continued: ClassVar[frozenset[Phase]]
    """The phases that a next run goes on from; half-made work in any other is cleared and made anew."""

    def __init__(self, inputs: InstanceInputs) -> None:
        self.inputs = inputs

    def goes_on(self, mark: Mark) -> bool:
        """Whether the work that a mark tells of is continued, and not cleared away."""
        return mark.until == self.words and mark.phase in self.continued and mark.trusted

    @property
    @abstractmethod
    def words(self) -> str:
        """What is restored, as the mark has it: work towards something else is not continued."""

    @abstractmethod
    def account(self) -> Account | None:
        """Who runs the server; None for ourselves."""

    @abstractmethod
    def examine(self, context: Context) -> None:
        """The quick look of a preview, without side effects; a Problem where it cannot work."""

    def forecast(self) -> Forecast:
        """The room and the time that it will take, once ``examine`` or ``prove`` has looked."""
        return Forecast()

    @abstractmethod
    def prove(self, context: Context) -> Binaries:
        """Everything that can be known before anything is made, and the programs to make it with."""

    @abstractmethod
    def make(self, context: Context, cluster: Cluster, mark: Mark) -> Mark:
        """From the mark's phase on to a running server; each further phase is written at once."""

    @abstractmethod
    def settle(self, cluster: Cluster) -> State:
        """The last steps on the running server, and outputs that they give."""

    @abstractmethod
    def outputs(self, mark: Mark) -> State:
        """What was learnt, as outputs."""
