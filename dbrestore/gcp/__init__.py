"""Values in Google Cloud that exist already and are only changed: secrets and DNS records.

``api.py`` is the one boundary to Google's client.
"""
