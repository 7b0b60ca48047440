"""moto's DB instances with a real PostgreSQL behind them: the server's side of ``Cloud.bind``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from moto.rds.models import DBInstance, RDSBackend
from psycopg import sql


def bind(places: Path) -> None:
    """Give instances that stand in the file ``places`` their address there, and their master's password."""
    invented = DBInstance.address.fget  # type: ignore[attr-defined]  # a property
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance

    def address(self: Any) -> str:
        place = _place(places, self.db_instance_identifier)
        return str(place["address"]) if place else invented(self)

    def create_db_instance(self: Any, db_kwargs: dict[str, Any]) -> Any:
        made = create(self, db_kwargs)
        _let_in(_place(places, made.db_instance_identifier), db_kwargs)
        return made

    def modify_db_instance(self: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        changed = modify(self, db_instance_identifier, db_kwargs)
        given = {"master_username": changed.master_username, **db_kwargs}
        _let_in(_place(places, db_instance_identifier), given)
        return changed

    DBInstance.address = property(address)  # type: ignore[assignment,method-assign]
    RDSBackend.create_db_instance = create_db_instance  # type: ignore[method-assign]
    RDSBackend.modify_db_instance = modify_db_instance  # type: ignore[method-assign]


def _place(places: Path, instance: str) -> dict[str, str] | None:
    found = json.loads(places.read_text()) if places.exists() else {}
    place: dict[str, str] | None = found.get(instance)
    return place


def _let_in(place: dict[str, str] | None, given: dict[str, Any]) -> None:
    password = given.get("master_user_password")
    if place and password:
        words = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(given["master_username"]), sql.Literal(password)
        )
        with psycopg.connect(place["keeper"], autocommit=True) as connection:
            connection.execute(words)
