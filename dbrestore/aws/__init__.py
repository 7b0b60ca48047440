"""Values in AWS that exist already and are only changed: secrets, parameters, DNS records, and what writes.

``api.py`` is the one boundary to boto3.
"""
