"""Looks around a cluster that nobody has told us of: its files, its archive, its backups, what leads to it.

Reads only, and only what the account that runs it may read. Nothing is guessed in silence: whatever is found
says from what, and whatever could not be seen says why, and what to add by hand.
"""
