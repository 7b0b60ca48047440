"""Whether a restored server is what the original is: settings, roles, rights, extensions, order of text."""
