"""What a difference of a setting means: what a restore must change, what hurts, what is only to be known."""

from __future__ import annotations

from dataclasses import dataclass

from validation.parity.aspect import Severity

IGNORED = frozenset(
    """
    port listen_addresses bonjour bonjour_name cluster_name data_directory config_file hba_file ident_file
    external_pid_file event_source application_name client_encoding hot_standby restore_command
    promote_trigger_file primary_conninfo primary_slot_name archive_command archive_cleanup_command
    archive_library archive_timeout logging_collector log_destination log_directory log_filename log_file_mode
    ssl_cert_file ssl_key_file ssl_ca_file ssl_crl_file ssl_crl_dir ssl_dh_params_file
    stats_temp_directory krb_server_keyfile update_process_title transaction_isolation transaction_read_only
    transaction_deferrable is_superuser session_authorization role seed
    """.split()
)
"""Addresses, paths and what belongs to recovery or to a session: a restore has its own."""
IGNORED_PREFIXES = ("recovery_", "unix_socket_", "log_rotation_", "debug_", "trace_", "syslog_")

QUARANTINED = {
    "archive_mode": (
        "Expected: a restore never writes into the original's archive. What it is told after the cut-over "
        "cannot be restored to a moment until it archives.",
        "Once it serves, give it an archive of its own, ALTER SYSTEM SET archive_mode = 'on', restart it.",
    ),
    "synchronous_standby_names": (
        "Expected: the original's standbys do not follow it, and each commit would wait for them forever.",
        "Once it has standbys of its own, set it again.",
    ),
    "max_logical_replication_workers": (
        "Expected: a restore receives nothing from the original's publishers.",
        "Once it serves: ALTER SYSTEM RESET max_logical_replication_workers; and restart it.",
    ),
}
"""What Reforge's quarantine sets, and what to do about it after the cut-over."""
QUARANTINED_LIBRARIES = {"pg_cron"}

_BREAKS_WHEN_LOWER = {
    "max_connections": "Clients above it are turned away.",
    "max_prepared_transactions": "PREPARE TRANSACTION fails above it.",
    "max_locks_per_transaction": "Transactions on many tables end with out of shared memory.",
    "max_pred_locks_per_transaction": "Serializable transactions fail or take locks on whole tables.",
    "max_stack_depth": "Deep expressions and recursive functions fail.",
    "max_files_per_process": "Sessions that open many files become slow.",
    "max_wal_senders": "Standbys and CDC above it are turned away.",
    "max_replication_slots": "Slots above it cannot be made.",
    "max_worker_processes": "Parallel queries and background workers get fewer processes.",
}
_BREAKS_WHEN_LIMITED = {
    "statement_timeout": "Statements that end in the source are cancelled.",
    "lock_timeout": "Waits for locks that succeed in the source fail.",
    "transaction_timeout": "Transactions that end in the source are cut off.",
    "idle_in_transaction_session_timeout": "Sessions that live in the source are ended.",
    "idle_session_timeout": "Pooled sessions that live in the source are ended.",
    "temp_file_limit": "Queries that sort or hash much fail.",
}
"""Limits of which 0 or less says that there is none."""
_MEMORY = {
    "work_mem",
    "maintenance_work_mem",
    "shared_buffers",
    "hash_mem_multiplier",
    "effective_cache_size",
}
"""Less of it is slow; less than half can bring down an application under load."""
_DECIDES = {
    "search_path": "Names lead to other objects.",
    "default_transaction_isolation": "Transactions see another state than the application was written for.",
    "default_transaction_read_only": "Writes are refused, or let in where they must not be.",
    "session_replication_role": "Triggers and foreign keys do not fire.",
    "row_security": "Queries under row security fail.",
    "standard_conforming_strings": "Backslashes in literals mean something else.",
    "backslash_quote": "Escaped quotes in literals are refused.",
    "transform_null_equals": "x = NULL means something else.",
    "array_nulls": "NULL in arrays means something else.",
    "bytea_output": "Binary values are shown in another form.",
    "DateStyle": "Dates are read and shown in another order.",
    "IntervalStyle": "Intervals are shown in another form.",
    "TimeZone": "Times without zone mean another moment.",
    "timezone_abbreviations": "Abbreviations of zones mean other offsets.",
    "extra_float_digits": "Floating-point numbers are shown with other digits.",
    "lc_monetary": "Amounts of money are read and shown otherwise.",
    "lc_numeric": "to_char() shows numbers otherwise.",
    "lc_time": "to_char() shows names of days and months otherwise.",
    "default_text_search_config": "Full-text search finds other rows, and its indexes no longer fit.",
    "default_table_access_method": "New tables are of another kind.",
    "default_tablespace": "New tables go elsewhere.",
    "temp_tablespaces": "Temporary files go elsewhere, and may fill another disk.",
    "xmlbinary": "Binary values in XML are shown in another form.",
    "xmloption": "XML is parsed otherwise.",
    "db_user_namespace": "Logins mean other roles.",
    "password_encryption": "Clients that know only the other method cannot log in with new passwords.",
}
_MUST_STAY_ON = {
    "ssl": "Clients that insist on TLS are turned away, and the others send in clear.",
    "fsync": "A crash of the machine can destroy the database.",
    "full_page_writes": "A crash of the machine can destroy pages.",
    "autovacuum": "Tables grow, and transaction ids run out.",
    "track_counts": "Autovacuum finds nothing to do.",
    "track_commit_timestamp": "pg_xact_commit_timestamp() fails.",
    "wal_log_hints": "pg_rewind refuses it.",
}
_MUST_STAY_OFF = {
    "zero_damaged_pages": "Damaged pages are emptied instead of told.",
    "ignore_checksum_failure": "Damage of pages is passed over.",
    "ignore_system_indexes": "Every look into the catalog is slow.",
}
_RANKS = {
    "wal_level": ("minimal", "replica", "logical"),
    "synchronous_commit": ("off", "local", "remote_write", "on", "remote_apply"),
}
"""From weak to strong."""
_WEAKER = {
    "wal_level": "Standbys or logical replication no longer work from it.",
    "synchronous_commit": "Acknowledged commits can be lost by a crash.",
}
_LIBRARIES = {"shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"}


@dataclass(frozen=True)
class Judgement:
    """How grave it is, why, and what to do where it is not to set it as it was."""

    severity: Severity
    why: str
    cure: str | None = None


def is_ignored(name: str) -> bool:
    """Whether a restore has its own, whatever the source's is."""
    return name in IGNORED or name.startswith(IGNORED_PREFIXES)


def judge(name: str, source: str, restored: str) -> Judgement:
    """What it means that a setting's values differ, both in the same unit."""
    if name in QUARANTINED:
        why, cure = QUARANTINED[name]
        return Judgement("note", why, cure)
    if name in _LIBRARIES:
        return _libraries(source, restored)
    if hurt := _broken(name, source, restored) or _DECIDES.get(name):
        return Judgement("gate", hurt)
    if name in _MEMORY:
        return _memory(float(source), float(restored))
    return Judgement("note", "It is set otherwise.")


def _broken(name: str, source: str, restored: str) -> str | None:
    """Why a value that is lower, weaker, on or off hurts; None where it does not."""
    if name in _BREAKS_WHEN_LOWER and float(restored) < float(source):
        return _BREAKS_WHEN_LOWER[name]
    if name in _BREAKS_WHEN_LIMITED and _limit(restored) < _limit(source):
        return _BREAKS_WHEN_LIMITED[name]
    if name in _RANKS and _rank(name, restored) < _rank(name, source):
        return _WEAKER[name]
    if restored == "off":
        return _MUST_STAY_ON.get(name)
    return _MUST_STAY_OFF.get(name) if restored == "on" else None


def _limit(value: str) -> float:
    return float(value) if float(value) > 0 else float("inf")


def _rank(name: str, value: str) -> int:
    return _RANKS[name].index(value) if value in _RANKS[name] else len(_RANKS[name])


def _memory(source: float, restored: float) -> Judgement:
    if restored < source / 2:
        return Judgement(
            "gate", "Less than half of the source's memory: queries that were quick spill or wait."
        )
    return Judgement(
        "note", "Queries may be slower." if restored < source else "There is more than in the source."
    )


def _libraries(source: str, restored: str) -> Judgement:
    before, after = (_names(text) for text in (source, restored))
    missing = before - after - QUARANTINED_LIBRARIES
    if missing:
        return Judgement("gate", f"Not loaded: {', '.join(sorted(missing))}. What they do is not done.")
    if held := before - after:
        why = f"Expected: {', '.join(sorted(held))} would act by itself, and is held back."
        return Judgement("note", why, "Once it serves, load it again and restart.")
    return Judgement("note", "It loads more than the source.")


def _names(text: str) -> set[str]:
    return {name.strip().strip('"') for name in text.split(",") if name.strip()}
