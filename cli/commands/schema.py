"""Print the JSON Schema of a stack's config file, for editors"""

from __future__ import annotations

import json

import click


@click.command(help=__doc__)
def command() -> None:
    from stacks.model import schema

    click.echo(json.dumps(schema(), indent=2))
