"""What exists in a Kubernetes cluster already and is only changed: how much of it runs, and what it reads.

Nothing here is applied server-side and later given up: giving a field up resets replicas to 1 and deletes
keys (``tests/functional/kubernetes/test_traps.py``). Values are written, and the originals are written back.
"""
