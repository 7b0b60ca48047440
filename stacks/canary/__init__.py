"""The canary of a cut-over: a small copy of a deployment that has a restore for its database.

``settings.py`` is read with every config; the rest only where one names a canary.
"""
