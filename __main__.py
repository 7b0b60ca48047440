"""The Pulumi program of Reforge: read the stack's config and declare what it describes."""

from stacks.program import main

main()
