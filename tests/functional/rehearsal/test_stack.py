"""The config and the suite of a site are what the stack and the validation take."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml

from rehearsal.site import Site
from stacks.model import parse
from validation.report import Report
from validation.runner import Subject, run
from validation.suite import load


def validate(site: Site) -> Report:
    suite = load(Path(site.config()["suite"]))
    return run(suite, Subject(site.record.source_url, target_time=datetime.now(UTC)))


def test_the_model_of_the_stack_takes_the_config(site: Site) -> None:
    config = parse(site.config())
    assert config.source.data_directory == site.record.data
    assert len(config.endpoints) == len(config.writers) == 2


def test_the_config_survives_yaml(site: Site) -> None:
    assert yaml.safe_load(yaml.safe_dump(site.config())) == site.config()


def test_the_suite_passes_before_the_accident_and_fails_after_it(site: Site) -> None:
    # The seeded rows are all older than the hour that the suite allows: the load has not run here.
    with_load = "newest"
    report = validate(site)
    wrong = {one.name: one.complaints for one in report.verdicts if one.outcome != "passed"}
    assert set(wrong) <= {with_load}, wrong
    site.accident()
    failed = {one.name for one in validate(site).verdicts if one.outcome == "failed"}
    assert {"schema", "row-counts"} <= failed
